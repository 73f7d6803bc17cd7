/* The lock that keeps a second POP3 session out of a maildrop. */
#ifndef SESSION_LOCK_H
#define SESSION_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock_kind.h"
#include "lock/session_note.h"

struct session_lock {
	int fd;		     /* state_dir/lock, or -1 */
	int watch;	     /* inotify on it, or -1 */
	uint64_t generation; /* what the file said when it was taken */
	bool noted;	     /* there is a note of ours in it */
};

/*
 * Takes the session lock in the user's state directory, which should be the
 * working directory too: the watch needs a path. LOCK_BUSY when another
 * session holds it and has not offered it.
 */
enum lock_result session_lock_take(struct session_lock *s, int state_dir);

/*
 * Writes down whose the lock is now; a cache of what the log says, so that it
 * need not be there. True with *before where the session before this one left
 * its own note, as it does where it had no end.
 */
bool session_lock_note(struct session_lock *s, const struct session_note *own,
		       struct session_note *before);

/* Who has it, as far as is known. False, where that is not known. */
bool session_lock_holder(int state_dir, struct session_note *n);

/*
 * The client has kept us waiting: whoever comes now may take over. Returns a
 * descriptor that becomes readable when someone does, or -1.
 */
int session_lock_offer(struct session_lock *s);

/* Takes it back; false when another session has it or has had it. */
bool session_lock_resume(struct session_lock *s);

void session_lock_release(struct session_lock *s);

#endif
