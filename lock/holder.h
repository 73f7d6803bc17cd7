/*
 * Who holds a lock of a mailbox, as far as can be told: for the log and for
 * --check. What a dotlock says is found where the mailbox's directory can be
 * read, what /proc says of the kernel's locks and of programs in a process that
 * may read that.
 */
#ifndef HOLDER_H
#define HOLDER_H

#include "base/lock_kind.h"

enum { LOCK_HOLDER_SIZE = 512 };

/* Asks /proc/locks who has the kernel's lock, where it is one of those. */
void lock_holder_find(struct lock_holder *h);

/*
 * In words: "dotlock of process 4711 (procmail), 7 s old", with the name that
 * /proc has for the process.
 */
void lock_holder_describe(const struct lock_holder *h,
			  char text[LOCK_HOLDER_SIZE]);

/* The log's line about a mailbox that cannot be had for that. */
void lock_holder_log(const struct lock_holder *h, const char *mailbox);

#endif
