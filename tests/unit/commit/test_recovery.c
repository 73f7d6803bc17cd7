/*
 * Finishing an interrupted commit, with the disk of disk.h below it: what
 * happens to journals that are damaged, that fit their mailbox no longer, or
 * that were never finished, and when a call fails.
 */
#include "scenario.h"

static void
check_failing_recovery(int arrived)
{
	static struct world w;
	int result = COMMIT_PENDING;

	for (int n = 0; result != COMMIT_DONE || disk.calls > n / 3; n++) {
		w = first_cut;
		arrive(&w, arrived);
		disk_load(&w);
		disk.fail_at = n / 3;
		disk.fail_times = n % 3 == 2 ? 100000 : 1 + n % 3;
		disk.fail_errno = n % 2 ? EIO : ENOSPC;
		result = run_recover(MAILBOX_FD);
		assert_true(result >= COMMIT_DONE && result <= COMMIT_PENDING);
		disk.fail_at = -1;
		if (result != COMMIT_DONE)
			(void)run_recover(MAILBOX_FD);
		assert_true(is_new(arrived, 0));
		assert_int_equal(names_in_use(), 0);
	}
}

static void
test_a_failure_in_the_recovery_loses_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		make_scenario(KIND_DISTINCT, 6, patterns[i]);
		for (int step = 0; cut_commit(step); step++) {
			if (disk_find("journal") < 0)
				continue;
			check_failing_recovery(0);
			check_failing_recovery(2);
		}
	}
}

/* The file whose name begins so, NULL: there is none. */
static const struct content *
file_like(const char *prefix)
{
	for (int i = 0; i < NAMES; i++)
		if (strncmp(disk.names.name[i], prefix, strlen(prefix)) == 0)
			return &disk.inode[disk.names.inode[i]].now;
	return NULL;
}

static bool
same(const struct content *a, const struct content *b)
{
	return a->size == b->size &&
	       memcmp(a->bytes, b->bytes, (size_t)a->size) == 0;
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
check_damaged(const struct world *w)
{
	const struct content *aside;

	crits = 0;
	disk_load(w);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_RESCUED);
	aside = file_like("journal.damaged-");
	assert_non_null(aside);
	assert_true(same(aside, journal_of((struct world *)(uintptr_t)w)));
	assert_true(same(&disk.inode[0].now, &w->mailbox));
	assert_int_equal(names_in_use(), 1);
	assert_int_equal(crits, 1);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_NOTHING);
}

static void
test_a_damaged_journal_is_never_used(void **state)
{
	static struct world w;
	struct content *journal;
	unsigned tried = 0;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x15);
	for (int step = 0; cut_commit(step); step++) {
		w = first_cut;
		journal = journal_of(&w);
		if (!journal)
			continue;
		for (off_t i = 0; i < journal->size; i++, tried++) {
			journal->bytes[i] ^= (unsigned char)(1 << i % 8);
			check_damaged(&w);
			journal->bytes[i] ^= (unsigned char)(1 << i % 8);
		}
		while (journal->size-- > 0)
			check_damaged(&w);
		*journal = *journal_of(&first_cut);
		journal->bytes[journal->size++] = 0;
		check_damaged(&w);
	}
	assert_true(tried > 0);
}

/* The mailbox of w is not the one that the journal was made for. */
static void
check_rescued(const struct world *w)
{
	struct content want = { .size = 0 };
	const struct content *rescued;
	off_t first = scenario.ranges[0].start;

	want.size = (off_t)scenario.new_size - first;
	memcpy(want.bytes, scenario.new + first, (size_t)want.size);
	crits = 0;
	disk_load(w);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_RESCUED);
	rescued = file_like("rescue-");
	assert_non_null(rescued);
	assert_true(same(rescued, &want));
	assert_non_null(file_like("journal.rescued-"));
	assert_int_equal(names_in_use(), 2);
	assert_true(same(&disk.inode[0].now, &w->mailbox));
	assert_int_equal(crits, 1);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_NOTHING);
}

