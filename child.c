/* In the monitor, and where it recovers mailboxes. */
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

int
child_wait_long(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int
child_wait(pid_t child, unsigned seconds)
{
	struct pollfd p = { .fd = pidfd_open(child, 0), .events = POLLIN };

	if (p.fd >= 0 && poll(&p, 1, (int)seconds * 1000) == 0)
		kill(child, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	return child_wait_long(child);
}

bool
child_was_orderly(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_line(LOG_CRIT, EVENT_PROTOCOL,
			 "a process made a system call that it has no use for");
	else if (WIFSIGNALED(status))
		log_line(LOG_ERR, EVENT_PROTOCOL,
			 "a process of this session died of signal %d",
			 WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
