/* The dotlock, with real files and real processes. */
#include "tests/unit/box.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "lock/lock.h"
#include "base/signals.h"

enum { OLD = 6 * 60, LOCK_SIZE_MAX = 255 };

static int
make_old(const char *path, int seconds)
{
	struct timespec now, t[2];

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= seconds;
	t[0] = t[1] = now;
	return utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
}

static void
test_dotlock_names_its_holder(void **state)
{
	struct dotlock d = { 0 };
	struct stat st;
	char text[32], pid[32];

	(void)state;
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_OK);
	assert_true(d.held);
	read_file("box.lock", text, sizeof(text));
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	assert_string_equal(text, pid);
	assert_int_equal(lstat("box.lock", &st), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_mode & ~022U, S_IFREG | 0644);
	assert_int_equal(count_entries("."), 2);
	dotlock_release(&d, "box");
	assert_false(d.held);
	assert_int_equal(count_entries("."), 1);
}

static void
test_dotlock_of_a_live_process_is_respected(void **state)
{
	struct dotlock mine = { 0 }, other = { 0 };
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/box", top);
	assert_int_equal(dotlock_try(&other, path, getppid()), LOCK_OK);
	assert_int_equal(make_old("box.lock", OLD), 0);
	assert_int_equal(dotlock_try(&mine, "box", getpid()), LOCK_BUSY);
	assert_false(mine.held);
	assert_int_equal(count_entries("."), 2);
	dotlock_release(&other, path);
	assert_int_equal(dotlock_try(&mine, "box", getpid()), LOCK_OK);
	dotlock_release(&mine, "box");
}

static void
test_dotlock_that_could_not_be_removed_is_so_later(void **state)
{
	struct dotlock d = { 0 };

	(void)state;
	assert_int_equal(mkdir("spool", 0700), 0);
	assert_int_equal(dotlock_try(&d, "spool/box", getpid()), LOCK_OK);
	assert_int_equal(rename("spool", "elsewhere"), 0);
	dotlock_release(&d, "spool/box");
	assert_int_equal(access("elsewhere/box.lock", F_OK), 0);
	assert_int_equal(rename("elsewhere", "spool"), 0);
	assert_int_equal(dotlock_try(&d, "spool/box", getpid()), LOCK_OK);
	dotlock_release(&d, "spool/box");
	assert_false(d.held);
	assert_int_equal(rmdir("spool"), 0);
}

/* What happens to a lock with this text that is so many seconds old. */
static enum lock_result
meet_lock(const char *text, int age)
{
	struct dotlock d = { 0 };
	enum lock_result r;

	write_file("box.lock", text);
	assert_int_equal(make_old("box.lock", age), 0);
	r = dotlock_try(&d, "box", getpid());
	assert_int_equal(count_entries("."), 2);
	dotlock_release(&d, "box");
	if (r != LOCK_OK) {
		char found[LOCK_SIZE_MAX + 2];

		read_file("box.lock", found, sizeof(found));
		assert_string_equal(found, text);
		unlink("box.lock");
	}
	return r;
}

static void
test_dotlock_is_stale_by_dead_pid_or_by_age(void **state)
{
	static const char *const no_pid[] = {
		"",	"0",	"0\n",		 "-1\n",
		" 1\n", "host", "1:elsewhere\n", "99999999999999999999\n"
	};
	char dead[32];

	(void)state;
	snprintf(dead, sizeof(dead), "%ld\n", (long)dead_pid());
	assert_int_equal(meet_lock(dead, 0), LOCK_OK);
	assert_int_equal(meet_lock(dead, OLD), LOCK_OK);
	dead[strlen(dead) - 1] = '\0';
	assert_int_equal(meet_lock(dead, 0), LOCK_OK);
	assert_int_equal(meet_lock("1\n", OLD), LOCK_BUSY);
	for (size_t i = 0; i < sizeof(no_pid) / sizeof(no_pid[0]); i++) {
		assert_int_equal(meet_lock(no_pid[i], 0), LOCK_BUSY);
		assert_int_equal(meet_lock(no_pid[i], 4 * 60), LOCK_BUSY);
		assert_int_equal(meet_lock(no_pid[i], -OLD), LOCK_BUSY);
		assert_int_equal(meet_lock(no_pid[i], OLD), LOCK_OK);
	}
}

