/* What a maildrop is, shared by maildrop.c and maildrop_text.c. */
#ifndef MAILDROP_PRIVATE_H
#define MAILDROP_PRIVATE_H

#include "maildrop.h"

struct maildrop {
	const struct options *options;
	struct mailbox mailbox;
	int state_dir;
	struct session_lock session_lock;
	struct index_last kept_last; /* what the index says, or will */
	size_t last, last_at_login;
	bool index_has_news;
	/* the message being read */
	size_t reading;
	off_t position; /* in its text */
	unsigned generation;
	char piece[]; /* MAILDROP_PIECE_SIZE of it, untouched until then */
};

static inline struct mbox_message *
message(const struct maildrop *m, size_t n)
{
	return &m->mailbox.mbox.messages[n - 1];
}

#endif
