/* Tests of child.c: a process that does not end is not waited for. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/child.h"

enum { PATIENCE = 20 };

static pid_t
child_that_stays(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static pid_t
child_that_exits(int status)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status);
	return pid;
}

/* As where a kernel has no pidfd_open(2), or the process no room for more. */
static int
take_descriptors(void **state)
{
	struct rlimit none = { 0, 0 };

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &none) != 0)
		return -1;
	none.rlim_cur = 1; /* for poll(2) to take one */
	return setrlimit(RLIMIT_NOFILE, &none);
}

static int
give_descriptors(void **state)
{
	struct rlimit all;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &all) != 0)
		return -1;
	all.rlim_cur = all.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &all);
}

static void
test_who_does_not_end_is_killed(void **state)
{
	(void)state;
	alarm(PATIENCE);
	int status = child_wait(child_that_stays(), 1);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
test_who_ends_is_not_killed(void **state)
{
	(void)state;
	alarm(PATIENCE);
	int status = child_wait(child_that_exits(7), PATIENCE);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void
test_status_is_there_after_the_end(void **state)
{
	pid_t child = child_that_exits(7);

	(void)state;
	alarm(PATIENCE);
	assert_true(child_ends(child, PATIENCE));
	assert_true(child_ends(child, PATIENCE));
	assert_int_equal(WEXITSTATUS(child_wait_long(child)), 7);
}

#define BOTH(f)                                                 \
	cmocka_unit_test(f),                                    \
	{                                                       \
#f "_without_descriptors", f, take_descriptors, \
		    give_descriptors, NULL                      \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_who_does_not_end_is_killed),
		BOTH(test_who_ends_is_not_killed),
		BOTH(test_status_is_there_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
