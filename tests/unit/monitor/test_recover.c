/*
 * Tests of recover.c: what one user's files and processes do must not keep the
 * commits of the others waiting.
 */
#include "tests/unit/box.h"

/* Those of the binary are linked too; these are other ones. */
#define recover_account tested_recover_account
#define recover_all tested_recover_all

#define RECOVER_CPU_SECONDS 1
#define RECOVER_SECONDS 3
#include "monitor/recover.c"

#include "commit/journal.h"
#include "commit/journal_head.h"

enum { TERABYTES = 4 };

static struct options options;

static int
set_up_users(void **state)
{
	static char state_dir[] = "--state-dir=/";
	static char *args[] = { "pop3d", state_dir, NULL };
	static char mailbox[128];

	if (set_up(state) != 0)
		return -1;
	options_parse(&options, 2, args);
	options.state_dir = top;
	snprintf(mailbox, sizeof(mailbox), "%s/%%u.mbox", top);
	options.mailbox = mailbox;
	options.log = LOG_TO_STDERR;
	options.lock_timeout = 1;
	return 0;
}

/* Nobody's, with the draft of a commit that was never made. */
static void
make_user(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.mbox", name);
	write_file(path, "From a@b Mon Jan  1 00:00:00 2024\n\nx\n");
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(chown(name, NOBODY, NOBODY), 0);
}

/* A journal of a mailbox without its first line. */
static void
interrupt(const char *name)
{
	struct commit_range range = { 0, 34 };
	struct journal j;
	char path[64];

	snprintf(path, sizeof(path), "%s.mbox", name);
	int box = open(path, O_RDWR | O_CLOEXEC);
	int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(box >= 0 && dir >= 0);
	assert_true(
	    journal_write(&j, dir, box, lseek(box, 0, SEEK_END), &range, 1, 0));
	assert_true(journal_publish(dir) && journal_close(&j));
	assert_int_equal(fchownat(dir, "journal", NOBODY, NOBODY, 0), 0);
	close(box);
	close(dir);
}

/* Right in its head, and a hole of terabytes behind it. */
static void
forge_journal(const char *name)
{
	char path[64];
	struct journal j = { .first = 0,
			     .end = (off_t)TERABYTES << 40,
			     .old_size = ((off_t)TERABYTES << 40) + 1 };

	snprintf(path, sizeof(path), "%s/journal", name);
	j.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(j.fd >= 0);
	journal_place(&j);
	assert_true(journal_write_head(&j));
	if (ftruncate(j.fd, journal_size(&j)) != 0)
		skip(); /* this file system has no files that large */
	assert_int_equal(fchown(j.fd, NOBODY, NOBODY), 0);
	close(j.fd);
}

static void
remove_user(const char *name)
{
	char command[128];

	/* who is killed leaves the mailbox's dotlock, which is stale then */
	snprintf(command, sizeof(command), "rm -r %s %s.mbox*", name, name);
	assert_int_equal(system(command), 0);
}

/* As an ordinary user, who may do the same with his own. */
static int
recover_everything(void)
{
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return SKIPPED;
	log_open(LOG_TO_STDERR);
	return recover_all(&options);
}

static void
assert_recovered(const char *name, bool recovered)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "%s/journal", name);
	assert_int_equal(access(path, F_OK), recovered ? -1 : 0);
	snprintf(path, sizeof(path), "%s.mbox", name);
	read_file(path, text, sizeof(text));
	assert_int_equal(strncmp(text, "From ", 5) != 0, recovered);
}

static void
test_journal_of_terabytes_does_not_keep_others_waiting(void **state)
{
	if (geteuid() != 0)
		skip();
	make_user("evil");
	make_user("anne");
	make_user("zoe");
	forge_journal("evil");
	interrupt("anne");
	interrupt("zoe");
	assert_int_equal(status_of(spawn(recover_everything)), EX_TEMPFAIL);
	assert_recovered("anne", true);
	assert_recovered("zoe", true);
	assert_recovered("evil", false);
	remove_user("evil");
	remove_user("anne");
	remove_user("zoe");
}

/* The child's process id is the user's to stop. */
static pid_t
stopped_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	return pid;
}

static void
test_stopped_process_does_not_keep_others_waiting(void **state)
{
	time_t start = time(NULL);
	int status = child_wait(stopped_child(), RECOVER_SECONDS);

	assert_true(WIFSIGNALED(status));
	time_t passed = time(NULL) - start;
	assert_true(passed >= RECOVER_SECONDS - 1 &&
		    passed <= RECOVER_SECONDS + 10);
}

static void
test_nothing_to_recover_is_no_failure(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(status_of(spawn(recover_everything)), EX_OK);
	make_user("anne");
	assert_int_equal(status_of(spawn(recover_everything)), EX_OK);
	remove_user("anne");
	options.state_dir = "/nonexistent/pop3d";
	assert_int_equal(status_of(spawn(recover_everything)), EX_OK);
	options.state_dir = "/dev/null";
	assert_int_equal(status_of(spawn(recover_everything)), EX_OSERR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_users, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journal_of_terabytes_does_not_keep_others_waiting),
		TEST(test_stopped_process_does_not_keep_others_waiting),
		TEST(test_nothing_to_recover_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
