/* What the Maildir store is made of, for maildir.c, text.c and removal.c. */
#ifndef MAILDIR_STORE_H
#define MAILDIR_STORE_H

#include <stdalign.h>

#include "maildir/folder.h"
#include "maildir/list.h"
#include "store.h"

enum { MAILDIR_PIECE_SIZE = 128 * 1024 };

struct maildir_store {
	struct store store; /* the first */
	struct store_place place;
	struct maildir_folder folder;
	struct maildir_list list;
	struct maildir_times times; /* when the list's names were right */
	uint64_t dev;		    /* the file system's */
	bool index_has_news;
	/* the message being read */
	size_t reading;
	off_t position;		 /* in its file */
	int fd;			 /* of its file, or -1 */
	size_t ahead;		 /* the message in piece, all of it; 0: none */
	alignas(8) char piece[]; /* MAILDIR_PIECE_SIZE, for directories too */
};

static inline struct maildir_store *
maildir_store_of(struct store *s)
{
	return (struct maildir_store *)s;
}

static inline const struct maildir_store *
maildir_store_seen(const struct store *s)
{
	return (const struct maildir_store *)s;
}

static inline struct maildir_message *
maildir_message(const struct maildir_store *m, size_t n)
{
	return &m->list.messages[n - 1];
}

/* The directory that a message is in, as far as is known. */
static inline int
maildir_dir(const struct maildir_store *m, const struct maildir_message *msg)
{
	return m->folder.dirs[msg->flags & IN_NEW ? PLACE_NEW : PLACE_CUR];
}

#endif
