/* In the monitor, and where it recovers mailboxes. */
#include "sandbox/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/wire.h"
#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"

enum { LOOK_MS = 20 };

static bool
has_ended(pid_t child)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) !=
		   0 ||
	       info.si_pid != 0;
}

bool
child_ends(pid_t child, unsigned seconds)
{
	struct pollfd p = { .fd = compat_pidfd_open(child), .events = POLLIN };
	long long end = now_ms() + seconds * 1000LL;
	long long left = seconds * 1000LL;
	bool ended;

	do {
		/* Where there is no descriptor to be had, poll only sleeps. */
		poll(&p, 1,
		     (int)(p.fd >= 0 || left < LOOK_MS ? left : LOOK_MS));
		ended = has_ended(child);
		left = end - now_ms();
	} while (!ended && left > 0);
	if (p.fd >= 0)
		close(p.fd);
	return ended;
}

int
child_wait_long(pid_t child)
{
	int status = -1;

	TEMP_FAILURE_RETRY(waitpid(child, &status, 0));
	return status;
}

int
child_wait(pid_t child, unsigned seconds)
{
	if (!child_ends(child, seconds))
		kill(child, SIGKILL);
	return child_wait_long(child);
}

bool
child_told(int fd, void *report, size_t size, unsigned seconds)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long long end = now_ms() + seconds * 1000LL;
	int n = 0;

	do {
		long long left = end - now_ms();
		struct timespec t = timespec_of_ms(left);

		if (left <= 0 || signals_terminated())
			return false;
		n = ppoll(&p, 1, &t, signals_while_waiting());
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0 && recv(fd, report, size, MSG_DONTWAIT | MSG_TRUNC) ==
			    (ssize_t)size;
}

bool
child_was_orderly(enum role role, int status)
{
	char call[REFUSAL_SIZE];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		refusal_text(role, call);
		log_line(LOG_CRIT, EVENT_PROTOCOL,
			 "%s made a system call that it has no use for: %s",
			 sandbox_role(role), call);
	} else if (WIFSIGNALED(status)) {
		log_line(LOG_ERR, EVENT_PROTOCOL, "%s died of signal %d",
			 sandbox_role(role), WTERMSIG(status));
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
