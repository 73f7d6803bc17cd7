/*
 * A commit without room for its journal, with the disk of disk.h below it: the
 * mailbox is moved down in steps. Every set of ranges, every cut, failures,
 * lost locks and changed mailboxes, as for a whole journal.
 */
#include "cuts.h"

/* What the file takes that has no room for any step. */
enum { BARE = 2048 };

/* Room beside that: none, less than a gap, more than a message. */
static const off_t rooms[] = { 0, 16, 48 };
enum { ROOMS = sizeof(rooms) / sizeof(*rooms) };

static const unsigned gone[] = { 0x01, 0x15, 0x2a, 0x1f, 0x0c, 0x04 };
enum { GONE = sizeof(gone) / sizeof(*gone) };

/* Without room the gap of one octet takes 200 steps, one more than allowed. */
enum { LONG_WAY = 0x04 };

/* A cache of that size is in the directory. */
static void
add_index(off_t size)
{
	struct world *w = &scenario.old;

	snprintf(w->name[0], sizeof(w->name[0]), "index");
	w->file[0].size = size;
	memset(w->file[0].bytes, 'i', (size_t)size);
}

static bool
is_steps(const struct world *w)
{
	for (int i = 0; i < NAMES; i++)
		if (strcmp(w->name[i], "journal") == 0)
			return steps_is_head(w->file[i].bytes);
	return false;
}

/* Tests */

static void
test_any_set_of_messages_is_removed(void **state)
{
	(void)state;
	for (unsigned set = 1; set < 1 << MESSAGES_MAX; set++) {
		for (int variant = 0; variant < 4 * ROOMS; variant++) {
			make_scenario(variant & 2 ? KIND_ALIKE : KIND_DISTINCT,
				      MESSAGES_MAX, set);
			room = BARE + rooms[variant / 4];
			if (set == LONG_WAY && room == BARE)
				continue;
			load(&scenario.old);
			disk.short_io = variant & 1;
			assert_int_equal(run_commit(), COMMIT_DONE);
			assert_true(is_new(0, 0));
			assert_int_equal(disk.effects, 0);
			assert_int_equal(names_in_use(), 0);
		}
	}
}

/* What the sanitizer looks at is the same in all of them. */
#ifdef __SANITIZE_ADDRESS__
enum { THINNER = 11 };
#else
enum { THINNER = 2 };
#endif

static void
check_patterns(bool power)
{
	worlds = 0;
	stride = (power ? 23 : 5) * THINNER;
	subsets = 9;
	for (size_t i = 0; i < (size_t)GONE * ROOMS; i++) {
		make_scenario(i % KINDS, 6, gone[i / ROOMS]);
		room = BARE + rooms[i % ROOMS];
		if (i % 4 == 1) {
			add_index(BARE - 100);
			room += 100;
		}
		check_cuts(power);
	}
	print_message("%lu worlds\n", worlds);
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
	stride = 4 * THINNER;
	for (size_t i = 0; i < (size_t)GONE * ROOMS; i++) {
		make_scenario(i % KINDS, 6, gone[i / ROOMS]);
		room = BARE + rooms[i % ROOMS];
		check_mixed_cuts();
	}
	print_message("%lu worlds\n", worlds);
}

static void
test_a_failure_of_any_call_loses_nothing(void **state)
{
	int failures = 0;

	(void)state;
	for (int i = 0; i < 2 * GONE; i++) {
		make_scenario(KIND_DISTINCT, 6, gone[i / 2]);
		room = BARE + rooms[i % ROOMS];
		failures += check_failures(i % 2);
	}
	print_message("%d failures\n", failures);
}

static void
test_an_index_gives_its_place(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x05);
	room = 0;
	load(&scenario.old);
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, ENOSPC);
	assert_true(is_old(0, 0));
	add_index(BARE);
	load(&scenario.old);
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
	assert_int_equal(disk_find("index"), -1);
}

/* Where nothing can be reserved the room is filled. */
static void
test_room_is_found_by_writing_too(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x05);
	room = BARE + 16;
	load(&scenario.old);
	disk.no_fallocate = true;
	disk.blocks_free = 0;
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
}

static void
test_where_it_takes_too_many_steps_nothing_is_done(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, MESSAGES_MAX, LONG_WAY);
	room = BARE;
	load(&scenario.old);
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, ENOSPC);
	assert_true(is_old(0, 0));
	assert_int_equal(names_in_use(), 0);
	assert_int_equal(disk.effects, 0);
	room = BARE + 16;
	load(&scenario.old);
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
}

