/* After another program rewrote the mailbox: where the messages are now. */
#ifndef REFIND_H
#define REFIND_H

#include "mbox/syntax.h"

/* What the store keeps in mbox_message.flags. */
enum message_flags {
	MESSAGE_DELETED = 1,  /* marked by DELE */
	MESSAGE_GONE = 2,     /* not in the mailbox any more */
	MESSAGE_DOUBTFUL = 4, /* one of several copies, of which some are
				 gone: which, nobody can tell */
	MESSAGE_UNPROVEN = 8  /* found where it should be, its content not yet
				 compared */
};

/*
 * Gives each message of `seen` the place that a message with the same content
 * has in `now`, or marks it gone. Its number, id and marks stay. Where fewer
 * copies of a content are left than were seen, those not marked deleted are
 * served first. False when memory is short; nothing is changed then.
 */
bool refind(struct mbox *seen, const struct mbox *now);

#endif
