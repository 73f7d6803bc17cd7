/* What QUIT takes out of an mbox. */
#ifndef MBOX_REMOVAL_H
#define MBOX_REMOVAL_H

#include "commit/commit.h"
#include "mbox/mbox_store.h"

/*
 * Removes the marked messages from the file, and from what is known of it.
 * *removed and the result are as store.h has them for a commit.
 */
enum maildrop_result mbox_remove_marked(struct mbox_store *m, size_t *removed);

/* How a commit asks whether the mailbox's lock still is held. */
struct commit_locks mbox_locks(const struct mbox_store *m);

#endif