/* The file system that all is said to be on; 0: the real one */
static uint32_t pretended;

int
fstatfs(int fd, struct statfs *fs)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int r = statfs(path, fs);
	if (r == 0 && pretended != 0)
		fs->f_type = (__typeof__(fs->f_type))pretended;
	return r;
}

/* The pid is another host's: that it lives here, or does not, says nothing. */
static void
test_dotlock_on_a_shared_file_system_is_stale_by_age(void **state)
{
	static const uint32_t shared[] = {
		0x65735546, /* FUSE: GlusterFS */
		0x00C36400, /* Ceph */
		0xFF534D42, /* CIFS */
		0xFE534D42, /* SMB2 */
		0x01161970, /* GFS2 */
		0x7461636F, /* OCFS2 */
		0x0BD00BD0, /* Lustre */
		0x01021997, /* 9p */
		0x5346414F, /* AFS */
		0x6969,	    /* NFS */
		0x12345678, /* one that is still to be written */
	};
	char dead[32];

	(void)state;
	snprintf(dead, sizeof(dead), "%ld\n", (long)dead_pid());
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		pretended = shared[i];
		enum lock_result fresh = meet_lock(dead, 0);
		enum lock_result old = meet_lock("1\n", OLD);
		pretended = 0;
		assert_int_equal(fresh, LOCK_BUSY);
		assert_int_equal(old, LOCK_OK);
	}
}

