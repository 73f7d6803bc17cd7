/* NAME.lock beside the mailbox, as liblockfile makes it. */
#ifndef DOTLOCK_H
#define DOTLOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/lock_kind.h"
#include "lock/holder.h"

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

/*
 * Looks at path.lock, and changes nothing: whose it is, how old, and whether a
 * try would break it. False where there is none.
 */
bool dotlock_look(const char *path, struct lock_holder *h, bool *stale);

/* Makes it look fresh; to be called once a minute while it is held. */
void dotlock_touch(const struct dotlock *d, const char *path);

/*
 * Removes path.lock if it still is ours. Where that fails it is held on, for
 * the next release or try to remove.
 */
void dotlock_release(struct dotlock *d, const char *path);

/* Notes which path.lock is there, made by somebody on our behalf. */
bool dotlock_find(struct dotlock *d, const char *path);

/* Whether path.lock still is that file, for the file system's server too. */
bool dotlock_is_there(const struct dotlock *d, const char *path);

#endif
