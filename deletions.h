/*
 * --log-deletions: a line for each message that QUIT has removed. Runs in the
 * mailbox process; must not know how a store removes.
 */
#ifndef DELETIONS_H
#define DELETIONS_H

#include "maildrop.h"

struct deletions;

/*
 * Before the commit: what there is to say of each message that is marked, as
 * long as it can be read. NULL, logged, where memory is short.
 */
struct deletions *deletions_collect(struct maildrop *m);

/* After it: a line for each that is gone by it. Frees *d, which may be NULL. */
void deletions_log(struct deletions *d);

#endif
