/*
 * Whose session it is: a note in the session lock's file, there as long as the
 * session is. One that is found behind a lock that nobody holds tells of a
 * session that had no end: it was killed, or the host went down.
 */
#ifndef SESSION_NOTE_H
#define SESSION_NOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/arrival.h"

enum { NOTE_RHOST_SIZE = 64, NOTE_HOST_SIZE = 65, NOTE_TIME_SIZE = 32 };

enum note_state {
	NOTE_NONE,
	NOTE_HELD,
	NOTE_OFFERED /* the lock is free as long as the client is silent */
};

/*
 * The user's own file: what it says may be false, but each text ends in a NUL.
 */
struct session_note {
	uint32_t state; /* enum note_state */
	int32_t pid;	/* the mailbox process's */
	int64_t since;	/* seconds since 1970 */
	struct arrival arrival;
	char rhost[NOTE_RHOST_SIZE]; /* the client's address, or "" */
	char host[NOTE_HOST_SIZE];   /* where the process is */
};

/* A note about this process's session; the rest is for the caller to say. */
void session_note_begin(struct session_note *n);

/* In the lock's file. False where there is none. */
bool session_note_read(int fd, struct session_note *n);
bool session_note_write(int fd, const struct session_note *n);

/* Sets the state only. */
bool session_note_mark(int fd, enum note_state state);

/* Whether the session is over, the lock being free. */
bool session_note_is_left(const struct session_note *n);

/* Its beginning, as 2026-11-28T10:00:00Z. */
void session_note_since(const struct session_note *n,
			char text[NOTE_TIME_SIZE]);

#endif
