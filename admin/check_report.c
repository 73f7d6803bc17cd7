/* What the checks of --check share: how a finding is said, how others are
 * asked. */
#include "admin/check_report.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/child.h"

void
check_say(struct check *c, enum verdict v, const char *format, ...)
{
	static const char *const words[] = { "ok", "warning", "error" };
	va_list ap;

	if (v > c->worst)
		c->worst = v;
	printf("%-8s ", words[v]);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout); /* a check may fork */
}

static void
read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	char rest[512];

	for (;;) {
		bool full = len + 1 >= size;
		ssize_t n = full ? read(fd, rest, sizeof(rest))
				 : read(fd, out + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (!full)
			len += (size_t)n;
	}
	out[len] = '\0';
}

/* The program with its descriptor fd, 1 or 2, on the pipe. */
static bool
spawn(const char *const *argv, int fd, int pipe_end, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *env[] = { path, locale, NULL };
	posix_spawn_file_actions_t actions;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	bool ok =
	    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY,
					     0) == 0 &&
	    posix_spawn_file_actions_addopen(&actions, 3 - fd, "/dev/null",
					     O_WRONLY, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(&actions, pipe_end, fd) == 0 &&
	    posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv,
			env) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return ok;
}

int
check_output(const char *const *argv, int fd, char *out, size_t size)
{
	int pair[2], status = -1;
	pid_t pid;

	out[0] = '\0';
	if (access(argv[0], X_OK) != 0 || pipe2(pair, O_CLOEXEC) != 0)
		return -1;
	bool spawned = spawn(argv, fd, pair[1], &pid);
	close(pair[1]);
	if (spawned) {
		read_all(pair[0], out, size);
		status = child_wait_long(pid);
	}
	close(pair[0]);
	return spawned && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
