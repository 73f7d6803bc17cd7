/* One session per maildrop, and how a newcomer takes over. */
#include "tests/unit/box.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>

#include "lock/session_lock.h"

enum { NEWCOMERS = 3, ROUNDS = 100, PATIENCE_MS = 10000 };

static int dir = -1;

static int
open_dir(void **state)
{
	if (set_up(state) != 0)
		return -1;
	dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 ? 0 : -1;
}

static int
close_dir(void **state)
{
	close(dir);
	unlink("lock");
	return tear_down(state);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_true(fd >= 0);
	return poll(&p, 1, 0) == 1;
}

static void
test_second_session_is_kept_out(void **state)
{
	struct session_lock a, b;
	struct stat st;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	assert_int_equal(stat("lock", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(session_lock_take(&b, dir), LOCK_BUSY);
	session_lock_release(&b);
	session_lock_release(&a);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	session_lock_release(&b);
	session_lock_release(&b);
}

static void
test_client_that_comes_back_goes_on(void **state)
{
	struct session_lock a, b;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	for (int i = 0; i < 3; i++) {
		assert_false(is_readable(session_lock_offer(&a)));
		assert_true(session_lock_resume(&a));
		assert_int_equal(session_lock_take(&b, dir), LOCK_BUSY);
	}
	session_lock_release(&a);
}

static void
test_newcomer_takes_over_what_is_offered(void **state)
{
	struct session_lock a, b, c;
	int watch;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	watch = session_lock_offer(&a);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	assert_true(is_readable(watch));
	assert_int_equal(session_lock_take(&c, dir), LOCK_BUSY);
	assert_false(session_lock_resume(&a));
	assert_false(session_lock_resume(&a));
	session_lock_release(&a);
	assert_int_equal(session_lock_take(&c, dir), LOCK_BUSY);
	session_lock_release(&b);
}

static void
test_newcomer_that_has_left_is_noticed(void **state)
{
	struct session_lock a, b;
	int watch;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	watch = session_lock_offer(&a);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	session_lock_release(&b);
	assert_true(is_readable(watch));
	assert_false(session_lock_resume(&a));
	/* and the failed try holds nothing */
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	session_lock_release(&b);
	session_lock_release(&a);
}

static void
test_newcomer_may_be_taken_over_too(void **state)
{
	struct session_lock a, b, c;
	int watch_a, watch_b;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	watch_a = session_lock_offer(&a);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	watch_b = session_lock_offer(&b);
	assert_false(is_readable(watch_b));
	assert_false(session_lock_resume(&a));
	assert_true(session_lock_resume(&b));
	session_lock_offer(&b);
	assert_int_equal(session_lock_take(&c, dir), LOCK_OK);
	assert_true(is_readable(watch_a) && is_readable(watch_b));
	assert_false(session_lock_resume(&b));
	session_lock_release(&a);
	session_lock_release(&b);
	session_lock_release(&c);
}

static void
test_works_without_a_watch(void **state)
{
	struct session_lock a, b;

	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	assert_int_equal(session_lock_offer(&a), -1);
	assert_true(session_lock_resume(&a));
	assert_int_equal(session_lock_offer(&a), -1);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	assert_false(session_lock_resume(&a));
	session_lock_release(&a);
	session_lock_release(&b);
	assert_int_equal(chdir(top), 0);
}

static void
test_watch_is_only_for_the_right_file(void **state)
{
	struct session_lock a;
	int other;

	(void)state;
	assert_int_equal(mkdir("other", 0700), 0);
	other = open("other", O_PATH | O_DIRECTORY | O_CLOEXEC);
	write_file("lock", "not the lock");
	assert_int_equal(session_lock_take(&a, other), LOCK_OK);
	assert_int_equal(a.watch, -1);
	session_lock_release(&a);
	close(other);
	assert_int_equal(unlink("other/lock"), 0);
	assert_int_equal(rmdir("other"), 0);
}

static void
test_removed_lock_file_gives_no_two_sessions(void **state)
{
	struct session_lock a, b;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	session_lock_offer(&a);
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	assert_false(session_lock_resume(&a));
	session_lock_release(&a);
	session_lock_release(&b);
}

static void
test_what_is_no_lock_file_is_refused(void **state)
{
	struct session_lock a;

	(void)state;
	assert_int_equal(symlink("box", "lock"), 0);
	assert_int_equal(session_lock_take(&a, dir), LOCK_FAILED);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(mkfifo("lock", 0600), 0);
	assert_int_equal(session_lock_take(&a, dir), LOCK_FAILED);
	assert_int_equal(errno, ESPIPE);
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(mkdir("lock", 0700), 0);
	assert_int_equal(session_lock_take(&a, dir), LOCK_FAILED);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(rmdir("lock"), 0);
}

/* Processes */

static int
come_and_die(void)
{
	struct session_lock s;

	return session_lock_take(&s, dir) == LOCK_OK ? 0 : 1;
}

static void
test_waiting_session_wakes_for_a_newcomer(void **state)
{
	struct session_lock a, b;
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	(void)state;
	assert_int_equal(session_lock_take(&a, dir), LOCK_OK);
	p.fd = session_lock_offer(&a);
	pid = spawn(come_and_die);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(status_of(pid), 0);
	/* the newcomer is dead, but it may have deleted mail */
	assert_false(session_lock_resume(&a));
	session_lock_release(&a);
	assert_int_equal(session_lock_take(&b, dir), LOCK_OK);
	session_lock_release(&b);
}

static int start_line[2], results[2];

static bool
newcomer_wins(struct session_lock *s)
{
	return session_lock_take(s, dir) == LOCK_OK;
}

/* Waits for the start, says how it went, keeps what it has until killed. */
static pid_t
racer(struct session_lock *s, bool (*run)(struct session_lock *))
{
	pid_t pid = fork();
	char c, won;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	close(start_line[1]);
	if (read(start_line[0], &c, 1) == 0) {
		won = run(s);
		if (write(results[1], &won, 1) == 1)
			pause();
	}
	_exit(1);
}

/*
 * The old session comes back while newcomers arrive: one of them has it, and
 * if it is the old one, then nobody had it meanwhile.
 */
static void
one_race(void)
{
	struct session_lock old, s;
	pid_t pids[1 + NEWCOMERS];
	int wins = 0;
	char won;

	assert_int_equal(pipe2(start_line, O_CLOEXEC), 0);
	assert_int_equal(pipe2(results, O_CLOEXEC), 0);
	assert_int_equal(session_lock_take(&old, dir), LOCK_OK);
	session_lock_offer(&old);
	pids[0] = racer(&old, session_lock_resume);
	for (int i = 1; i <= NEWCOMERS; i++)
		pids[i] = racer(&s, newcomer_wins);
	close(start_line[1]);
	for (int i = 0; i <= NEWCOMERS; i++) {
		assert_int_equal(read(results[0], &won, 1), 1);
		wins += won;
	}
	for (int i = 0; i <= NEWCOMERS; i++) {
		kill(pids[i], SIGKILL);
		status_of(pids[i]);
	}
	assert_int_equal(wins, 1);
	session_lock_release(&old);
	close(start_line[0]);
	close(results[0]);
	close(results[1]);
}

static void
test_of_all_that_want_it_one_has_it(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		one_race();
}

/* ---- whose it is */

static struct session_note
note(const char *id)
{
	struct session_note n;

	session_note_begin(&n);
	snprintf(n.arrival.id, sizeof(n.arrival.id), "%s", id);
	return n;
}

/* Without a word, as the kernel ends a process. */
static void
lose(struct session_lock *s)
{
	if (s->watch >= 0)
		close(s->watch);
	close(s->fd);
}

/* Takes the lock and says whether an earlier session is told of. */
static bool
tells_of_another(struct session_lock *s, const char *id,
		 struct session_note *before)
{
	const struct session_note own = note(id);

	assert_int_equal(session_lock_take(s, dir), LOCK_OK);
	return session_lock_note(s, &own, before);
}

static void
test_a_session_without_an_end_is_told_of(void **state)
{
	struct session_note before;
	struct session_lock s;

	(void)state;
	assert_false(tells_of_another(&s, "one", &before));
	lose(&s);
	assert_true(tells_of_another(&s, "two", &before));
	assert_string_equal(before.arrival.id, "one");
	assert_int_equal(before.pid, getpid());
	session_lock_release(&s);
	assert_false(tells_of_another(&s, "three", &before));
	session_lock_release(&s);
}

static void
test_who_has_it_can_be_asked(void **state)
{
	struct session_note before, holder;
	struct session_lock s;

	(void)state;
	assert_false(session_lock_holder(dir, &holder));
	assert_false(tells_of_another(&s, "one", &before));
	assert_true(session_lock_holder(dir, &holder));
	assert_string_equal(holder.arrival.id, "one");
	session_lock_release(&s);
	assert_false(session_lock_holder(dir, &holder));
}

static void
test_who_is_taken_over_is_told_of_only_if_dead(void **state)
{
	struct session_note before, own = note("one");
	struct session_lock old, new;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(status_of(child), 0);
	for (int dead = 0; dead <= 1; dead++) {
		own.pid = dead ? child : getpid();
		assert_int_equal(session_lock_take(&old, dir), LOCK_OK);
		session_lock_note(&old, &own, &before);
		session_lock_offer(&old);
		assert_int_equal(tells_of_another(&new, "two", &before), dead);
		/* the older one leaves the newcomer's note alone */
		session_lock_release(&old);
		assert_true(session_lock_holder(dir, &before));
		assert_string_equal(before.arrival.id, "two");
		session_lock_release(&new);
	}
}

static void
test_another_hosts_process_is_not_taken_for_dead(void **state)
{
	struct session_note before, own = note("one");
	struct session_lock old, new;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(status_of(child), 0);
	own.pid = child;
	snprintf(own.host, sizeof(own.host), "another.example");
	assert_int_equal(session_lock_take(&old, dir), LOCK_OK);
	session_lock_note(&old, &own, &before);
	session_lock_offer(&old);
	assert_false(tells_of_another(&new, "two", &before));
	session_lock_release(&new);
	session_lock_release(&old);
}

static void
test_who_leaves_while_it_is_offered_leaves_no_note(void **state)
{
	struct session_note before;
	struct session_lock s;

	(void)state;
	assert_false(tells_of_another(&s, "one", &before));
	session_lock_offer(&s);
	session_lock_release(&s);
	assert_false(session_lock_holder(dir, &before));
	assert_false(tells_of_another(&s, "two", &before));
	session_lock_offer(&s);
	assert_true(session_lock_resume(&s));
	lose(&s);
	assert_true(tells_of_another(&s, "three", &before));
	session_lock_release(&s);
}

static void
test_a_note_ends_where_its_texts_do(void **state)
{
	struct session_note n;
	int fd = open("lock", O_RDWR | O_CREAT, 0600);

	(void)state;
	memset(&n, 'x', sizeof(n));
	n.state = NOTE_HELD;
	assert_true(session_note_write(fd, &n));
	assert_true(session_note_read(fd, &n));
	assert_int_equal(strlen(n.arrival.id), sizeof(n.arrival.id) - 1);
	assert_int_equal(strlen(n.rhost), sizeof(n.rhost) - 1);
	n.state = 7;
	assert_true(session_note_write(fd, &n));
	assert_false(session_note_read(fd, &n));
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_false(session_note_read(fd, &n));
	close(fd);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, open_dir, close_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_second_session_is_kept_out),
		IN_DIR(test_client_that_comes_back_goes_on),
		IN_DIR(test_newcomer_takes_over_what_is_offered),
		IN_DIR(test_newcomer_that_has_left_is_noticed),
		IN_DIR(test_newcomer_may_be_taken_over_too),
		IN_DIR(test_works_without_a_watch),
		IN_DIR(test_watch_is_only_for_the_right_file),
		IN_DIR(test_removed_lock_file_gives_no_two_sessions),
		IN_DIR(test_what_is_no_lock_file_is_refused),
		IN_DIR(test_waiting_session_wakes_for_a_newcomer),
		IN_DIR(test_of_all_that_want_it_one_has_it),
		IN_DIR(test_a_session_without_an_end_is_told_of),
		IN_DIR(test_who_has_it_can_be_asked),
		IN_DIR(test_who_is_taken_over_is_told_of_only_if_dead),
		IN_DIR(test_another_hosts_process_is_not_taken_for_dead),
		IN_DIR(test_who_leaves_while_it_is_offered_leaves_no_note),
		IN_DIR(test_a_note_ends_where_its_texts_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
