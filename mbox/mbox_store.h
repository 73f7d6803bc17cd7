/* What the mbox store is made of, for mbox.c, text.c and removal.c. */
#ifndef MBOX_STORE_H
#define MBOX_STORE_H

#include "mbox/mailbox.h"
#include "mbox/refind.h"

enum { MBOX_PIECE_SIZE = 256 * 1024 }; /* read under one lock */

struct mbox_store {
	struct store store; /* the first */
	struct store_place place;
	struct mailbox mailbox;
	struct index_last kept_last; /* what the index says, or will */
	bool index_has_news;
	/* the message being read */
	size_t reading;
	off_t position; /* in its text */
	unsigned generation;
	size_t ahead; /* the message in piece, all of it; 0: none */
	char piece[]; /* MBOX_PIECE_SIZE of it, untouched until then */
};

static inline struct mbox_store *
mbox_store_of(struct store *s)
{
	return (struct mbox_store *)s;
}

static inline const struct mbox_store *
mbox_store_seen(const struct store *s)
{
	return (const struct mbox_store *)s;
}

static inline struct mbox_message *
message(const struct mbox_store *m, size_t n)
{
	return &m->mailbox.mbox.messages[n - 1];
}

#endif
