/* In the monitor, and where it recovers mailboxes. */
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

int
child_wait(pid_t child, unsigned seconds)
{
	struct pollfd p = { .fd = pidfd_open(child, 0), .events = POLLIN };
	int status = -1;

	if (p.fd >= 0 && poll(&p, 1, (int)seconds * 1000) == 0)
		kill(child, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
