/* What the mailbox's times prove after a commit of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "mbox/mailbox.h"

/* A mailbox of one message that a commit has left just now. */
static struct mailbox
committed(long mtime_nsec, long ctime_nsec)
{
	static struct mbox_message message;
	struct mailbox b = { .mbox = { .messages = &message, .count = 1 } };
	struct stat st = { .st_size = 100 };

	st.st_mtim.tv_sec = st.st_ctim.tv_sec = time(NULL) + 1;
	st.st_mtim.tv_nsec = mtime_nsec;
	st.st_ctim.tv_nsec = ctime_nsec;
	mailbox_committed(&b, &st);
	return b;
}

static void
test_a_time_of_our_own_tells_the_next_writer(void **state)
{
	struct mailbox b = committed(4711, 4000);

	(void)state;
	assert_false(b.snapshot.racy);
	/* and where somebody puts it back, the content does */
	assert_true(b.mbox.messages[0].flags != 0);
}

static void
test_a_whole_second_may_be_the_next_writers_too(void **state)
{
	(void)state;
	assert_true(committed(0, 0).snapshot.racy);
	assert_true(committed(0, 4000).snapshot.racy);
}

static void
test_the_kernels_tick_may_be_the_next_writers_too(void **state)
{
	(void)state;
	assert_true(committed(4000, 4000).snapshot.racy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_time_of_our_own_tells_the_next_writer),
		cmocka_unit_test(
		    test_a_whole_second_may_be_the_next_writers_too),
		cmocka_unit_test(
		    test_the_kernels_tick_may_be_the_next_writers_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
