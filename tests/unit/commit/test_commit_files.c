/*
 * The commit and the recovery on real files: with blocks of their real size,
 * and what only a real file system has: modes, times, links, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commit/commit.h"
#include "commit/journal.h"

enum { MIB = 1024 * 1024 };

struct place {
	char path[64];
	int top, dir, mailbox;
	struct commit_place place;
};

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(p);
	snprintf(p->path, sizeof(p->path), "%s/commit-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->path));
	p->top = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(p->top, "state", 0700), 0);
	p->dir = openat(p->top, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->mailbox =
	    openat(p->top, "mailbox", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	p->place = (struct commit_place){ p->dir, "state", "index" };
	assert_true(p->top >= 0 && p->dir >= 0 && p->mailbox >= 0);
	*state = p;
	return 0;
}

static void
empty_directory(int dir)
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *e;

	assert_non_null(d);
	rewinddir(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)(unlinkat(dir, e->d_name, 0) == 0 ||
			       unlinkat(dir, e->d_name, AT_REMOVEDIR) == 0);
	closedir(d);
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	empty_directory(p->dir);
	empty_directory(p->top);
	close(p->mailbox);
	close(p->dir);
	close(p->top);
	rmdir(p->path);
	free(p);
	return 0;
}

/* Bytes that tell their offset, to be freed. */
static unsigned char *
fill(const struct place *p, size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 2654435761U >> 13);
	assert_int_equal(ftruncate(p->mailbox, 0), 0);
	assert_int_equal(pwrite(p->mailbox, bytes, size, 0), size);
	return bytes;
}

static off_t
size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static size_t
take_out(unsigned char *bytes, size_t size, const struct commit_range *r,
	 size_t n)
{
	while (n-- > 0) {
		memmove(bytes + r[n].start, bytes + r[n].end,
			size - (size_t)r[n].end);
		size -= (size_t)(r[n].end - r[n].start);
	}
	return size;
}

static void
check_mailbox(const struct place *p, const unsigned char *want, size_t size)
{
	unsigned char *is = malloc(size + 1);

	assert_non_null(is);
	assert_int_equal(pread(p->mailbox, is, size + 1, 0), size);
	assert_memory_equal(is, want, size);
	free(is);
}

static bool
there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The name in the state directory that begins so; "": there is none. */
static void
name_like(int dir, const char *prefix, char name[64])
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *e;

	assert_non_null(d);
	rewinddir(d);
	name[0] = '\0';
	while ((e = readdir(d)))
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			snprintf(name, 64, "%.63s", e->d_name);
	closedir(d);
}

static void
leave_journal(const struct place *p, const struct commit_range *r, size_t n)
{
	struct journal j;

	assert_true(journal_write(&j, p->dir, p->mailbox, size_of(p->mailbox),
				  r, n, false));
	assert_true(journal_publish(p->dir));
	assert_true(journal_close(&j));
	assert_true(commit_pending(p->dir));
}

static void
check_ranges(const struct place *p, size_t size, const struct commit_range *r,
	     size_t n)
{
	unsigned char *bytes = fill(p, size);
	size_t left;

	/* by the commit, and by the recovery from its journal */
	assert_int_equal(
	    commit_remove(p->mailbox, (off_t)size, &p->place, r, n, NULL),
	    COMMIT_DONE);
	left = take_out(bytes, size, r, n);
	check_mailbox(p, bytes, left);
	assert_false(commit_pending(p->dir));
	free(bytes);
	bytes = fill(p, size);
	leave_journal(p, r, n);
	assert_int_equal(pwrite(p->mailbox, "From x\n", 7, (off_t)size), 7);
	assert_int_equal(commit_recover(p->mailbox, p->dir, NULL), COMMIT_DONE);
	left = take_out(bytes, size, r, n);
	memcpy(bytes + left, "From x\n", 7);
	check_mailbox(p, bytes, left + 7);
	assert_false(commit_pending(p->dir));
	free(bytes);
}

