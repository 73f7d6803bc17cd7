/*
 * The greeter's commands. This process parses strangers' bytes, so it has no
 * file, no uid worth having and no log: it can only ask the monitor.
 */
#include "authorization.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "session.h"

enum outcome
command_user(struct session *s, const struct arguments *a)
{
	struct login_request *login = &s->request.login;

	if (strlen(a->text) > USER_MAX || *a->text == '\0') {
		stream_printf(&s->stream, "-ERR USER: A name is needed");
		return GO_ON;
	}
	s->name_accepted = true;
	snprintf(login->user, sizeof(login->user), "%s", a->text);
	stream_printf(&s->stream, "+OK Password required for %s.", a->text);
	return GO_ON;
}

static enum outcome
fail_login(struct session *s, const struct reply *reply)
{
	static const char *const texts[LOGIN_RESULTS] = {
		[LOGIN_OK] = "",
		[LOGIN_DENIED] = "[AUTH] Wrong name or password.",
		[LOGIN_NO_ACCESS] = "[AUTH] This account may not log in.",
		[LOGIN_TEMPORARY] =
		    "[SYS/TEMP] Passwords cannot be checked now.",
		[LOGIN_BROKEN] = ("[SYS/PERM] Passwords cannot be checked; "
				  "tell the administrator."),
	};

	stream_printf(&s->stream, "-ERR %s", texts[reply->result]);
	if (reply->last == 0)
		return GO_ON;
	s->reason = END_REFUSED;
	return OVER;
}

/* Asks the monitor about s->request, which is wiped. */
static enum outcome
log_in(struct session *s)
{
	struct reply reply;

	s->request.type = REQUEST_LOGIN;
	bool answered = boundary_ask(s->monitor, &s->request, &reply);
	explicit_bzero(&s->request, sizeof(s->request));
	if (!answered || reply.result >= LOGIN_RESULTS) {
		stream_printf(&s->stream, "-ERR [SYS/TEMP] Internal error.");
		s->reason = END_FAULT;
		return OVER;
	}
	return reply.result == LOGIN_OK ? LOGGED_IN : fail_login(s, &reply);
}

enum outcome
command_pass(struct session *s, const struct arguments *a)
{
	struct login_request *login = &s->request.login;

	if (!s->user_given) {
		stream_printf(&s->stream, "-ERR PASS: USER comes first");
		return GO_ON;
	}
	snprintf(login->password, sizeof(login->password), "%s", a->text);
	explicit_bzero(a->text, strlen(a->text));
	return log_in(s);
}

/* What was read ahead and what is not yet sent goes to the next process. */
static bool
hand_over(struct session *s)
{
	struct handover *h = &s->request.handover;
	bool sent;

	s->request.type = REQUEST_HANDOVER;
	h->input_len = (uint32_t)stream_take_input(&s->stream, h->input,
						   sizeof(h->input));
	h->output_len = (uint32_t)stream_take_output(&s->stream, h->output,
						     sizeof(h->output));
	sent = boundary_send(s->monitor, &s->request);
	explicit_bzero(h, sizeof(*h));
	return sent;
}

static void
say_bye(struct session *s)
{
	s->request.type = REQUEST_BYE;
	s->request.reason = s->reason;
	boundary_send(s->monitor, &s->request);
}

int
authorization_run(const struct options *o, const struct connection *c,
                  int monitor)
{
	static struct session s;

	s.options = o;
	s.monitor = monitor;
	s.state = AUTHORIZATION;
	stream_init(&s.stream, c->in, c->out, o->idle_timeout);
	stream_printf(&s.stream, "+OK POP3 server ready");
	if (session_loop(&s) == LOGGED_IN)
		return hand_over(&s) ? EX_OK : EX_SOFTWARE;
	stream_linger(&s.stream);
	say_bye(&s);
	return EX_OK;
}
