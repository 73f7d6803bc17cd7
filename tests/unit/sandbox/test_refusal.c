/* Tests of refusal.c: what a process leaves behind that its filter has ended.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_private.h"

/* Calls chroot(2), which no role may, with all signals blocked or without. */
static int
status_of(enum role role, bool blocked)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t all;

		sigfillset(&all);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    (blocked && sigprocmask(SIG_BLOCK, &all, NULL) != 0) ||
		    !sandbox_filter(role))
			_exit(2);
		syscall(SYS_chroot, "/");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_refused(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
test_the_call_is_told_of_each_role(void **state)
{
	char expected[REFUSAL_SIZE], text[REFUSAL_SIZE];

	(void)state;
	snprintf(expected, sizeof(expected), "chroot (%d)", SYS_chroot);
	for (enum role role = 0; role < ROLES; role++) {
		assert_refused(status_of(role, false));
		refusal_text(role, text);
		assert_string_equal(text, expected);
		refusal_text(role, text);
		assert_string_equal(text, "not told which");
	}
}

static void
test_who_blocks_the_signal_dies_all_the_same(void **state)
{
	char text[REFUSAL_SIZE];

	(void)state;
	assert_refused(status_of(ROLE_GREETER, true));
	refusal_text(ROLE_GREETER, text);
	assert_string_equal(text, "not told which");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_call_is_told_of_each_role),
		cmocka_unit_test(test_who_blocks_the_signal_dies_all_the_same),
	};

	/* Sanitizers, and machines without one, have no filter to speak of. */
	if (SANDBOX_INSTRUMENTED || sandbox_lacks_filter() != NULL ||
	    prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		puts("SKIPPED [1] no seccomp filter in this build or kernel");
		puts("1 skipped in 0s");
		return EXIT_SUCCESS;
	}
	refusal_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
