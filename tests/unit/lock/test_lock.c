/* All kinds of lock on a mailbox, alone and against others. */
#include "tests/unit/box.h"

#include <sched.h>
#include <signal.h>
#include <sys/file.h>

#include "lock/lock.h"
#include "base/signals.h"

enum { WORKERS = 4, ROUNDS = 25 };

/* Many processes */

static const enum lock_kind *kinds;

/* Adds one to the number in the mailbox, slowly enough to be disturbed. */
static bool
count_up(int fd)
{
	char text[32] = "";
	int len;

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		return false;
	sched_yield();
	len = snprintf(text, sizeof(text), "%ld", strtol(text, NULL, 10) + 1);
	return pwrite(fd, text, (size_t)len, 0) == len;
}

static int
worker(void)
{
	int fd = open("box", O_RDWR | O_CLOEXEC);
	struct mailbox_lock l;

	lock_init(&l, kinds, 30, "box", NULL);
	for (int i = 0; i < ROUNDS; i++) {
		if (lock_exclusive(&l, fd) != LOCK_OK || !count_up(fd))
			return 1;
		lock_release(&l);
	}
	return 0;
}

/* Another program: waits for the second kind while it holds the first. */
static bool
hold(int fd, bool dotlock)
{
	struct flock whole = { .l_type = F_WRLCK };
	int lock;

	if (!dotlock)
		return fcntl(fd, F_SETLKW, &whole) == 0;
	while ((lock = open("box.lock", O_CREAT | O_EXCL | O_CLOEXEC, 0644)) <
	       0)
		sched_yield();
	close(lock);
	return true;
}

static bool dotlock_first;

static int
competitor(void)
{
	struct flock whole = { .l_type = F_UNLCK };
	int fd = open("box", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < ROUNDS; i++) {
		if (!hold(fd, dotlock_first) || !hold(fd, !dotlock_first) ||
		    !count_up(fd) || unlink("box.lock") != 0 ||
		    fcntl(fd, F_SETLK, &whole) != 0)
			return 1;
	}
	return 0;
}

static void
expect_no_lost_count(int workers, int competitors)
{
	pid_t pids[2 * WORKERS];
	char text[32];

	write_file("box", "0");
	for (int i = 0; i < workers + competitors; i++)
		pids[i] = spawn(i < workers ? worker : competitor);
	for (int i = 0; i < workers + competitors; i++)
		assert_int_equal(status_of(pids[i]), 0);
	read_file("box", text, sizeof(text));
	assert_int_equal(strtol(text, NULL, 10),
			 (workers + competitors) * ROUNDS);
}

static const enum lock_kind one_each[][2] = { { LOCK_FLOCK },
					      { LOCK_FCNTL },
					      { LOCK_DOTLOCK } };
static const enum lock_kind orders[][4] = {
	{ LOCK_DOTLOCK, LOCK_FCNTL, LOCK_FLOCK },
	{ LOCK_FLOCK, LOCK_FCNTL, LOCK_DOTLOCK },
	{ LOCK_FCNTL, LOCK_DOTLOCK, LOCK_FLOCK }
};

static void
test_each_kind_alone_excludes(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		kinds = one_each[i];
		expect_no_lost_count(WORKERS, 0);
	}
}

static void
test_no_order_deadlocks_with_another_program(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		kinds = orders[i];
		dotlock_first = false;
		expect_no_lost_count(2, 2);
		dotlock_first = true;
		expect_no_lost_count(2, 2);
	}
}

static int
hold_once(void)
{
	int fd = open("box", O_RDWR | O_CLOEXEC);
	struct mailbox_lock l;

	lock_init(&l, kinds, 30, "box", NULL);
	if (lock_exclusive(&l, fd) != LOCK_OK || !count_up(fd))
		return 1;
	lock_release(&l);
	return 0;
}

