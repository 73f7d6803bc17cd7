/*
 * What the tests of the locks stand on: a directory with a mailbox in it, and
 * processes. Whatever a test does, it is to leave nothing but the mailbox.
 */
#ifndef BOX_H
#define BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, SKIPPED = 77 };

static char top[64];
static int descriptors;

static inline int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

static inline void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void
read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

static inline int
set_up(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/pop3d-lock-XXXXXX");
	if (mkdtemp(top) == NULL || chdir(top) != 0 || chmod(".", 0777) != 0)
		return -1;
	write_file("box", "0");
	if (chmod("box", 0666) != 0)
		return -1;
	descriptors = count_entries("/proc/self/fd");
	return 0;
}

static inline int
tear_down(void **state)
{
	int left = count_entries("."), fds = count_entries("/proc/self/fd");

	(void)state;
	unlink("box");
	if (chdir("/") != 0 || rmdir(top) != 0)
		return -1;
	return left == 1 && fds == descriptors ? 0 : -1;
}

/* A process that ends with what the function says. */
static inline pid_t
spawn(int (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	return pid;
}

static inline int
status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void
expect_zero(int (*run)(void))
{
	int status = status_of(spawn(run));

	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static inline int
nothing(void)
{
	return 0;
}

static inline pid_t
dead_pid(void)
{
	pid_t pid = spawn(nothing);

	status_of(pid);
	return pid;
}

/* In a child: the rights of root must not decide. */
static inline int
give_up_root(void)
{
	return geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static inline double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
