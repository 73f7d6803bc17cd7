/*
 * lock/: the locks that programs on a Unix host agree upon for a mailbox, all
 * the kinds at once; and the one that keeps a second session out, which is
 * session_lock.h's. Runs in the mailbox process and wherever a commit is
 * finished, the dotlock also in the monitor; must not know what a mailbox
 * holds.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>

#include "base/lock_kind.h"
#include "lock/dotlock.h"

/* How the mailbox process asks the monitor for the dotlock. */
struct dotlock_keeper {
	enum lock_result (*try)(void *arg);
	void (*release)(void *arg);
	void *arg;
	/* the log is to say who has a lock; NULL: by who found it out */
	void (*blame)(void *arg, const struct lock_holder *h);
};

struct mailbox_lock {
	const enum lock_kind *kinds; /* in order; LOCK_NONE ends */
	unsigned timeout;	     /* seconds */
	const char *path;	     /* the mailbox */
	/* asked where we may not write the directory; NULL: nobody is */
	const struct dotlock_keeper *keeper;
	struct dotlock dotlock;
	bool kept; /* the keeper holds the dotlock, which is this one */
	struct dotlock kept_one;
	int fd;		     /* what flock and fcntl hold, else -1 */
	enum lock_kind busy; /* the kind that was not to be had */
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

/* After LOCK_BUSY: who holds the kind that was not to be had, but for /proc. */
struct lock_holder lock_busy_holder(const struct mailbox_lock *l, int fd);

/*
 * The same: says in the log who it is; fd is the mailbox.
 */
void lock_blame(const struct mailbox_lock *l, int fd);

/* flock and fcntl, shared, without the dotlock: to read a piece. */
enum lock_result lock_shared(struct mailbox_lock *l, int fd);

/* The same, tried once. */
enum lock_result lock_try_shared(struct mailbox_lock *l, int fd);

/*
 * Whether an exclusive lock still is ours: asked of who keeps it, which may be
 * another host that has given it away since. Else errno tells. One that was
 * lost and is free again counts as held: what the file says must be asked too.
 */
bool lock_still_held(const struct mailbox_lock *l);

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

#endif
