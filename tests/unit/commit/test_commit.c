/*
 * Taking ranges out of a file, with the disk of disk.h below it: every set of
 * ranges, every cut by a kill or a power cut, in the commit and in the recovery
 * from it, and every failure of a call in the commit.
 */
#include "scenario.h"

enum { SUBSETS = 24 };

static struct world second_cut;
static unsigned long worlds;

/* Power cuts */

static int chosen;
static unsigned random_state = 1;

static unsigned
random_bits(void)
{
	random_state = random_state * 1103515245 + 12345;
	return random_state >> 16;
}

/* Nothing reached the disk, all did, all but one, or any of them. */
static bool
choose(int i)
{
	if (chosen < 2)
		return chosen == 1;
	if (chosen < 6)
		return (i + chosen) % 4 != 0;
	return random_bits() & 1;
}

/*
 * A world after a power cut: `choose` says for each thing that may or may not
 * have reached the disk whether it has. The size comes last, so that what it
 * cuts off was written before.
 */
static void
save_power_cut(struct world *w, int dir_ops)
{
	const struct names *names =
	    dir_ops < disk.dir_ops ? &disk.before[dir_ops] : &disk.names;

	disk_save(w, names, choose(EFFECTS));
	copy_content(&w->mailbox, &disk.inode[0].durable);
	for (int i = 0; i < disk.effects; i++)
		if (choose(i))
			apply_effect(&w->mailbox, &disk.effect[i]);
}

/* How many worlds a cut may leave, as far as they are tried. */
static int
worlds_after(bool power, int subsets)
{
	if (!power)
		return 1;
	return disk.effects + disk.dir_ops > 0 ? subsets : 2;
}

static void
save_world(struct world *w, bool power, int which)
{
	if (!power) {
		disk_after_kill(w);
		return;
	}
	chosen = which;
	save_power_cut(w,
		       which < 2 ? which * DIR_OPS : (int)(random_bits() % 4));
}

/* What must hold at the end, whatever was cut before. */
static void
check_end(const struct world *w, int arrived, int arrived2, bool done)
{
	int result;

	disk_load(w);
	result = run_recover(MAILBOX_FD);
	assert_true(result == COMMIT_DONE || result == COMMIT_NOTHING);
	assert_int_equal(names_in_use(), 0);
	assert_true(result == COMMIT_NOTHING || disk.dir_ops == 0);
	if (!is_new(arrived, arrived2))
		assert_true(!done && is_old(arrived, arrived2));
	worlds++;
}

/* The recovery from w is cut at every step as well. */
static void
check_recovery(const struct world *w, int arrived, bool power, bool done)
{
	int result = CUT;

	for (int cut = 0; result == CUT; cut++) {
		int n;

		disk_load(w);
		disk.cut_at = cut;
		result = run_recover(MAILBOX_FD);
		assert_true(result == CUT || result == COMMIT_DONE ||
			    result == COMMIT_NOTHING);
		n = worlds_after(power, 3);
		for (int i = 0; i < n; i++) {
			int arrived2 = (cut + i) % ARRIVALS;

			disk_load(w);
			disk.cut_at = cut;
			(void)run_recover(MAILBOX_FD);
			save_world(&second_cut, power,
				   i < 2 ? i : 2 + cut % SUBSETS);
			if (!arrive(&second_cut, arrived2))
				arrived2 = 0;
			check_end(&second_cut, arrived, arrived2, done);
		}
	}
}

static void
check_cuts(bool power)
{
	static struct world w;
	int result = CUT;

	for (int cut = 0; result == CUT; cut++) {
		int n;

		disk_load(&scenario.old);
		disk.cut_at = cut;
		result = run_commit();
		assert_true(result == CUT || result == COMMIT_DONE);
		n = worlds_after(power, SUBSETS);
		for (int i = 0; i < n; i++) {
			disk_load(&scenario.old);
			disk.cut_at = cut;
			(void)run_commit();
			save_world(&first_cut, power, i);
			for (int a = 0; a < ARRIVALS; a++) {
				if (power && i > 2 && a != i % ARRIVALS)
					continue;
				w = first_cut;
				if (arrive(&w, a))
					check_recovery(&w, a, power,
						       result == COMMIT_DONE);
			}
		}
	}
}

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

static void
check_failure(int result, bool arrived)
{
	bool waits = disk_find("journal") >= 0;

	assert_true(result >= COMMIT_DONE && result <= COMMIT_PENDING);
	if (result == COMMIT_DONE)
		assert_true(is_new(arrived, 0) && !waits);
	if (result == COMMIT_FAILED)
		assert_true(is_old(arrived, 0) && !waits);
	/* To make a mailbox empty takes no journal that could wait. */
	if (result == COMMIT_PENDING)
		assert_true(scenario.new_size > 0);
	disk.fail_at = -1;
	assert_int_equal(run_recover(MAILBOX_FD),
			 waits ? COMMIT_DONE : COMMIT_NOTHING);
	assert_int_equal(names_in_use(), 0);
	assert_true(result == COMMIT_FAILED ? is_old(arrived, 0)
					    : is_new(arrived, 0));
}

/* Call after call fails, once, twice or from then on. */
static void
test_a_failure_of_any_call_loses_nothing(void **state)
{
	static const int times[] = { 1, 2, 100000 };
	static const int errors[] = { EIO, ENOSPC };
	static const unsigned gone[] = { 0x01, 0x2a, 0x0c, 0x38, 0x3f };
	int calls, failures = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		make_scenario(KIND_DISTINCT, 6, gone[i / 2]);
		disk_load(&scenario.old);
		disk.short_io = i % 2;
		assert_int_equal(run_commit(), COMMIT_DONE);
		calls = disk.calls;
		for (int n = 0; n < 6 * calls; n++, failures++) {
			disk_load(&scenario.old);
			disk.short_io = i % 2;
			disk.fail_at = n / 6;
			disk.fail_times = times[n % 3];
			disk.fail_errno = errors[n / 3 % 2];
			check_failure(run_commit(), false);
		}
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
				       DIR_FD, s->ranges, s->n, NULL),
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
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, ENOSPC);
	assert_true(is_old(0, 0));
	assert_int_equal(names_in_use(), 0);
	disk.blocks_free = 100;
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
}

static void
test_a_file_size_limit_is_noticed_beforehand(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	disk_load(&scenario.old);
	disk.size_limit = 4096;
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
		cmocka_unit_test(test_a_failure_of_any_call_loses_nothing),
		cmocka_unit_test(test_no_commit_of_a_mailbox_of_another_size),
		cmocka_unit_test(
		    test_space_is_looked_for_where_it_cannot_be_reserved),
		cmocka_unit_test(test_a_file_size_limit_is_noticed_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
