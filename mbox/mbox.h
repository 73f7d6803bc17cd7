/*
 * mbox/: the store of a user's mail in one file, as the deliverers and mail
 * readers of a Unix host share it. Runs in the mailbox process and where a
 * commit is recovered, as the user; must not know of POP3.
 */
#ifndef MBOX_H
#define MBOX_H

#include "store.h"

extern const struct store_operations mbox_operations;

#endif