/* No lock, whatever its name: somebody's mail. */
static void
test_dotlock_that_is_too_large_is_left_alone(void **state)
{
	char text[LOCK_SIZE_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[LOCK_SIZE_MAX] = '\0';
	assert_int_equal(meet_lock(text, OLD), LOCK_OK);
	text[LOCK_SIZE_MAX] = 'x';
	text[LOCK_SIZE_MAX + 1] = '\0';
	assert_int_equal(meet_lock(text, OLD), LOCK_BUSY);
}

static int
meet_unreadable_locks(void)
{
	struct dotlock d = { 0 };

	if (!give_up_root())
		return 1;
	write_file("box.lock", "1\n");
	if (chmod("box.lock", 0) != 0 ||
	    dotlock_try(&d, "box", getpid()) != LOCK_BUSY)
		return 2;
	if (make_old("box.lock", OLD) != 0 ||
	    dotlock_try(&d, "box", getpid()) != LOCK_OK)
		return 3;
	dotlock_release(&d, "box");
	return 0;
}

static void
test_unreadable_dotlock_is_stale_by_age(void **state)
{
	(void)state;
	expect_zero(meet_unreadable_locks);
}

static void
test_planted_dotlock_is_left_alone(void **state)
{
	struct dotlock d = { 0 };
	char text[16];

	(void)state;
	write_file("victim", "999999\n");
	assert_int_equal(make_old("victim", OLD), 0);
	assert_int_equal(symlink("victim", "box.lock"), 0);
	assert_int_equal(make_old("box.lock", OLD), 0);
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
	assert_int_equal(unlink("victim"), 0);
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
	assert_int_equal(readlink("box.lock", text, sizeof(text)), 6);
	assert_int_equal(unlink("box.lock"), 0);

	assert_int_equal(mkfifo("box.lock", 0644), 0);
	assert_int_equal(make_old("box.lock", OLD), 0);
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
	assert_int_equal(unlink("box.lock"), 0);

	assert_int_equal(mkdir("box.lock", 0755), 0);
	assert_int_equal(make_old("box.lock", OLD), 0);
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
	assert_int_equal(rmdir("box.lock"), 0);
}

static void
test_dotlock_of_another_is_not_touched(void **state)
{
	struct dotlock d = { 0 };
	struct stat before, after;

	(void)state;
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_OK);
	assert_int_equal(make_old("box.lock", OLD), 0);
	dotlock_touch(&d, "box");
	assert_int_equal(stat("box.lock", &after), 0);
	assert_true(after.st_mtime > time(NULL) - 60);

	assert_int_equal(rename("box.lock", "mine"), 0);
	assert_int_equal(symlink("box", "box.lock"), 0);
	assert_int_equal(make_old("box", OLD), 0);
	assert_int_equal(make_old("box.lock", OLD), 0);
	assert_int_equal(lstat("box.lock", &before), 0);
	dotlock_touch(&d, "box");
	assert_int_equal(lstat("box.lock", &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim,
			    sizeof(after.st_mtim));
	assert_int_equal(stat("box.lock", &after), 0);
	assert_int_equal(before.st_mtime, after.st_mtime);
	dotlock_release(&d, "box");
	assert_int_equal(unlink("box.lock"), 0);
	assert_int_equal(unlink("mine"), 0);
}

static void
test_dotlock_fails_where_there_can_be_none(void **state)
{
	struct dotlock d = { 0 };
	char name[NAME_MAX + 1], lock[NAME_MAX + 8], path[2 * PATH_MAX];

	(void)state;
	assert_int_equal(dotlock_try(&d, "missing/box", 1), LOCK_FAILED);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(dotlock_try(&d, "box/box", 1), LOCK_FAILED);
	assert_int_equal(errno, ENOTDIR);
	memset(name, 'n', sizeof(name));
	name[NAME_MAX - 4] = '\0';
	assert_int_equal(dotlock_try(&d, name, 1), LOCK_FAILED);
	assert_int_equal(errno, ENAMETOOLONG);
	name[NAME_MAX - 5] = '\0';
	assert_int_equal(dotlock_try(&d, name, 1), LOCK_OK);
	snprintf(lock, sizeof(lock), "%s.lock", name);
	assert_int_equal(access(lock, F_OK), 0);
	dotlock_release(&d, name);
	memset(path, '/', sizeof(path));
	snprintf(path + PATH_MAX, 8, "box");
	assert_int_equal(dotlock_try(&d, path, 1), LOCK_FAILED);
	assert_int_equal(errno, ENAMETOOLONG);
}

static int
try_in_unwritable_directory(void)
{
	struct dotlock d = { 0 };

	if (!give_up_root() || dotlock_try(&d, "box", 1) != LOCK_FAILED)
		return 1;
	return errno == EACCES ? 0 : 2;
}

static int
try_beyond_the_file_size_limit(void)
{
	const struct rlimit none = { 0, 0 };
	struct dotlock d = { 0 };

	signals_setup();
	if (setrlimit(RLIMIT_FSIZE, &none) != 0 ||
	    dotlock_try(&d, "box", 1) != LOCK_FAILED)
		return 1;
	return errno == EFBIG && count_entries(".") == 1 ? 0 : 2;
}

static int
try_on_a_full_disk(void)
{
	struct dotlock d = { 0 };
	struct stat st;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", top, "tmpfs", 0, "size=4k") != 0)
		return SKIPPED;
	if (chdir(top) != 0)
		return 1;
	write_file("box", "full");
	if (dotlock_try(&d, "box", 1) != LOCK_OK || stat("box.lock", &st) != 0)
		return 2;
	dotlock_release(&d, "box");
	return st.st_size == 0 && count_entries(".") == 1 ? 0 : 3;
}

static void
test_dotlock_that_cannot_be_made_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(chmod(".", 0555), 0);
	expect_zero(try_in_unwritable_directory);
	assert_int_equal(chmod(".", 0777), 0);
	expect_zero(try_beyond_the_file_size_limit);
}

static void
test_dotlock_without_pid_is_made_on_a_full_disk(void **state)
{
	(void)state;
	expect_zero(try_on_a_full_disk);
}

/* Where a file without a name cannot get one */

static bool no_proc;

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (no_proc && (flags & AT_SYMLINK_FOLLOW)) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static int
set_up_without_proc(void **state)
{
	no_proc = true;
	return set_up(state);
}

/* Races: what another program does in the middle of ours */

static void (*at_kill)(void), (*at_rename)(void);
static struct dotlock other;

static void
happen(void (**event)(void))
{
	void (*now)(void) = *event;

	*event = NULL;
	if (now != NULL)
		now();
}

