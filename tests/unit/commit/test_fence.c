/*
 * A commit whose lock is lost between any two of its calls: it stops, and what
 * another host has made of the mailbox since stays.
 */
#include "scenario.h"

static const unsigned gone[] = { 0x01, 0x2a, 0x0c, 0x38, 0x3f };
enum { CASES = sizeof(gone) / sizeof(*gone) };

/* With all room for the journal, and with so little that it takes steps. */
static const off_t rooms[] = { -1, 2048, 2048 + 16 };
enum { ROOMS = sizeof(rooms) / sizeof(*rooms) };

static int asked, act_at, act_after_call;
static bool acted;
static struct content left; /* what nobody may change any more */

static void
begin_at(int at, int after_call)
{
	asked = 0;
	acted = false;
	act_at = at;
	act_after_call = after_call;
}

static bool
is_time(void)
{
	return !acted && asked++ >= act_at && disk.calls > act_after_call;
}

static bool
is_left(void)
{
	const struct content *now = &disk.inode[0].now;

	return now->size == left.size &&
	       memcmp(now->bytes, left.bytes, (size_t)left.size) == 0;
}

static bool
lost(const void *arg)
{
	(void)arg;
	if (is_time()) {
		acted = true;
		copy_content(&left, &disk.inode[0].now);
	}
	errno = EIO;
	return !acted;
}

/* What the other host does once it has finished what it found. */
enum then {
	THEN_REMOVE,
	THEN_DELIVER_AND_REMOVE,
	THEN_FILL_UP, /* delivers as much as was removed: no size tells */
};

static const enum then then_remove = THEN_REMOVE,
		       then_deliver = THEN_DELIVER_AND_REMOVE,
		       then_fill_up = THEN_FILL_UP;

static void
deliver(off_t len)
{
	struct content *c = &disk.inode[0].now;

	memset(c->bytes + c->size, 'F', (size_t)len);
	c->size += len;
	disk.changes++;
}

static void
other_host(enum then then)
{
	struct content *mailbox = &disk.inode[0].now;
	struct commit_range first = { 0, 3 };
	off_t size = mailbox->size;

	assert_int_not_equal(commit_recover(MAILBOX_FD, DIR_FD, NULL),
			     COMMIT_FAILED);
	if (then == THEN_FILL_UP && mailbox->size < size) {
		deliver(size - mailbox->size);
	} else {
		if (then != THEN_REMOVE)
			deliver(12);
		if (mailbox->size > first.end)
			assert_int_equal(commit_remove(MAILBOX_FD,
						       mailbox->size, &place,
						       &first, 1, NULL),
					 COMMIT_DONE);
	}
	copy_content(&left, mailbox);
}

/* Nobody has the lock any more when we ask: it is given to us again. */
static bool
given_again(const void *arg)
{
	if (is_time()) {
		acted = true;
		other_host(*(const enum then *)arg);
	}
	return true;
}

static void
check_left(void)
{
	assert_true(is_left());
	assert_int_equal(disk_find("journal"), -1);
	locks = NULL;
	disk.fail_at = -1;
	assert_int_equal(run_recover(MAILBOX_FD), COMMIT_NOTHING);
	assert_true(is_left());
	assert_int_equal(names_in_use(), 0);
}

static void
a_commit_stops_where_its_lock_is_lost(void)
{
	static const struct commit_locks losing = { lost, NULL };
	int stops = 0;

	for (int i = 0; i < CASES; i++) {
		int at = 0, result;

		make_scenario(KIND_DISTINCT, 6, gone[i]);
		do {
			begin_at(at++, -1);
			load(&scenario.old);
			locks = &losing;
			result = run_commit();
			locks = NULL;
			if (acted) {
				assert_int_not_equal(result, COMMIT_DONE);
				assert_true(is_left());
				stops++;
			}
			(void)run_recover(MAILBOX_FD);
			assert_true(result == COMMIT_FAILED ? is_old(0, 0)
							    : is_new(0, 0));
			assert_int_equal(names_in_use(), 0);
		} while (acted);
	}
	assert_true(stops > 3 * CASES);
}

