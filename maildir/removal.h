/* What QUIT does to a Maildir, and what finishes it where it was cut. */
#ifndef MAILDIR_REMOVAL_H
#define MAILDIR_REMOVAL_H

#include <stddef.h>

#include "store.h"

struct maildir_store;

/* store_operations.commit, but for LAST and the index. */
enum maildrop_result maildir_remove_marked(struct maildir_store *m,
					   size_t *removed);

/*
 * Carries out a removal that was decided and cut. MAILDROP_OK also where the
 * Maildir is not there, which the journal waits for.
 */
enum maildrop_result maildir_finish_removal(struct maildir_store *m);

/*
 * What was read to its end and stays is not new any more: it goes from new/ to
 * cur/, without a flag. What cannot be moved stays.
 */
void maildir_move_read(struct maildir_store *m);

#endif
