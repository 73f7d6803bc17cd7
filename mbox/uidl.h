/* From what identifies a message to the id that UIDL tells. */
#ifndef UIDL_H
#define UIDL_H

#include <stdbool.h>

#include "store.h"
#include "base/options.h"
#include "mbox/syntax.h"

/*
 * Makes the ids of all messages distinct: numbers identical copies in the
 * order of the file, and but for UIDL_HASH keeps an X-UIDL only where no other
 * message has the same id. False when memory is short.
 */
bool uidl_assign(struct mbox *m, enum uidl_kind kind);

/*
 * To be called before uidl_assign with an older look at the same mailbox: a
 * message that had no id but its hash then keeps it, though its X-UIDL may be
 * the only one of its kind by now. An id that was another message's would make
 * a client believe that it has this one. False when memory is short.
 */
bool uidl_stay(struct mbox *m, const struct mbox *before);

/* The id of message i, which uidl_assign has seen. */
void uidl_format(const struct mbox *m, size_t i, char uidl[UIDL_SIZE]);

#endif