static void
what_another_host_committed_since_is_left_alone(void)
{
	static const struct commit_locks lent[] = {
		{ given_again, &then_remove },
		{ given_again, &then_deliver },
		{ given_again, &then_fill_up },
	};
	int times = 0;

	for (int i = 0; i < 3 * CASES; i++) {
		int at = 0;

		make_scenario(KIND_DISTINCT, 6, gone[i / 3]);
		do {
			begin_at(at++, -1);
			load(&scenario.old);
			locks = &lent[i % 3];
			(void)run_commit();
			if (acted)
				check_left();
			times += acted;
		} while (acted);
	}
	assert_true(times > 3 * CASES);
}

/* The call that was on its way when the network went fails. */
static void
a_step_is_not_tried_again_over_another_hosts_work(void)
{
	static const struct commit_locks lent[] = {
		{ given_again, &then_deliver }, { given_again, &then_fill_up }
	};
	int times = 0;

	for (int i = 0; i < 2 * CASES; i++) {
		int calls;

		make_scenario(KIND_DISTINCT, 6, gone[i / 2]);
		load(&scenario.old);
		locks = NULL;
		assert_int_equal(run_commit(), COMMIT_DONE);
		calls = disk.calls;
		for (int n = 0; n < calls; n++) {
			begin_at(0, n);
			load(&scenario.old);
			disk.fail_at = n;
			disk.fail_times = 1;
			disk.fail_errno = EIO;
			locks = &lent[i % 2];
			(void)run_commit();
			if (acted)
				check_left();
			times += acted;
		}
	}
	print_message("%d failures\n", times);
	assert_true(times > 10 * CASES);
}

static void
a_recovery_leaves_another_hosts_work_alone(void)
{
	static const struct commit_locks lent = { given_again, &then_deliver };
	int times = 0;

	for (int i = 0; i < CASES; i++) {
		make_scenario(KIND_DISTINCT, 6, gone[i]);
		locks = NULL;
		for (int step = 0; cut_commit(step); step++) {
			int at = 0;

			do {
				begin_at(at++, -1);
				load(&first_cut);
				locks = &lent;
				(void)run_recover(MAILBOX_FD);
				if (acted)
					check_left();
				times += acted;
				locks = NULL;
			} while (acted);
		}
	}
	print_message("%d times\n", times);
	assert_true(times > 10 * CASES);
}

static void
test_a_commit_stops_where_its_lock_is_lost(void **state)
{
	(void)state;
	for (int i = 0; i < ROOMS; i++) {
		room = rooms[i];
		a_commit_stops_where_its_lock_is_lost();
	}
}

static void
test_what_another_host_committed_since_is_left_alone(void **state)
{
	(void)state;
	for (int i = 0; i < ROOMS; i++) {
		room = rooms[i];
		what_another_host_committed_since_is_left_alone();
	}
}

static void
test_a_step_is_not_tried_again_over_another_hosts_work(void **state)
{
	(void)state;
	for (int i = 0; i < ROOMS; i++) {
		room = rooms[i];
		a_step_is_not_tried_again_over_another_hosts_work();
	}
}

static void
test_a_recovery_leaves_another_hosts_work_alone(void **state)
{
	(void)state;
	for (int i = 0; i < ROOMS; i++) {
		room = rooms[i];
		a_recovery_leaves_another_hosts_work_alone();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_commit_stops_where_its_lock_is_lost),
		cmocka_unit_test(
		    test_what_another_host_committed_since_is_left_alone),
		cmocka_unit_test(
		    test_a_step_is_not_tried_again_over_another_hosts_work),
		cmocka_unit_test(
		    test_a_recovery_leaves_another_hosts_work_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
