/*
 * NAME.lock beside a mailbox, as liblockfile and Debian policy want it: made by
 * link(2), which is atomic on NFS too. In the mailbox process and in the
 * monitor. Must not know what the mailbox holds.
 */
#include "lock/dotlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/fileio.h"
#include "base/filesystem.h"
#include "base/log.h"
#include "base/number.h"

enum {
	STALE_SECONDS = 5 * 60,
	UNIQUE_SIZE = 32,
	PID_TEXT = 32,
	LOCK_SIZE_MAX = 255 /* a pid, a host's name; more is mail */
};

/* Where the lock goes: a directory and a name in it. */
struct place {
	int dir;
	char name[NAME_MAX + 1];
};

/* A file that is to become the lock. */
struct draft {
	int fd;
	char name[UNIQUE_SIZE]; /* "" where it has none */
	struct stat st;
};

static void
close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static void
remove_quietly(const struct place *p, const char *name)
{
	int saved = errno;

	unlinkat(p->dir, name, 0);
	errno = saved;
}

static bool
place_open(struct place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char dir[PATH_MAX] = ".";
	size_t len = (size_t)(base - path);
	int n =
	    snprintf(p->name, sizeof(p->name), "%s%s", base, DOTLOCK_SUFFIX);

	if (n < 0 || (size_t)n >= sizeof(p->name) || len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (len > 0) {
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	p->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return p->dir >= 0;
}

static bool
is_at(const struct place *p, const char *name, dev_t dev, ino_t ino)
{
	struct stat st;

	return file_look_at(p->dir, name, &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

static bool
unique_name(char name[UNIQUE_SIZE])
{
	unsigned long long r;

	if (!compat_random(&r, sizeof(r)))
		return false;
	snprintf(name, UNIQUE_SIZE, ".pop3d-%016llx", r);
	return true;
}

/* Drafts */

static bool
write_pid(int fd, pid_t pid)
{
	char text[PID_TEXT];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)pid);
	ssize_t n = pwrite(fd, text, (size_t)len, 0);

	if (n == len)
		return true;
	/*
	 * A full disk is when deleting mail matters most. Many programs make
	 * an empty lock; half a number would be another's pid.
	 */
	if (n < 0 && errno != ENOSPC && errno != EDQUOT)
		return false;
	return ftruncate(fd, 0) == 0;
}

/* Without a name nothing stays behind, whenever we are killed. */
static bool
draft_open(struct draft *t, const struct place *p, bool named)
{
	t->name[0] = '\0';
	if (!named)
		t->fd =
		    openat(p->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	else if (unique_name(t->name))
		t->fd = openat(
		    p->dir, t->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	else
		t->fd = -1;
	return t->fd >= 0;
}

static void
draft_discard(const struct draft *t, const struct place *p)
{
	if (t->name[0] != '\0')
		remove_quietly(p, t->name);
	close_quietly(t->fd);
}

static bool
draft_make(struct draft *t, const struct place *p, pid_t pid, bool named)
{
	if (!draft_open(t, p, named))
		return false;
	if (write_pid(t->fd, pid) && fstat(t->fd, &t->st) == 0)
		return true;
	draft_discard(t, p);
	return false;
}

static int
draft_link(const struct draft *t, const struct place *p)
{
	char path[UNIQUE_SIZE];

	if (t->name[0] != '\0')
		return linkat(p->dir, t->name, p->dir, p->name, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	return linkat(AT_FDCWD, path, p->dir, p->name, AT_SYMLINK_FOLLOW);
}

static enum lock_result
draft_publish(const struct draft *t, const struct place *p)
{
	struct stat st;

	if (draft_link(t, p) == 0)
		return LOCK_OK;
	/* Over NFS the answer may have been lost and the request repeated. */
	int saved = errno;
	if (fstat(t->fd, &st) == 0 && st.st_nlink > t->st.st_nlink)
		return LOCK_OK;
	errno = saved;
	return saved == EEXIST ? LOCK_BUSY : LOCK_FAILED;
}

/* Locks that nobody holds any more */

/* The lock's file, to look at; *readable tells how well. */
static int
open_lock(const struct place *p, bool *readable)
{
	enum { SAFE = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK };
	int fd = openat(p->dir, p->name, O_RDONLY | SAFE);

	*readable = fd >= 0;
	if (fd < 0 && errno == EACCES)
		fd = openat(p->dir, p->name, O_PATH | SAFE);
	return fd;
}

/* The pid that a lock names, or 0 where it names none that means anything. */
static pid_t
read_pid(int fd)
{
	char text[PID_TEXT];
	unsigned long long pid;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_number(text, INT_MAX, &pid) ? (pid_t)pid : 0;
}

/* A mailbox may have a lock's name: it must never be taken for a stale one. */
static bool
may_be_lock(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size <= LOCK_SIZE_MAX;
}

static bool
is_stale(int fd, bool readable, const struct stat *lock, time_t now)
{
	/* Where others have it mounted, a pid may be one of another host. */
	pid_t pid = readable && filesystem_is_local(fd) ? read_pid(fd) : 0;

	if (pid > 0)
		return kill(pid, 0) != 0 && errno == ESRCH;
	return lock->st_mtime < now - STALE_SECONDS;
}

/*
 * Takes the file away, and gives it back where it turns out to be a new lock:
 * somebody who does not ask for our flock was faster.
 */
static bool
take_away(const struct place *p, const struct stat *stale)
{
	char name[UNIQUE_SIZE];

	if (!is_at(p, p->name, stale->st_dev, stale->st_ino))
		return true;
	if (!unique_name(name) || renameat(p->dir, p->name, p->dir, name) != 0)
		return false;
	bool right = is_at(p, name, stale->st_dev, stale->st_ino);
	if (!right && linkat(p->dir, name, p->dir, p->name, 0) != 0 &&
	    errno != EEXIST)
		return renameat(p->dir, name, p->dir, p->name) == 0;
	remove_quietly(p, name);
	return true;
}

/* What is to be taken over is nobody's any more, but was somebody's once. */
static void
say_taken_over(const struct place *p, pid_t pid, time_t age)
{
	if (pid > 0)
		log_line(LOG_WARNING, EVENT_MAILBOX,
			 "dotlock %s: taken over: it was made %lld s ago by "
			 "process %ld, which is gone",
			 p->name, (long long)age, (long)pid);
	else
		log_line(LOG_WARNING, EVENT_MAILBOX,
			 "dotlock %s: taken over: it was made %lld s ago, and "
			 "does not say by whom",
			 p->name, (long long)age);
}

/* Breaks a stale lock. Returns whether another try makes sense. */
static bool
break_stale(const struct place *p, time_t now)
{
	bool readable, again = false;
	struct stat st;
	int fd = open_lock(p, &readable);

	if (fd < 0)
		return errno == ENOENT;
	/* The flock keeps another pop3d from breaking our new lock for this. */
	if (fstat(fd, &st) == 0 && may_be_lock(&st) &&
	    is_stale(fd, readable, &st, now) &&
	    (!readable || flock(fd, LOCK_EX | LOCK_NB) == 0 ||
	     errno != EWOULDBLOCK)) {
		pid_t pid = readable ? read_pid(fd) : 0;

		again = take_away(p, &st);
		if (again)
			say_taken_over(p, pid, now - st.st_mtime);
	}
	close(fd);
	return again;
}

/* The interface */

static enum lock_result
try_draft(struct dotlock *d, const struct place *p, pid_t pid, bool named)
{
	struct draft t;

	if (!draft_make(&t, p, pid, named))
		return LOCK_FAILED;
	enum lock_result r = draft_publish(&t, p);
	/* the time as the file's host has it */
	if (r == LOCK_BUSY && break_stale(p, t.st.st_mtime))
		r = draft_publish(&t, p);
	if (r == LOCK_OK)
		*d = (struct dotlock){ .held = true,
				       .dev = t.st.st_dev,
				       .ino = t.st.st_ino };
	draft_discard(&t, p);
	return r;
}

enum lock_result
dotlock_try(struct dotlock *d, const char *path, pid_t pid)
{
	struct place p = { 0 };

	/* One of ours that could not be removed would be in our way. */
	dotlock_release(d, path);
	if (!place_open(&p, path))
		return LOCK_FAILED;
	enum lock_result r = try_draft(d, &p, pid, false);
	/* Not every file system can do without a name, NFS cannot. */
	if (r == LOCK_FAILED)
		r = try_draft(d, &p, pid, true);
	close_quietly(p.dir);
	return r;
}

bool
dotlock_look(const char *path, struct lock_holder *h, bool *stale)
{
	struct place p = { 0 };
	bool readable;
	struct stat st;
	int fd = -1;

	if (!place_open(&p, path))
		return false;
	fd = open_lock(&p, &readable);
	bool found = fd >= 0 && fstat(fd, &st) == 0;
	if (found) {
		time_t now = time(NULL);

		*h = (struct lock_holder){ .kind = LOCK_DOTLOCK,
					   .pid = readable ? read_pid(fd) : 0,
					   .age = now - st.st_mtime };
		*stale = may_be_lock(&st) && is_stale(fd, readable, &st, now);
	}
	if (fd >= 0)
		close(fd);
	close_quietly(p.dir);
	return found;
}

bool
dotlock_find(struct dotlock *d, const char *path)
{
	struct place p = { 0 };
	struct stat st;

	if (!place_open(&p, path))
		return false;
	bool found = file_look_at(p.dir, p.name, &st);
	if (found)
		*d = (struct dotlock){ .dev = st.st_dev, .ino = st.st_ino };
	close_quietly(p.dir);
	return found;
}

bool
dotlock_is_there(const struct dotlock *d, const char *path)
{
	struct place p = { 0 };

	if (!place_open(&p, path))
		return false;
	bool there = is_at(&p, p.name, d->dev, d->ino);
	close_quietly(p.dir);
	return there;
}

void
dotlock_touch(const struct dotlock *d, const char *path)
{
	struct place p = { 0 };

	if (!d->held || !place_open(&p, path))
		return;
	if (is_at(&p, p.name, d->dev, d->ino))
		utimensat(p.dir, p.name, NULL, AT_SYMLINK_NOFOLLOW);
	close(p.dir);
}

void
dotlock_release(struct dotlock *d, const char *path)
{
	struct place p = { 0 };

	if (!d->held || !place_open(&p, path))
		return;
	errno = ENOENT;
	if (!is_at(&p, p.name, d->dev, d->ino))
		d->held = errno != ENOENT;
	else
		d->held = unlinkat(p.dir, p.name, 0) != 0 && errno != ENOENT;
	close_quietly(p.dir);
}
