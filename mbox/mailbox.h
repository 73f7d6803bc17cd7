/*
 * The mailbox file behind a maildrop: opened as the user, locked, and compared
 * with what was seen of it whenever the lock is taken again.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "store.h"
#include "base/options.h"
#include "lock/lock.h"
#include "mbox/index.h"
#include "mbox/snapshot.h"
#include "mbox/syntax.h"

struct mailbox {
	const char *path;
	int fd; /* -1: there is no such file */
	bool writable;
	bool look_only;	     /* nothing is written down */
	bool rewritten;	     /* by another program, since it was seen first */
	unsigned generation; /* counts the changes that may be rewrites */
	struct mailbox_lock lock;
	bool exclusive; /* how the lock was taken last */
	struct snapshot snapshot;
	struct mbox mbox; /* as seen first, with the places of now */
};

/*
 * Opens the file: regular, the user's own, one link, no symbolic link. One
 * that does not exist is MAILDROP_OK with fd -1.
 */
enum maildrop_result mailbox_open(struct mailbox *b);
void mailbox_close(struct mailbox *b);

/*
 * Takes the lock and makes sure that fd is the file that path names now. A
 * lock that is not to be had is MAILDROP_IN_USE.
 */
enum maildrop_result mailbox_lock_exclusive(struct mailbox *b);

/* The same with the lock that reading takes, which needs no right to write. */
enum maildrop_result mailbox_lock_shared(struct mailbox *b);

/*
 * First look, under one of these locks: from the index where it fits, else by
 * a scan. *indexed: nothing new was found, the index need not be written.
 */
enum maildrop_result mailbox_scan(struct mailbox *b, int state_dir,
				  enum uidl_kind kind, struct index_last *last,
				  bool *indexed);

/*
 * Takes the lock again, shared to read a piece or exclusive to commit, and
 * finds the messages where they are now; where they have to be looked for, the
 * lock is exclusive at once. On MAILDROP_OK the lock is held, on
 * any other result not.
 */
enum maildrop_result mailbox_revisit(struct mailbox *b, bool exclusive);

/*
 * Makes sure that message i is where it is said to be, while the lock is
 * held. MAILDROP_GONE: it is not, and neither may others be.
 */
enum maildrop_result mailbox_prove(struct mailbox *b, size_t i);

/*
 * The lock for message i, tried once, where the message certainly is where it
 * was seen. True: the lock is held.
 */
bool mailbox_try(struct mailbox *b, size_t i);

/* Whether path names the file and it is what the last look has seen. */
bool mailbox_untouched(const struct mailbox *b);

/* Remembers the file as pop3d's own commit left it: st, under the lock. */
void mailbox_committed(struct mailbox *b, const struct stat *st);

/* Whether the file is still what the last look has seen. */
bool mailbox_unchanged(const struct mailbox *b);

#endif
