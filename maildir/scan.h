/* Finds out which messages there are, in the order of their delivery. */
#ifndef MAILDIR_SCAN_H
#define MAILDIR_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "maildir/folder.h"
#include "maildir/list.h"

struct maildir_scan {
	const struct maildir_folder *folder;
	const struct maildir_list *known; /* the index; may be empty */
	char *buf;			  /* room to read into */
	size_t size;
	/* what comes of it */
	struct maildir_list list;
	struct maildir_times times; /* when its names were right */
	size_t read;		    /* files, because nothing was known */
	size_t others;		    /* what is there and is not served */
};

/*
 * Fills list, all zero before; read and others too. MAILDROP_OK, or logged; the
 * list is to be freed in each case.
 */
enum maildrop_result maildir_scan(struct maildir_scan *s);

/*
 * Looks again how each message's file is called, and sets IS_GONE of those that
 * are not there any more. Does nothing where nothing can have changed since
 * *times. False with errno.
 */
bool maildir_refresh(const struct maildir_folder *f, struct maildir_list *l,
		     struct maildir_times *times, char *buf, size_t size);

#endif
