/* In the monitor. */
#include "monitor/authenticator_ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signals.h"
#include "sandbox/child.h"

/*
 * A directory service that is down may keep a module waiting for a minute and
 * more; and for what a module does at a session's end. The tests are built with
 * shorter ones.
 */
#ifndef ANSWER_SECONDS
#define ANSWER_SECONDS 180
#define CLOSE_SECONDS 60
#endif

bool
authenticator_start(struct authenticator_link *l, const struct options *o,
		    const char *rhost)
{
	int pair[2];

	l->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		log_line(LOG_ERR, EVENT_SETUP, "authenticator: %s",
			 strerror(errno));
		return false;
	}
	l->pid = fork();
	if (l->pid == 0) {
		close(pair[0]);
		authenticator_run(o, rhost, pair[1]);
		/* Libraries of PAM's modules may have something to tidy up. */
		_exit(EX_OK);
	}
	close(pair[1]);
	if (l->pid < 0) {
		log_line(LOG_ERR, EVENT_SETUP, "authenticator: %s",
			 strerror(errno));
		close(pair[0]);
		l->pid = 0;
		return false;
	}
	l->fd = pair[0];
	return true;
}

/* It finishes what it is at, then finds that nobody is there. */
static void
hang_up(struct authenticator_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void
say_unanswered(void)
{
	if (!signals_terminated())
		log_line(LOG_ERR, EVENT_SETUP, "PAM's process gives no answer");
}

struct question *
authenticator_question(struct authenticator_link *l, enum question_type type,
		       uint32_t method)
{
	l->question.type = type;
	l->question.method = method;
	l->question.invalid = 0;
	return &l->question;
}

static bool
send_question(struct authenticator_link *l)
{
	size_t size = question_size(l->question.type);
	bool sent = l->fd >= 0 && send(l->fd, &l->question, size,
				       MSG_NOSIGNAL) == (ssize_t)size;

	explicit_bzero(&l->question, size);
	return sent;
}

enum login_result
authenticator_ask(struct authenticator_link *l, struct answer *answer)
{
	bool sent = send_question(l);

	memset(answer, 0, sizeof(*answer));
	if (l->fd < 0)
		return LOGIN_TEMPORARY;
	if (!sent ||
	    !child_told(l->fd, answer, sizeof(*answer), ANSWER_SECONDS) ||
	    answer->result >= LOGIN_RESULTS) {
		say_unanswered();
		hang_up(l);
		memset(answer, 0, sizeof(*answer));
		return LOGIN_TEMPORARY;
	}
	answer->user[USER_MAX] = '\0';
	answer->words[PAM_WORDS_SIZE - 1] = '\0';
	l->open = l->open || answer->result == LOGIN_OK;
	return (enum login_result)answer->result;
}

void
authenticator_close(struct authenticator_link *l)
{
	struct answer answer;

	if (l->open) {
		authenticator_question(l, ASK_CLOSE, 0);
		authenticator_ask(l, &answer);
	}
	l->open = false;
}

void
authenticator_end(struct authenticator_link *l)
{
	unsigned seconds = l->open ? CLOSE_SECONDS : ENDING_SECONDS;

	hang_up(l);
	if (l->pid <= 0)
		return;
	if (!child_ends(l->pid, seconds)) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "PAM's process does not end: it is killed");
		kill(l->pid, SIGKILL);
		child_wait_long(l->pid);
	} else {
		int status = child_wait_long(l->pid);

		if (WIFSIGNALED(status))
			log_line(LOG_ERR, EVENT_SETUP,
				 "PAM's process died of signal %d",
				 WTERMSIG(status));
	}
	l->pid = 0;
}