static void
test_stale_dotlock_is_broken_by_one_at_a_time(void **state)
{
	char dead[32], text[32];
	pid_t pids[2 * WORKERS];

	(void)state;
	snprintf(dead, sizeof(dead), "%ld\n", (long)dead_pid());
	kinds = one_each[2];
	for (int round = 1; round <= ROUNDS; round++) {
		write_file("box.lock", dead);
		for (int i = 0; i < 2 * WORKERS; i++)
			pids[i] = spawn(hold_once);
		for (int i = 0; i < 2 * WORKERS; i++)
			assert_int_equal(status_of(pids[i]), 0);
		read_file("box", text, sizeof(text));
		assert_int_equal(strtol(text, NULL, 10), round * 2 * WORKERS);
	}
}

/* All kinds, seen from one process: each open file is a holder of its own */

struct two {
	struct mailbox_lock a, b;
	int fd_a, fd_b;
};

static void
open_two(struct two *t, const enum lock_kind *list, int flags)
{
	lock_init(&t->a, list, 0, "box", NULL);
	lock_init(&t->b, list, 0, "box", NULL);
	t->fd_a = open("box", flags | O_CLOEXEC);
	t->fd_b = open("box", O_RDWR | O_CLOEXEC);
	assert_true(t->fd_a >= 0 && t->fd_b >= 0);
}

static void
close_two(struct two *t)
{
	lock_release(&t->a);
	lock_release(&t->b);
	close(t->fd_a);
	close(t->fd_b);
}

static void
test_exclusive_keeps_everyone_out(void **state)
{
	struct two t;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bool dotlock = one_each[i][0] == LOCK_DOTLOCK;

		open_two(&t, one_each[i], O_RDWR);
		assert_int_equal(lock_exclusive(&t.a, t.fd_a), LOCK_OK);
		assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_BUSY);
		/* reading a piece does not care for the dotlock */
		assert_int_equal(lock_shared(&t.b, t.fd_b),
				 dotlock ? LOCK_OK : LOCK_BUSY);
		lock_release(&t.b);
		lock_release(&t.a);
		assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_OK);
		close_two(&t);
	}
}

static void
test_shared_keeps_only_writers_out(void **state)
{
	struct two t;

	(void)state;
	open_two(&t, orders[0], O_RDONLY);
	assert_int_equal(lock_shared(&t.a, t.fd_a), LOCK_OK);
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(lock_shared(&t.b, t.fd_b), LOCK_OK);
	lock_release(&t.b);
	assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_BUSY);
	assert_int_equal(count_entries("."), 1);
	lock_release(&t.a);
	assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_OK);
	close_two(&t);
}

static void
test_read_only_mailbox_is_locked_too(void **state)
{
	struct two t;

	(void)state;
	open_two(&t, orders[0], O_RDONLY);
	assert_int_equal(lock_exclusive(&t.a, t.fd_a), LOCK_OK);
	assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_BUSY);
	close_two(&t);
}

