/* Tests of monitor.c: a request that is there already keeps nothing waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

/* That of the binary is linked too; this is another one. */
#define monitor_run tested_monitor_run
#define monitor_refuse refuse_in_the_test
#include "monitor/monitor.c"

enum { PATIENCE = 20 };

static struct monitor m;
static int greeter;

/* A greeter that has asked for something, and stays. */
static int
set_up(void **state)
{
	const struct request r = { .type = REQUEST_STLS };
	int pair[2];

	(void)state;
	alarm(PATIENCE);
	log_open(LOG_TO_STDERR);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	memset(&m, 0, sizeof(m));
	m.phase = GREETER;
	m.boundary = pair[0];
	m.greeter_end = now_ms() + GREETER_SECONDS * 1000LL;
	greeter = pair[1];
	m.child = fork();
	if (m.child == 0)
		for (;;)
			pause();
	return boundary_send(greeter, &r) ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	close(m.boundary);
	close(greeter);
	return 0;
}

static void
assert_greeter_died_of(int sig)
{
	int status = child_wait_long(m.child);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

static void
test_greeter_is_killed_when_its_time_is_over(void **state)
{
	(void)state;
	m.greeter_end = now_ms();
	assert_false(wait_for_request(&m));
	assert_greeter_died_of(SIGKILL);
}

/* The last: what has come of the signal stays. */
static void
test_signal_is_passed_on(void **state)
{
	(void)state;
	signals_setup();
	raise(SIGTERM);
	assert_true(wait_for_request(&m));
	long long left = m.greeter_end - now_ms();
	assert_true(left > 0 && left <= ENDING_SECONDS * 1000);
	assert_greeter_died_of(SIGTERM);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_greeter_is_killed_when_its_time_is_over),
		TEST(test_signal_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
