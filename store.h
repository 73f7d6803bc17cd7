/*
 * What holds a user's mail: the operations that a maildrop is made of, and that
 * mbox/ has for a mailbox in one file. Whoever calls them holds the session
 * lock; how the mail itself is locked, found again and kept safe is the store's
 * own matter. All run as the user.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/options.h"
#include "lock/lock.h"

enum { UIDL_SIZE = 71 }; /* 70 octets (RFC 1939 section 7) and a NUL */

enum maildrop_result {
	MAILDROP_OK,
	MAILDROP_IN_USE,    /* another session or program has it */
	MAILDROP_TEMPORARY, /* try again later; logged */
	MAILDROP_PERMANENT, /* someone must repair it; logged */
	MAILDROP_NO_ROOM,   /* the state directory's file system is full */
	MAILDROP_NO_STATE,  /* the state directory is of no use; logged */
	MAILDROP_GONE	    /* another program took this message away */
};

/* Where a store finds what is its user's; it outlives the store. */
struct store_place {
	const struct options *options;
	const char *path; /* of the mail */
	int state_dir;	  /* for its index and journal; -1: there is none */
	const char *state_path;
	bool look_only; /* nothing is written, here or there */
	/* how to ask for a dotlock where the user may not make one */
	const struct dotlock_keeper *keeper;
};

/* Each store's own begins with it. */
struct store {
	const struct store_operations *operations;
	bool missing; /* there was no such mailbox, which is an empty one */
	/* NULL, or to be told of each message that the commit has removed */
	void (*removed)(void *arg, size_t n);
	void *removed_arg;
};

/* n is a message's number, from 1 to count's result. */
struct store_operations {
	/*
	 * Finishes what was cut and looks what there is. On MAILDROP_OK *s is
	 * to be closed, and *last is RFC 1225's LAST of earlier sessions. With
	 * look_only, what was cut is MAILDROP_TEMPORARY, logged.
	 */
	enum maildrop_result (*open)(struct store **s,
				     const struct store_place *place,
				     size_t *last);

	/*
	 * Finishes an interrupted commit and nothing else; the session lock
	 * need not be held. MAILDROP_OK where none is left afterwards.
	 */
	enum maildrop_result (*recover)(const struct store_place *place);

	/* Forgets marks, gives up all locks, frees. */
	void (*close)(struct store *s);

	/* Writes what is to be known at the next login; a cache. */
	void (*save)(struct store *s);

	/* How many there were when it was opened. */
	size_t (*count)(const struct store *s);
	off_t (*octets)(const struct store *s, size_t n);
	void (*identify)(const struct store *s, size_t n, char uidl[UIDL_SIZE]);

	/* Which are to go at the commit. */
	void (*mark)(struct store *s, size_t n, bool goes);
	bool (*is_marked)(const struct store *s, size_t n);

	/* As maildrop_read_begin and maildrop_read. */
	void (*text_begin)(struct store *s, size_t n);
	enum maildrop_result (*text)(struct store *s, const char **data,
				     size_t *len);

	/*
	 * All of a text, where it can be had without waiting: its place is
	 * known, it is not longer than what text() gives at once, and nobody
	 * holds a lock. Says and changes nothing. *data is good until the next
	 * call of text or text_ahead.
	 */
	bool (*text_ahead)(struct store *s, size_t n, const char **data,
			   size_t *len);

	/*
	 * Whether what text_ahead gave last, for message n, is still what is
	 * there. If so, it counts as read.
	 */
	bool (*text_stands)(struct store *s, size_t n);

	/* The client has all of it, or has marked it; may be NULL. */
	void (*accessed)(struct store *s, size_t n);

	/*
	 * Removes the marked messages, and remembers last, the highest number
	 * that was accessed, for the next time. *removed says how many there
	 * are fewer. MAILDROP_OK: all of them; else the others are all there.
	 */
	enum maildrop_result (*commit)(struct store *s, size_t last,
				       size_t *removed);
};

#endif
