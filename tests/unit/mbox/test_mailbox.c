/* What the mailbox's size and times prove, and who is asked for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mbox/mailbox.h"

/*
 * A kernel that keeps the attributes of a file for a second, as FUSE does, also
 * where another host has changed it: only who insists is told.
 */
static const struct stat *remembered;

int
fstat(int fd, struct stat *st)
{
	if (remembered == NULL)
		return fstatat(fd, "", st, AT_EMPTY_PATH);
	*st = *remembered;
	return 0;
}

int
statx(int dir, const char *restrict name, int flags, unsigned mask,
      struct statx *restrict x)
{
	int r = (int)syscall(SYS_statx, dir, name, flags, mask, x);

	if (r == 0 && remembered != NULL && !(flags & AT_STATX_FORCE_SYNC))
		x->stx_size = (unsigned long long)remembered->st_size;
	return r;
}

static void
test_mail_that_another_host_appended_just_now_is_seen(void **state)
{
	struct mailbox b = { .fd = memfd_create("mbox", MFD_CLOEXEC) };
	struct stat before;

	(void)state;
	assert_int_equal(write(b.fd, "From a\n", 7), 7);
	assert_int_equal(fstat(b.fd, &before), 0);
	snapshot_take(&b.snapshot, &before);
	remembered = &before;
	bool unchanged = mailbox_unchanged(&b);
	assert_int_equal(write(b.fd, "From b\n", 7), 7);
	bool changed = !mailbox_unchanged(&b);
	remembered = NULL;
	close(b.fd);
	assert_true(unchanged && changed);
}

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
		cmocka_unit_test(
		    test_mail_that_another_host_appended_just_now_is_seen),
		cmocka_unit_test(test_a_time_of_our_own_tells_the_next_writer),
		cmocka_unit_test(
		    test_a_whole_second_may_be_the_next_writers_too),
		cmocka_unit_test(
		    test_the_kernels_tick_may_be_the_next_writers_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