/* Stands in for libc's: where a lock's holder is found to be dead. */
int
kill(pid_t pid, int sig)
{
	happen(&at_kill);
	return (int)syscall(SYS_kill, pid, sig);
}

/* The same: where a stale lock is taken away. */
int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	happen(&at_rename);
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

static void
nobody_gets_here(void)
{
	fail();
}

static void
other_is_faster(void)
{
	assert_int_equal(dotlock_try(&other, "box", getppid()), LOCK_OK);
	at_rename = nobody_gets_here;
}

static void
other_stands_back(void)
{
	assert_int_equal(dotlock_try(&other, "box", getppid()), LOCK_BUSY);
}

/* Not one of ours: it asks for no flock. */
static void
stranger_is_faster(void)
{
	assert_int_equal(unlink("box.lock"), 0);
	write_file("box.lock", "1\n");
}

static void
leave_stale_lock(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", (long)dead_pid());
	write_file("box.lock", text);
}

static void
test_stale_dotlock_is_broken_by_one_of_us(void **state)
{
	struct dotlock d = { 0 };

	(void)state;
	leave_stale_lock();
	at_kill = other_is_faster;
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
	assert_int_equal(count_entries("."), 2);
	assert_true(other.held);
	dotlock_release(&other, "box");
	assert_int_equal(count_entries("."), 1);

	leave_stale_lock();
	at_rename = other_stands_back;
	assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_OK);
	assert_int_equal(count_entries("."), 2);
	dotlock_release(&d, "box");
}

static void
test_new_dotlock_of_a_stranger_is_given_back(void **state)
{
	void (**const events[])(void) = { &at_kill, &at_rename };
	struct dotlock d = { 0 };
	char text[32];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		leave_stale_lock();
		*events[i] = stranger_is_faster;
		assert_int_equal(dotlock_try(&d, "box", getpid()), LOCK_BUSY);
		read_file("box.lock", text, sizeof(text));
		assert_string_equal(text, "1\n");
		assert_int_equal(count_entries("."), 2);
		assert_int_equal(unlink("box.lock"), 0);
	}
}

#define WITHOUT_PROC(f) \
	cmocka_unit_test_setup_teardown(f, set_up_without_proc, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dotlock_names_its_holder),
		T(test_dotlock_of_a_live_process_is_respected),
		T(test_dotlock_that_could_not_be_removed_is_so_later),
		T(test_dotlock_is_stale_by_dead_pid_or_by_age),
		T(test_dotlock_on_a_shared_file_system_is_stale_by_age),
		T(test_dotlock_that_is_too_large_is_left_alone),
		T(test_unreadable_dotlock_is_stale_by_age),
		T(test_planted_dotlock_is_left_alone),
		T(test_dotlock_of_another_is_not_touched),
		T(test_dotlock_fails_where_there_can_be_none),
		T(test_dotlock_that_cannot_be_made_leaves_nothing),
		T(test_dotlock_without_pid_is_made_on_a_full_disk),
		T(test_stale_dotlock_is_broken_by_one_of_us),
		T(test_new_dotlock_of_a_stranger_is_given_back),
		/* once more; there is no way back */
		WITHOUT_PROC(test_dotlock_names_its_holder),
		WITHOUT_PROC(test_dotlock_of_a_live_process_is_respected),
		WITHOUT_PROC(test_dotlock_is_stale_by_dead_pid_or_by_age),
		WITHOUT_PROC(test_unreadable_dotlock_is_stale_by_age),
		WITHOUT_PROC(test_planted_dotlock_is_left_alone),
		WITHOUT_PROC(test_dotlock_of_another_is_not_touched),
		WITHOUT_PROC(test_dotlock_fails_where_there_can_be_none),
		WITHOUT_PROC(test_dotlock_that_cannot_be_made_leaves_nothing),
		WITHOUT_PROC(test_dotlock_without_pid_is_made_on_a_full_disk),
		WITHOUT_PROC(test_stale_dotlock_is_broken_by_one_of_us),
		WITHOUT_PROC(test_new_dotlock_of_a_stranger_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