static void
test_ranges_at_block_borders(void **state)
{
	static const off_t at[] = { 0,	     1,	      511,	  512,
				    4095,    4096,    MIB - 1,	  MIB,
				    MIB + 1, 2 * MIB, 3 * MIB - 8 };

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct commit_range one = { at[i], at[i] + 7 };
		struct commit_range rest = { at[i], 3 * MIB };
		struct commit_range two[2] = { { at[i], at[i] + 7 },
					       { 3 * MIB - 1, 3 * MIB } };

		check_ranges(*state, 3 * MIB, &one, 1);
		if (at[i] > 0)
			check_ranges(*state, 3 * MIB, &rest, 1);
		check_ranges(*state, 3 * MIB, two, 2);
	}
}

static void
test_every_other_message(void **state)
{
	struct commit_range r[500];

	for (off_t i = 0; i < 500; i++) {
		r[i].start = i * 6007;
		r[i].end = i * 6007 + 3001;
	}
	check_ranges(*state, 500 * 6007, r, 500);
	check_ranges(*state, 500 * 6007 - 3006, r, 500);
}

static void
test_inode_mode_and_links_stay(void **state)
{
	struct place *p = *state;
	struct commit_range r = { 100, 200 };
	struct stat before, after;

	free(fill(p, 5000));
	assert_int_equal(fchmod(p->mailbox, 0664), 0);
	assert_int_equal(fstat(p->mailbox, &before), 0);
	assert_int_equal(
	    commit_remove(p->mailbox, 5000, &p->place, &r, 1, NULL),
	    COMMIT_DONE);
	assert_int_equal(fstatat(p->top, "mailbox", &after, 0), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	assert_int_equal(after.st_nlink, 1);
	assert_int_equal(after.st_size, 4900);
}

static void
check_times(const struct place *p, time_t atime, time_t mtime, bool recover)
{
	const struct timespec times[2] = { { atime, 0 }, { mtime, 0 } };
	struct commit_range r = { 100, 200 };
	struct stat st;

	free(fill(p, 5000));
	assert_int_equal(futimens(p->mailbox, times), 0);
	if (recover) {
		struct journal j;

		assert_true(journal_write(&j, p->dir, p->mailbox, 5000, &r, 1,
					  atime < mtime));
		assert_true(journal_publish(p->dir) && journal_close(&j));
		assert_int_equal(futimens(p->mailbox, times), 0);
		assert_int_equal(commit_recover(p->mailbox, p->dir, NULL),
				 COMMIT_DONE);
	} else {
		assert_int_equal(
		    commit_remove(p->mailbox, 5000, &p->place, &r, 1, NULL),
		    COMMIT_DONE);
	}
	assert_int_equal(fstat(p->mailbox, &st), 0);
	if (atime < mtime) {
		assert_int_equal(st.st_atim.tv_sec, atime);
		assert_true(st.st_mtim.tv_sec > atime);
	} else {
		assert_int_equal(st.st_atim.tv_sec, st.st_mtim.tv_sec);
		assert_int_equal(st.st_atim.tv_nsec, st.st_mtim.tv_nsec);
		assert_true(st.st_mtim.tv_sec > mtime);
	}
}

static void
test_unread_mail_stays_unread_and_read_mail_read(void **state)
{
	check_times(*state, 1000, 2000, false);
	check_times(*state, 2000, 1000, false);
	check_times(*state, 1000, 1000, false);
	check_times(*state, 1000, 2000, true);
	check_times(*state, 2000, 1000, true);
}

static void
test_journal_and_rescue_are_private(void **state)
{
	struct place *p = *state;
	struct commit_range r = { 100, 200 };
	struct stat st;
	char name[64];

	umask(0);
	free(fill(p, 5000));
	leave_journal(p, &r, 1);
	assert_int_equal(fstatat(p->dir, "journal", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(ftruncate(p->mailbox, 0), 0);
	assert_int_equal(commit_recover(p->mailbox, p->dir, NULL),
			 COMMIT_RESCUED);
	name_like(p->dir, "rescue-", name);
	assert_int_equal(fstatat(p->dir, name, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 4800);
	assert_false(there(p->dir, "rescue.tmp"));
}

static void
test_journal_waits_for_a_missing_mailbox(void **state)
{
	struct place *p = *state;
	struct commit_range r = { 100, 200 };

	free(fill(p, 5000));
	leave_journal(p, &r, 1);
	assert_int_equal(commit_recover(-1, p->dir, NULL), COMMIT_PENDING);
	assert_true(there(p->dir, "journal"));
	assert_int_equal(commit_recover(p->mailbox, p->dir, NULL), COMMIT_DONE);
	assert_false(there(p->dir, "journal"));
	close(openat(p->dir, "journal.tmp", O_WRONLY | O_CREAT, 0600));
	assert_int_equal(commit_recover(-1, p->dir, NULL), COMMIT_NOTHING);
	assert_false(there(p->dir, "journal.tmp"));
}

/* What else the names may stand for is never followed, written or waited on. */
static void
test_links_and_pipes_in_the_way(void **state)
{
	static const char *names[] = { "journal.tmp", "journal" };
	struct place *p = *state;
	struct commit_range r = { 100, 200 };

	for (int i = 0; i < 4; i++) {
		const char *name = names[i / 2];
		char aside[64];

		free(fill(p, 5000));
		if (i % 2)
			assert_int_equal(mkfifoat(p->dir, name, 0600), 0);
		else
			assert_int_equal(symlinkat("../other", p->dir, name),
					 0);
		if (i >= 2) {
			assert_int_equal(
			    commit_recover(p->mailbox, p->dir, NULL),
			    COMMIT_RESCUED);
			name_like(p->dir, "journal.damaged-", aside);
			assert_int_equal(unlinkat(p->dir, aside, 0), 0);
		}
		assert_int_equal(
		    commit_remove(p->mailbox, 5000, &p->place, &r, 1, NULL),
		    COMMIT_DONE);
		assert_false(there(p->top, "other"));
		assert_false(commit_pending(p->dir));
	}
}

static void
test_a_directory_in_the_way(void **state)
{
	struct place *p = *state;
	struct commit_range r = { 100, 200 };
	unsigned char *bytes = fill(p, 5000);
	char aside[64];

	assert_int_equal(mkdirat(p->dir, "journal.tmp", 0700), 0);
	assert_int_equal(
	    commit_remove(p->mailbox, 5000, &p->place, &r, 1, NULL),
	    COMMIT_FAILED);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(unlinkat(p->dir, "journal.tmp", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(p->dir, "journal", 0700), 0);
	assert_int_equal(commit_recover(p->mailbox, p->dir, NULL),
			 COMMIT_RESCUED);
	name_like(p->dir, "journal.damaged-", aside);
	assert_string_not_equal(aside, "");
	check_mailbox(p, bytes, 5000);
	free(bytes);
}

static void
commit_within(const struct place *p, rlim_t limit, int *status)
{
	struct commit_range r = { 100, 200 };
	struct rlimit small = { limit, limit };
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &small) != 0)
			_exit(99);
		_exit((int)commit_remove(p->mailbox, 50000, &p->place, &r, 1,
					 NULL));
	}
	assert_int_equal(waitpid(pid, status, 0), pid);
}

static void
test_a_file_size_limit_leaves_it_as_it_was(void **state)
{
	struct place *p = *state;
	unsigned char *bytes = fill(p, 50000);
	int status;

	for (rlim_t limit = 0; limit < 49900; limit += 4999) {
		commit_within(p, limit, &status);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), COMMIT_FAILED);
		check_mailbox(p, bytes, 50000);
		assert_false(commit_pending(p->dir));
	}
	/* For the mailbox it is enough, for a journal it is not. */
	commit_within(p, 49950, &status);
	assert_int_equal(WEXITSTATUS(status), COMMIT_DONE);
	free(bytes);
	bytes = fill(p, 50000);
	commit_within(p, 60000, &status);
	assert_int_equal(WEXITSTATUS(status), COMMIT_DONE);
	free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ranges_at_block_borders),
		TEST(test_every_other_message),
		TEST(test_inode_mode_and_links_stay),
		TEST(test_unread_mail_stays_unread_and_read_mail_read),
		TEST(test_journal_and_rescue_are_private),
		TEST(test_journal_waits_for_a_missing_mailbox),
		TEST(test_links_and_pipes_in_the_way),
		TEST(test_a_directory_in_the_way),
		TEST(test_a_file_size_limit_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
