/* Maildir++: maildirsize, where deliverers add up what the user has. */
#ifndef MAILDIR_QUOTA_H
#define MAILDIR_QUOTA_H

#include <stddef.h>
#include <sys/types.h>

#include "maildir/folder.h"

/* What was removed, as it was counted when it came. */
struct maildir_quota {
	long long bytes;
	size_t messages;
};

/* A file of this name and size goes. */
void maildir_quota_count(struct maildir_quota *q, const char *name, off_t size);

/* Notes it where there is a maildirsize; logged where that fails. */
void maildir_quota_note(const struct maildir_folder *f,
			const struct maildir_quota *q);

#endif