static void
test_what_cannot_be_completed_is_given_back(void **state)
{
	struct two t;
	struct flock whole = { .l_type = F_WRLCK };

	(void)state;
	open_two(&t, orders[1], O_RDWR);
	write_file("box.lock", "1\n");
	assert_int_equal(lock_exclusive(&t.a, t.fd_a), LOCK_BUSY);
	assert_int_equal(fcntl(t.fd_b, F_OFD_SETLK, &whole), 0);
	assert_int_equal(flock(t.fd_b, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(unlink("box.lock"), 0);
	assert_int_equal(lock_exclusive(&t.a, t.fd_a), LOCK_BUSY);
	t.a.kinds = orders[0];
	assert_int_equal(lock_exclusive(&t.a, t.fd_a), LOCK_BUSY);
	assert_int_equal(count_entries("."), 1);
	close_two(&t);
}

static void
test_broken_descriptor_is_a_failure(void **state)
{
	struct mailbox_lock l;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[1]);
	lock_init(&l, orders[0], 30, "box", NULL);
	assert_int_equal(lock_exclusive(&l, pipes[1]), LOCK_FAILED);
	assert_int_equal(errno, EBADF);
	assert_int_equal(count_entries("."), 1);
	close(pipes[0]);
}

static void
test_timeout_is_kept(void **state)
{
	struct two t;
	double start;

	(void)state;
	open_two(&t, orders[0], O_RDWR);
	t.b.timeout = 1;
	assert_int_equal(flock(t.fd_a, LOCK_EX), 0);
	start = seconds_now();
	assert_int_equal(lock_exclusive(&t.b, t.fd_b), LOCK_BUSY);
	assert_true(seconds_now() - start >= 1);
	assert_int_equal(lock_shared(&t.b, t.fd_b), LOCK_BUSY);
	assert_true(seconds_now() - start >= 2);
	assert_true(seconds_now() - start < 5);
	close_two(&t);
}

/* Holds the lock until it is told that it may go, and 20 ms more. */
static int
let_go(void)
{
	const struct timespec t = { 0, 20 * 1000000 };
	int fd = open("box", O_RDWR | O_CLOEXEC);

	if (flock(fd, LOCK_EX) != 0 || write(STDOUT_FILENO, "x", 1) != 1)
		return 1;
	nanosleep(&t, NULL);
	return 0;
}

static void
test_waiting_ends_when_the_holder_leaves(void **state)
{
	static const struct {
		enum lock_result (*lock)(struct mailbox_lock *, int);
	} ways[] = { { lock_exclusive }, { lock_shared } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int pipes[2], fd = open("box", O_RDWR | O_CLOEXEC);
		struct mailbox_lock l;
		char c;

		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		dup2(pipes[1], STDOUT_FILENO);
		pid_t pid = spawn(let_go);
		dup2(out, STDOUT_FILENO);
		close(out);
		assert_int_equal(read(pipes[0], &c, 1), 1);
		lock_init(&l, orders[0], 30, "box", NULL);
		assert_int_equal(ways[i].lock(&l, fd), LOCK_OK);
		lock_release(&l);
		assert_int_equal(status_of(pid), 0);
		close(pipes[0]);
		close(pipes[1]);
		close(fd);
	}
}

static int
be_terminated(void)
{
	struct two t;

	signals_setup();
	open_two(&t, orders[0], O_RDWR);
	kill(getpid(), SIGTERM);
	/* what needs no waiting is carried out */
	if (lock_exclusive(&t.a, t.fd_a) != LOCK_OK)
		return 1;
	t.b.timeout = 30;
	if (lock_exclusive(&t.b, t.fd_b) != LOCK_FAILED || errno != EINTR)
		return 2;
	close_two(&t);
	return seconds_now() > 0 && count_entries(".") == 1 ? 0 : 3;
}

static void
test_sigterm_ends_the_wait(void **state)
{
	double start = seconds_now();

	(void)state;
	expect_zero(be_terminated);
	assert_true(seconds_now() - start < 10);
}

/* The keeper of the dotlock */

static int tries, releases;

static enum lock_result
keeper_try(void *arg)
{
	(void)arg;
	return ++tries < 3 ? LOCK_BUSY : LOCK_OK;
}

static void
keeper_release(void *arg)
{
	(void)arg;
	releases++;
}

static const struct dotlock_keeper keeper = { .try = keeper_try,
					      .release = keeper_release };

static int
ask_the_keeper(void)
{
	struct mailbox_lock l;
	int fd = open("box", O_RDWR | O_CLOEXEC);

	if (!give_up_root())
		return 1;
	lock_init(&l, orders[0], 30, "box", &keeper);
	if (lock_exclusive(&l, fd) != LOCK_OK || tries != 3 || releases != 0)
		return 2;
	lock_release(&l);
	lock_release(&l);
	if (releases != 1)
		return 3;
	if (lock_shared(&l, fd) != LOCK_OK || tries != 3)
		return 4;
	lock_release(&l);
	return releases == 1 ? 0 : 5;
}

static void
test_keeper_is_asked_where_the_directory_is_not_ours(void **state)
{
	struct mailbox_lock l;
	int fd = open("box", O_RDWR | O_CLOEXEC);

	(void)state;
	lock_init(&l, orders[0], 0, "box", &keeper);
	assert_int_equal(lock_exclusive(&l, fd), LOCK_OK);
	assert_true(l.dotlock.held && !l.kept && tries == 0);
	lock_release(&l);
	close(fd);
	assert_int_equal(chmod(".", 0555), 0);
	expect_zero(ask_the_keeper);
	assert_int_equal(chmod(".", 0777), 0);
}

/* Lost locks: the server gave them to others, or a clock ran ahead */

static int other = -1;

static bool
is_held_still(const enum lock_kind *order, bool (*lose)(int fd))
{
	int fd = open("box", O_RDWR | O_CLOEXEC);
	struct mailbox_lock l;

	lock_init(&l, order, 0, "box", NULL);
	assert_int_equal(lock_exclusive(&l, fd), LOCK_OK);
	assert_true(lock_still_held(&l));
	bool lost = lose(fd);
	bool held = lock_still_held(&l);
	lock_release(&l);
	assert_false(lock_still_held(&l));
	close(fd);
	if (other >= 0)
		close(other);
	other = -1;
	assert_true(lost);
	return held;
}

static bool
dotlock_is_broken(int fd)
{
	return unlink("box.lock") == 0;
}

static bool
dotlock_becomes_anothers(int fd)
{
	if (link("box.lock", "ours") != 0 || unlink("box.lock") != 0)
		return false;
	write_file("box.lock", "1\n");
	return true;
}

static bool
kernels_lock_becomes_anothers(int fd)
{
	struct flock none = { .l_type = F_UNLCK }, all = { .l_type = F_WRLCK };

	other = open("box", O_RDWR | O_CLOEXEC);
	return fcntl(fd, F_OFD_SETLK, &none) == 0 && flock(fd, LOCK_UN) == 0 &&
	       fcntl(other, F_OFD_SETLK, &all) == 0 &&
	       flock(other, LOCK_EX | LOCK_NB) == 0;
}

static void
test_a_lost_lock_is_noticed(void **state)
{
	static const enum lock_kind dotlock[] = { LOCK_DOTLOCK, LOCK_NONE },
				    all[] = { LOCK_DOTLOCK, LOCK_FCNTL,
					      LOCK_FLOCK, LOCK_NONE },
				    fcntl_only[] = { LOCK_FCNTL, LOCK_NONE },
				    flock_only[] = { LOCK_FLOCK, LOCK_NONE };

	(void)state;
	assert_false(is_held_still(dotlock, dotlock_is_broken));
	assert_false(is_held_still(all, dotlock_is_broken));
	assert_false(is_held_still(all, dotlock_becomes_anothers));
	assert_int_equal(unlink("box.lock"), 0);
	assert_int_equal(unlink("ours"), 0);
	assert_false(is_held_still(fcntl_only, kernels_lock_becomes_anothers));
	assert_false(is_held_still(flock_only, kernels_lock_becomes_anothers));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_lost_lock_is_noticed),
		T(test_each_kind_alone_excludes),
		T(test_no_order_deadlocks_with_another_program),
		T(test_stale_dotlock_is_broken_by_one_at_a_time),
		T(test_exclusive_keeps_everyone_out),
		T(test_shared_keeps_only_writers_out),
		T(test_read_only_mailbox_is_locked_too),
		T(test_what_cannot_be_completed_is_given_back),
		T(test_broken_descriptor_is_a_failure),
		T(test_timeout_is_kept),
		T(test_waiting_ends_when_the_holder_leaves),
		T(test_sigterm_ends_the_wait),
		T(test_keeper_is_asked_where_the_directory_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