/* Some bit of journal or mailbox is another one. */
static int
check_changed(const struct world *w)
{
	int result;

	crits = 0;
	load(w);
	result = run_recover(MAILBOX_FD);
	if (result == COMMIT_DONE) {
		assert_true(is_new(0, 0));
	} else {
		assert_int_equal(result, COMMIT_RESCUED);
		assert_int_equal(disk.inode[0].now.size, w->mailbox.size);
		assert_memory_equal(disk.inode[0].now.bytes, w->mailbox.bytes,
				    (size_t)w->mailbox.size);
		assert_int_equal(crits, 1);
	}
	assert_int_equal(disk_find("journal"), -1);
	return result;
}

static struct content *
journal_of(struct world *w)
{
	for (int i = 0; i < NAMES; i++)
		if (strcmp(w->name[i], "journal") == 0)
			return &w->file[i];
	return NULL;
}

static void
test_a_damaged_journal_does_no_harm(void **state)
{
	static struct world w;
	int rescued = 0, done = 0;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x05);
	room = BARE + 16;
	for (int step = 0; cut_commit(step); step++) {
		struct content *journal;

		w = first_cut;
		journal = journal_of(&w);
		if (!journal)
			continue;
		assert_true(is_steps(&w));
		for (off_t i = 0; i < journal->size; i++) {
			unsigned char bit = (unsigned char)(1 << i % 8);

			journal->bytes[i] ^= bit;
			if (check_changed(&w) == COMMIT_DONE)
				done++;
			else
				rescued++;
			journal->bytes[i] ^= bit;
		}
		while (journal->size-- > 0)
			assert_int_equal(check_changed(&w), COMMIT_RESCUED);
	}
	assert_true(rescued > 100 && done > 100);
}

static void
test_a_mailbox_that_was_rewritten_is_left_alone(void **state)
{
	static struct world w;
	int rescued = 0;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x05);
	room = BARE + 16;
	for (int step = 0; cut_commit(step); step++) {
		if (disk_find("journal") < 0)
			continue;
		w = first_cut;
		w.mailbox.size = 0;
		assert_int_equal(check_changed(&w), COMMIT_RESCUED);
		arrive(&w, 2);
		assert_int_equal(check_changed(&w), COMMIT_RESCUED);
		w = first_cut;
		for (off_t i = 0; i < w.mailbox.size; i++) {
			/* the NUL there tells that it is not truncated */
			if (i == (off_t)scenario.new_size)
				continue;
			w.mailbox.bytes[i] ^= 0x20;
			rescued += check_changed(&w) == COMMIT_RESCUED;
			w.mailbox.bytes[i] ^= 0x20;
		}
		if (disk.inode[0].now.size > (off_t)scenario.new_size) {
			w.mailbox.size--;
			if (w.mailbox.size >= (off_t)scenario.new_size)
				(void)check_changed(&w);
		}
	}
	assert_true(rescued > 100);
}

static void
test_a_journal_without_its_mailbox_waits(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x05);
	room = BARE;
	for (int step = 0; cut_commit(step); step++) {
		if (disk_find("journal") < 0)
			continue;
		load(&first_cut);
		assert_int_equal(run_recover(-1), COMMIT_PENDING);
		assert_int_equal(run_recover(MAILBOX_FD), COMMIT_DONE);
		assert_true(is_new(0, 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_set_of_messages_is_removed),
		cmocka_unit_test(test_a_kill_at_any_step_loses_nothing),
		cmocka_unit_test(test_a_power_cut_at_any_step_loses_nothing),
		cmocka_unit_test(
		    test_a_power_cut_while_a_killed_one_is_finished_loses_nothing),
		cmocka_unit_test(test_a_failure_of_any_call_loses_nothing),
		cmocka_unit_test(test_an_index_gives_its_place),
		cmocka_unit_test(test_room_is_found_by_writing_too),
		cmocka_unit_test(
		    test_where_it_takes_too_many_steps_nothing_is_done),
		cmocka_unit_test(test_a_damaged_journal_does_no_harm),
		cmocka_unit_test(
		    test_a_mailbox_that_was_rewritten_is_left_alone),
		cmocka_unit_test(test_a_journal_without_its_mailbox_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
