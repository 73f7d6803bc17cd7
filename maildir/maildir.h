/*
 * maildir/: the store of a user's mail in a directory, a file a message, as
 * qmail devised it and Dovecot, Courier, postfix and mutt use it. Runs in the
 * mailbox process and where a commit is recovered, as the user; must not know
 * of POP3.
 */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <stdbool.h>

#include "store.h"

extern const struct store_operations maildir_operations;

/*
 * Whether path means a Maildir: it ends in a slash, or is a directory with
 * cur/, new/ and tmp/.
 */
bool maildir_is(const char *path);

/* What store_operations.open would find, for --check. */
struct maildir_survey {
	size_t messages, others; /* others: in cur/ and new/, and not served */
	long long bytes;
	bool there, writable;
};

/* False, with errno or logged, where a session would not be served. */
bool maildir_survey(const char *path, struct maildir_survey *s);

#endif
