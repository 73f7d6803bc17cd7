/*
 * All the kinds of mailbox lock at once, without waiting for one while holding
 * another: no order of locks in another program can deadlock with that. In the
 * mailbox process and wherever a commit is finished. Must not know what the
 * mailbox holds.
 */
#include "lock/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/filesystem.h"
#include "base/signals.h"

enum { PAUSE_FIRST_MS = 10, PAUSE_LAST_MS = 100 };

static enum lock_result
result_of(int r)
{
	if (r == 0)
		return LOCK_OK;
	return errno == EWOULDBLOCK ? LOCK_BUSY : LOCK_FAILED;
}

/* One kind each */

/* A fcntl lock that belongs to the descriptor, not to the process. */
static int
set_fcntl(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	int r = fcntl(fd, F_OFD_SETLK, &lock);

	if (r != 0 && errno == EACCES)
		errno = EWOULDBLOCK;
	return r;
}

static enum lock_result
try_fcntl(int fd, bool shared)
{
	int r = set_fcntl(fd, shared ? F_RDLCK : F_WRLCK);

	/* A write lock is not to be had on what is open for reading. */
	if (r != 0 && errno == EBADF && !shared)
		r = set_fcntl(fd, F_RDLCK);
	return result_of(r);
}

static enum lock_result
try_dotlock(struct mailbox_lock *l)
{
	enum lock_result r = dotlock_try(&l->dotlock, l->path, getpid());

	if (r != LOCK_FAILED || l->keeper == NULL ||
	    (errno != EACCES && errno != EPERM))
		return r;
	r = l->keeper->try(l->keeper->arg);
	l->kept = r == LOCK_OK;
	/* One that cannot be seen is none that could be found again. */
	if (l->kept && !dotlock_find(&l->kept_one, l->path))
		l->kept_one = (struct dotlock){ .held = false };
	return r;
}

static void
release_dotlock(struct mailbox_lock *l)
{
	if (l->kept)
		l->keeper->release(l->keeper->arg);
	l->kept = false;
	dotlock_release(&l->dotlock, l->path);
}

/* All kinds */

static bool
includes(const enum lock_kind *kinds, enum lock_kind kind)
{
	while (*kinds != LOCK_NONE && *kinds != kind)
		kinds++;
	return *kinds == kind;
}

static enum lock_result
try_flock(const struct mailbox_lock *l, bool shared)
{
	/* NFS makes flock a fcntl lock, which would meet ours. */
	if (includes(l->kinds, LOCK_FCNTL) && filesystem_is_nfs(l->fd))
		return LOCK_OK;
	return result_of(flock(l->fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB));
}

/* One of the kernel's that we have already: it asks who keeps the locks. */
static enum lock_result
retake(const struct mailbox_lock *l, enum lock_kind kind)
{
	return kind == LOCK_FLOCK ? try_flock(l, false)
				  : try_fcntl(l->fd, false);
}

static enum lock_result
try_kind(struct mailbox_lock *l, enum lock_kind kind, bool shared)
{
	switch (kind) {
	case LOCK_FLOCK:
		return try_flock(l, shared);
	case LOCK_FCNTL:
		return try_fcntl(l->fd, shared);
	case LOCK_DOTLOCK:
		return shared ? LOCK_OK : try_dotlock(l);
	case LOCK_NONE:
		break;
	}
	errno = EINVAL;
	return LOCK_FAILED;
}

static enum lock_result
try_all(struct mailbox_lock *l, int fd, bool shared)
{
	enum lock_result r = LOCK_OK;

	l->fd = fd;
	for (const enum lock_kind *k = l->kinds; *k != LOCK_NONE; k++) {
		r = try_kind(l, *k, shared);
		if (r != LOCK_OK) {
			l->busy = *k;
			break;
		}
	}
	if (r != LOCK_OK) {
		int saved = errno;

		lock_release(l);
		errno = saved;
	}
	return r;
}

/* Waiting */

static long long
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void
lock_wait_begin(struct lock_wait *w, unsigned timeout)
{
	w->end = now_ns() + timeout * 1000000000LL;
	w->pause = PAUSE_FIRST_MS * 1000000LL;
}

