/* Who is asked when a Maildir's directories were changed. */
#include "tests/unit/box.h"

#include <sys/syscall.h>

#include "maildir/folder.h"

/*
 * A kernel that keeps the attributes of a directory for a second, as FUSE does,
 * also where another host has changed it: only who insists is told.
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
		x->stx_ctime.tv_sec = remembered->st_ctim.tv_sec,
		x->stx_ctime.tv_nsec = (unsigned)remembered->st_ctim.tv_nsec;
	return r;
}

static void
test_what_another_host_delivered_just_now_is_seen(void **state)
{
	struct maildir_folder f = { .top = -1 };
	struct maildir_times before, after;
	struct stat old;

	for (enum maildir_place p = 0; p < PLACES; p++)
		f.dirs[p] = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(maildir_folder_times(&f, &before));
	assert_int_equal(fstat(f.dirs[0], &old), 0);
	usleep(20 * 1000); /* the clock's grain */
	write_file("message", "x");
	remembered = &old;
	bool seen = maildir_folder_times(&f, &after);
	remembered = NULL;
	for (enum maildir_place p = 0; p < PLACES; p++)
		close(f.dirs[p]);
	unlink("message");
	assert_true(seen);
	assert_false(maildir_times_same(&before, &after));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_what_another_host_delivered_just_now_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
