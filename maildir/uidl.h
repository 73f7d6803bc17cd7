/* From a message's name to the id that UIDL tells. */
#ifndef MAILDIR_UIDL_H
#define MAILDIR_UIDL_H

#include "store.h"
#include "base/options.h"
#include "maildir/list.h"

/*
 * The id of another server where the message has one; else its unique name
 * where that is a valid id and, but for UIDL_HASH, no other file has it; else
 * 32 digits made from it. Never the same for two messages of a list.
 */
void maildir_uidl_format(const struct maildir_list *l,
			 const struct maildir_message *m, enum uidl_kind kind,
			 char uidl[UIDL_SIZE]);

#endif