/* The clock's last digits keep two processes out of step. */
bool
lock_wait(struct lock_wait *w)
{
	long long now = now_ns(), half = w->pause / 2;
	long long ns = half + now % half;

	if (now >= w->end)
		return false;
	if (ns > w->end - now)
		ns = w->end - now;
	struct timespec t = { .tv_sec = ns / 1000000000,
			      .tv_nsec = (long)(ns % 1000000000) };
	ppoll(NULL, 0, &t, signals_while_waiting());
	w->pause += half;
	if (w->pause > PAUSE_LAST_MS * 1000000LL)
		w->pause = PAUSE_LAST_MS * 1000000LL;
	return !signals_terminated();
}

static enum lock_result
wait_for_all(struct mailbox_lock *l, int fd, bool shared)
{
	struct lock_wait w;
	enum lock_result r;

	assert(l->fd < 0 && !l->kept);
	lock_wait_begin(&w, l->timeout);
	do
		r = try_all(l, fd, shared);
	while (r == LOCK_BUSY && lock_wait(&w));
	if (r == LOCK_BUSY && signals_terminated()) {
		errno = EINTR;
		return LOCK_FAILED;
	}
	return r;
}

/* The interface */

void
lock_init(struct mailbox_lock *l, const enum lock_kind *kinds, unsigned timeout,
	  const char *path, const struct dotlock_keeper *keeper)
{
	*l = (struct mailbox_lock){ .kinds = kinds,
				    .timeout = timeout,
				    .path = path,
				    .keeper = keeper,
				    .fd = -1 };
}

enum lock_result
lock_exclusive(struct mailbox_lock *l, int fd)
{
	return wait_for_all(l, fd, false);
}

enum lock_result
lock_shared(struct mailbox_lock *l, int fd)
{
	return wait_for_all(l, fd, true);
}

enum lock_result
lock_try_shared(struct mailbox_lock *l, int fd)
{
	return try_all(l, fd, true);
}

struct lock_holder
lock_busy_holder(const struct mailbox_lock *l, int fd)
{
	struct lock_holder h = { .kind = l->busy };
	struct statx x;
	bool stale;

	if (l->busy == LOCK_DOTLOCK) {
		/* It may have gone in the meantime. */
		if (!dotlock_look(l->path, &h, &stale))
			h = (struct lock_holder){ .kind = LOCK_DOTLOCK };
	} else if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &x) ==
		   0) {
		/* st_dev is another number than the kernel has for its locks */
		h.mount = x.stx_mnt_id;
		h.ino = x.stx_ino;
	}
	return h;
}

void
lock_blame(const struct mailbox_lock *l, int fd)
{
	struct lock_holder h = lock_busy_holder(l, fd);

	if (l->keeper != NULL && l->keeper->blame != NULL) {
		l->keeper->blame(l->keeper->arg, &h);
		return;
	}
	lock_holder_find(&h);
	lock_holder_log(&h, l->path);
}

/* A dotlock is no kernel's: only its file tells. */
static bool
has_dotlock(const struct mailbox_lock *l)
{
	const struct dotlock *d = l->kept ? &l->kept_one : &l->dotlock;

	if ((l->kept || d->held) && dotlock_is_there(d, l->path))
		return true;
	errno = ESTALE;
	return false;
}

bool
lock_still_held(const struct mailbox_lock *l)
{
	if (l->fd < 0) {
		errno = ESTALE;
		return false;
	}
	for (const enum lock_kind *k = l->kinds; *k != LOCK_NONE; k++)
		if (*k == LOCK_DOTLOCK ? !has_dotlock(l)
				       : retake(l, *k) != LOCK_OK)
			return false;
	return true;
}

void
lock_release(struct mailbox_lock *l)
{
	if (l->fd >= 0 && includes(l->kinds, LOCK_FCNTL))
		set_fcntl(l->fd, F_UNLCK);
	if (l->fd >= 0 && includes(l->kinds, LOCK_FLOCK))
		flock(l->fd, LOCK_UN);
	l->fd = -1;
	release_dotlock(l);
}
