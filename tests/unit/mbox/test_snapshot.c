/* What a snapshot holds for another file, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/sysmacros.h>

#include "mbox/snapshot.h"

static struct stat
file_on(dev_t dev)
{
	return (struct stat){ .st_dev = dev, .st_ino = 4711, .st_size = 100 };
}

static enum change
change_between(dev_t before, dev_t after)
{
	struct stat old = file_on(before), new = file_on(after);
	struct snapshot s;

	snapshot_take(&s, &old);
	return snapshot_compare(&s, &new);
}

/* Another host, a reboot: NFS, FUSE and Ceph get the next free number. */
static void
test_the_number_of_a_mount_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(change_between(makedev(0, 41), makedev(0, 57)),
			 UNCHANGED);
}

static void
test_the_number_of_a_disk_tells_it_from_others(void **state)
{
	(void)state;
	assert_int_equal(change_between(makedev(8, 1), makedev(8, 1)),
			 UNCHANGED);
	assert_int_equal(change_between(makedev(8, 1), makedev(8, 2)), CHANGED);
	assert_int_equal(change_between(makedev(8, 1), makedev(0, 41)),
			 CHANGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_number_of_a_mount_says_nothing),
		cmocka_unit_test(
		    test_the_number_of_a_disk_tells_it_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