static void
test_a_mailbox_that_was_rewritten_is_left_alone(void **state)
{
	static struct world w;
	int rescues = 0;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x04);
	for (int step = 0; cut_commit(step); step++) {
		if (disk_find("journal") < 0)
			continue;
		w = first_cut;
		w.mailbox.size = 0;
		check_rescued(&w);
		arrive(&w, 2);
		check_rescued(&w);
		w.mailbox.size = (off_t)scenario.new_size - 1;
		check_rescued(&w);
		for (off_t i = scenario.ranges[0].start;
		     i < (off_t)scenario.new_size; i++, rescues++) {
			w = first_cut;
			w.mailbox.bytes[i] ^= 0x20;
			check_rescued(&w);
		}
	}
	assert_true(rescues > 0);
}

static void
test_a_changed_old_tail_is_left_alone(void **state)
{
	static struct world w;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x02);
	for (int step = 0; cut_commit(step); step++)
		if (disk_find("journal") >= 0)
			break;
	w = first_cut;
	assert_true(same(&w.mailbox, &scenario.old.mailbox));
	for (off_t i = (off_t)scenario.new_size + 1;
	     i < scenario.old.mailbox.size; i++) {
		w.mailbox.bytes[i] ^= 0x20;
		check_rescued(&w);
		w.mailbox.bytes[i] ^= 0x20;
	}
}

/*
 * The last messages were to go; a mail reader has taken out more, and mail has
 * come that has NULs where the mailbox was to end.
 */
static void
test_mail_with_nuls_is_not_cut_out(void **state)
{
	static struct world w;
	int tried = 0;

	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x38);
	for (int step = 0; cut_commit(step); step++) {
		if (disk_find("journal") < 0)
			continue;
		w = first_cut;
		w.mailbox.size = scenario.old.mailbox.size + 100;
		memset(w.mailbox.bytes, 0, (size_t)w.mailbox.size);
		memcpy(w.mailbox.bytes, "From x\n", 7);
		crits = 0;
		disk_load(&w);
		assert_int_equal(run_recover(MAILBOX_FD), COMMIT_RESCUED);
		assert_non_null(file_like("journal.rescued-"));
		assert_int_equal(names_in_use(), 1);
		assert_true(same(&disk.inode[0].now, &w.mailbox));
		assert_int_equal(crits, 1);
		tried++;
	}
	assert_true(tried > 0);
}

/* The journal of first_cut, again. */
static void
add_journal(struct world *w)
{
	int i = 0;

	while (w->name[i][0])
		i++;
	w->file[i] = *journal_of(&first_cut);
	snprintf(w->name[i], sizeof(w->name[i]), "journal");
}

/* The world of a commit that was cut with its journal made, for scenario. */
static void
cut_with_journal(struct world *w)
{
	make_scenario(KIND_DISTINCT, 6, 0x04);
	for (int step = 0; cut_commit(step); step++)
		if (disk_find("journal") >= 0)
			break;
	*w = first_cut;
}

/* The journal of a mailbox that is not there waits until it is. */
static void
test_a_journal_without_its_mailbox_waits(void **state)
{
	static struct world w;

	(void)state;
	cut_with_journal(&w);
	crits = 0;
	disk_load(&w);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run_recover(-1), COMMIT_PENDING);
		assert_true(disk_find("journal") >= 0);
		assert_int_equal(names_in_use(), 1);
	}
	assert_int_equal(crits, 0);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_DONE);
	assert_int_equal(disk.inode[0].now.size, (off_t)scenario.new_size);
	assert_memory_equal(disk.inode[0].now.bytes, scenario.new,
			    scenario.new_size);
}

