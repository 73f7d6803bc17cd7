/*
 * The locks that programs on a Unix host agree upon for a mailbox, and the one
 * that keeps a second POP3 session out of a maildrop.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/options.h"

enum lock_result {
	LOCK_OK,
	LOCK_BUSY,  /* someone else holds it */
	LOCK_FAILED /* errno tells */
};

/* ---- dotlock.c: NAME.lock beside the mailbox, as liblockfile makes it */

struct dotlock {
	bool held;
	dev_t dev;
	ino_t ino;
};

/*
 * One try, with the effective uid's rights, to make path.lock holding `pid`.
 * A stale one is broken, but no file too large for a lock. Never blocks for
 * long.
 */
enum lock_result dotlock_try(struct dotlock *d, const char *path, pid_t pid);

/* Makes it look fresh; to be called once a minute while it is held. */
void dotlock_touch(const struct dotlock *d, const char *path);

/*
 * Removes path.lock if it still is ours. Where that fails it is held on, for
 * the next release or try to remove.
 */
void dotlock_release(struct dotlock *d, const char *path);

/* Whether path is what another mailbox's dotlock would be named. */
bool dotlock_has_name(const char *path);

/* ---- lock.c: all the kinds at once */

/* How the mailbox process asks the monitor for the dotlock. */
struct dotlock_keeper {
	enum lock_result (*try)(void *arg);
	void (*release)(void *arg);
	void *arg;
};

struct mailbox_lock {
	const enum lock_kind *kinds; /* in order; LOCK_NONE ends */
	unsigned timeout;	     /* seconds */
	const char *path;	     /* the mailbox */
	/* asked where we may not write the directory; NULL: nobody is */
	const struct dotlock_keeper *keeper;
	struct dotlock dotlock;
	bool kept; /* the keeper holds the dotlock */
	int fd;	   /* what flock and fcntl hold, else -1 */
};

void lock_init(struct mailbox_lock *l, const enum lock_kind *kinds,
	       unsigned timeout, const char *path,
	       const struct dotlock_keeper *keeper);

/*
 * All kinds, exclusive; fd is the mailbox. Tries without blocking, gives all
 * back when one is not to be had, and tries again until the timeout: LOCK_BUSY.
 * SIGTERM ends the wait: LOCK_FAILED with EINTR.
 */
enum lock_result lock_exclusive(struct mailbox_lock *l, int fd);

/* flock and fcntl, shared, without the dotlock: to read a piece. */
enum lock_result lock_shared(struct mailbox_lock *l, int fd);

/* Gives back what is held. */
void lock_release(struct mailbox_lock *l);

/* Waiting for another program, as for a lock that it holds. */
struct lock_wait {
	long long end, pause; /* nanoseconds */
};

void lock_wait_begin(struct lock_wait *w, unsigned timeout);

/*
 * Sleeps a little, longer each time, until another try makes sense. False when
 * the timeout is over, or SIGTERM came.
 */
bool lock_wait(struct lock_wait *w);

/* Whether pids mean nothing and flock is a fcntl lock: the file is on NFS. */
bool lock_on_nfs(int fd);

/* ---- session_lock.c: one session per maildrop */

struct session_lock {
	int fd;		     /* state_dir/lock, or -1 */
	int watch;	     /* inotify on it, or -1 */
	uint64_t generation; /* what the file said when it was taken */
};

/*
 * Takes the session lock in the user's state directory, which should be the
 * working directory too: the watch needs a path. LOCK_BUSY when another
 * session holds it and has not offered it.
 */
enum lock_result session_lock_take(struct session_lock *s, int state_dir);

/*
 * The client has kept us waiting: whoever comes now may take over. Returns a
 * descriptor that becomes readable when someone does, or -1.
 */
int session_lock_offer(struct session_lock *s);

/* Takes it back; false when another session has it or has had it. */
bool session_lock_resume(struct session_lock *s);

void session_lock_release(struct session_lock *s);

#endif
