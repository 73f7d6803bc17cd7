/*
 * The ids that another server has given to the messages of a mailbox, so that
 * clients which come from it download nothing twice.
 */
#ifndef UIDL_IMPORT_H
#define UIDL_IMPORT_H

#include <stdbool.h>

#include "base/options.h"
#include "mbox/syntax.h"

/*
 * Gives the messages of m from number `first` on (0 is the first one) the id
 * that the server of this kind told for them, instead of the value of their
 * X-UIDL field, or none where that server has left no trace of one. Reads the
 * headers in fd. UIDL_UW and UIDL_DOVECOT keep the mailbox's UIDVALIDITY in
 * state_dir, if keep, for the time when the message that bears it is deleted.
 * Does nothing for UIDL_AUTO and UIDL_HASH. False, with errno, when something
 * could not be read or written.
 */
bool uidl_import(struct mbox *m, size_t first, int fd, int state_dir,
		 enum uidl_kind kind, bool keep);

#endif