/* What is saved once is not written over by what is saved next. */
static void
test_rescued_mail_is_never_replaced(void **state)
{
	static struct world w;

	(void)state;
	cut_with_journal(&w);
	w.mailbox.size = 0;
	disk_load(&w);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run_recover(MAILBOX_FD), COMMIT_RESCUED);
		assert_int_equal(names_in_use(), 2 + 2 * i);
		disk_after_kill(&w);
		if (i == 0)
			add_journal(&w);
		disk_load(&w);
	}
}

/* Saving the mail is cut and fails as well; it is there in the end. */
static void
test_a_rescue_that_is_interrupted_is_made_again(void **state)
{
	static struct world replaced;
	static struct world w;
	int result = CUT;

	(void)state;
	cut_with_journal(&replaced);
	replaced.mailbox.size = 0;
	for (int n = 0; result != COMMIT_RESCUED; n++) {
		disk_load(&replaced);
		disk.cut_at = n;
		result = run_recover(MAILBOX_FD);
		disk_after_kill(&w);
		disk_load(&w);
		if (result == CUT)
			(void)run_recover(MAILBOX_FD);
		assert_non_null(file_like("rescue-"));
		assert_int_equal(disk_find("journal"), -1);
		assert_int_equal(disk_find("rescue.tmp"), -1);
	}
	result = CUT;
	for (int n = 0; result != COMMIT_RESCUED; n++) {
		disk_load(&replaced);
		disk.fail_at = n;
		disk.fail_times = 1;
		disk.fail_errno = ENOSPC;
		result = run_recover(MAILBOX_FD);
		disk.fail_at = -1;
		if (result == COMMIT_FAILED && disk_find("journal") >= 0)
			assert_int_equal(run_recover(MAILBOX_FD),
					 COMMIT_RESCUED);
		assert_non_null(file_like("rescue-"));
	}
}

static void
test_recovery_without_a_journal_does_nothing(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	disk_load(&scenario.old);
	assert_false(commit_pending(DIR_FD));
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_NOTHING);
	assert_int_equal(run_recover(-1), COMMIT_NOTHING);
	assert_true(is_old(0, 0));
}

static void
test_an_unfinished_journal_is_cleared_away(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	assert_true(cut_commit(4));
	disk_load(&first_cut);
	assert_true(disk_find("journal.tmp") >= 0);
	assert_true(commit_pending(DIR_FD));
	assert_int_equal(run_commit(), COMMIT_DONE);
	assert_true(is_new(0, 0));
	disk_load(&first_cut);
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_NOTHING);
	assert_int_equal(names_in_use(), 0);
	assert_true(is_old(0, 0));
}

static void
test_no_commit_while_a_journal_waits(void **state)
{
	(void)state;
	make_scenario(KIND_DISTINCT, 6, 0x01);
	for (int step = 0; cut_commit(step); step++)
		if (disk_find("journal") >= 0)
			break;
	disk_load(&first_cut);
	assert_true(commit_pending(DIR_FD));
	assert_int_equal(run_commit(), COMMIT_FAILED);
	assert_int_equal(errno, EBUSY);
	assert_true(is_old(0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failure_in_the_recovery_loses_nothing),
		cmocka_unit_test(test_a_damaged_journal_is_never_used),
		cmocka_unit_test(
		    test_a_mailbox_that_was_rewritten_is_left_alone),
		cmocka_unit_test(test_a_changed_old_tail_is_left_alone),
		cmocka_unit_test(test_mail_with_nuls_is_not_cut_out),
		cmocka_unit_test(test_a_journal_without_its_mailbox_waits),
		cmocka_unit_test(test_rescued_mail_is_never_replaced),
		cmocka_unit_test(
		    test_a_rescue_that_is_interrupted_is_made_again),
		cmocka_unit_test(test_recovery_without_a_journal_does_nothing),
		cmocka_unit_test(test_an_unfinished_journal_is_cleared_away),
		cmocka_unit_test(test_no_commit_while_a_journal_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
