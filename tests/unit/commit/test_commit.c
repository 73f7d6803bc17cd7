/*
 * Taking ranges out of a file, with the disk of disk.h below it: every set of
 * ranges, every cut by a kill or a power cut, in the commit and in the recovery
 * from it, and every failure of a call in the commit.
 */
#include "cuts.h"

static void
check_patterns(bool power)
{
	worlds = 0;
	for (enum kind kind = KIND_DISTINCT; kind < KINDS; kind++)
		for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns);
		     i++) {
			make_scenario(kind, 6, patterns[i]);
			check_cuts(power);
		}
	print_message("%lu worlds\n", worlds);
}

/* Tests */

static void
test_any_set_of_messages_is_removed(void **state)
{
	(void)state;
	for (unsigned gone = 1; gone < 1 << MESSAGES_MAX; gone++) {
		for (int variant = 0; variant < 3; variant++) {
			make_scenario(variant == 2 ? KIND_ALIKE : KIND_DISTINCT,
				      MESSAGES_MAX, gone);
			disk_load(&scenario.old);
			disk.short_io = variant == 1;
			assert_int_equal(run_commit(), COMMIT_DONE);
			assert_true(is_new(0, 0));
			assert_int_equal(disk.effects, 0);
			assert_int_equal(names_in_use(), 0);
		}
	}
}

static void
test_removing_everything_needs_no_journal(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x3f);
	disk_load(&scenario.old);
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_int_equal(disk.inodes, 1);
	assert_true(is_new(0, 0));
}

static void
test_making_it_shorter_needs_no_room(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x38);
	disk_load(&scenario.old);
	disk.no_fallocate = true;
	disk.blocks_free = 0;
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_int_equal(disk.effects, 0);
	assert_int_equal(names_in_use(), 0);
	assert_true(is_new(0, 0));
}

static void
test_a_kill_at_any_step_loses_nothing(void **state)
{
	(void)state;
	check_patterns(false);
}

static void
test_a_power_cut_at_any_step_loses_nothing(void **state)
{
	(void)state;
	check_patterns(true);
}

static void
test_a_power_cut_while_a_killed_one_is_finished_loses_nothing(void **state)
{
	(void)state;
	worlds = 0;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		make_scenario(i % KINDS, 6, patterns[i]);
		check_mixed_cuts();
	}
	print_message("%lu worlds\n", worlds);
}

/* What was never synced is lost after the recovery as well. */
static void
test_a_power_cut_after_a_kill_and_a_recovery_loses_nothing(void **state)
{
	static struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		make_scenario(KIND_DISTINCT, 6, patterns[i]);
		for (int step = 0; cut_commit(step); step++) {
			int result;

			disk.cut_at = -1;
			memset(disk.open, 0, sizeof(disk.open));
			result = run_recover(MAILBOX_FD);
			for (int n = 0; n < SUBSETS; n++) {
				save_world(&w, true, n);
				check_end(&w, 0, 0, result == COMMIT_DONE);
			}
			disk_load(&scenario.old);
		}
	}
}

/* Call after call fails, once, twice or from then on. */
static void
test_a_failure_of_any_call_loses_nothing(void **state)
{
	static const unsigned gone[] = { 0x01, 0x2a, 0x0c, 0x38, 0x3f };
	int failures = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		make_scenario(KIND_DISTINCT, 6, gone[i / 2]);
		failures += check_failures(i % 2);
	}
	print_message("%d failures\n", failures);
}

static void
test_no_commit_of_a_mailbox_of_another_size(void **state)
{
	struct scenario *s = &scenario;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	disk_load(&s->old);
	assert_int_equal(commit_remove(MAILBOX_FD, s->old.mailbox.size - 1,
				       &place, s->ranges, s->n, NULL),
			 COMMIT_FAILED);
	assert_int_equal(errno, ESTALE);
	assert_true(is_old(0, 0));
}

static void
test_space_is_looked_for_where_it_cannot_be_reserved(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	disk_load(&scenario.old);
	disk.no_fallocate = true;
	disk.blocks_free = 8;
	disk.room = 1024;
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, ENOSPC);
	assert_true(is_old(0, 0));
	assert_int_equal(names_in_use(), 0);
	disk.blocks_free = 100;
	disk.room = -1;
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
}

static void
test_a_file_size_limit_is_noticed_beforehand(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	disk_load(&scenario.old);
	disk.size_limit = scenario.new_size;
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, EFBIG);
	assert_true(is_old(0, 0));
	assert_int_equal(names_in_use(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_set_of_messages_is_removed),
		cmocka_unit_test(test_removing_everything_needs_no_journal),
		cmocka_unit_test(test_making_it_shorter_needs_no_room),
		cmocka_unit_test(test_a_kill_at_any_step_loses_nothing),
		cmocka_unit_test(test_a_power_cut_at_any_step_loses_nothing),
		cmocka_unit_test(
		    test_a_power_cut_after_a_kill_and_a_recovery_loses_nothing),
		cmocka_unit_test(
		    test_a_power_cut_while_a_killed_one_is_finished_loses_nothing),
		cmocka_unit_test(test_a_failure_of_any_call_loses_nothing),
		cmocka_unit_test(test_no_commit_of_a_mailbox_of_another_size),
		cmocka_unit_test(
		    test_space_is_looked_for_where_it_cannot_be_reserved),
		cmocka_unit_test(test_a_file_size_limit_is_noticed_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
