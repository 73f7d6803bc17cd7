/* Finishing commits that were cut: after a crash, and at boot. */
#ifndef RECOVER_H
#define RECOVER_H

#include "base/options.h"
#include "monitor/account.h"

/*
 * Finishes the account's interrupted commit, where there is one, in a child
 * that runs as the user. Runs in the monitor. False when one is left.
 */
bool recover_account(const struct options *o, const struct account *a);

/*
 * --recover: every user below the state directory; as an ordinary user,
 * oneself. Returns the exit status: EX_TEMPFAIL when a commit is left.
 */
int recover_all(const struct options *o);

#endif
