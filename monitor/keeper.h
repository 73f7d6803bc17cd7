/*
 * The dotlock that the monitor makes where only root and group mail may write
 * the spool directory.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "lock/lock.h"
#include "monitor/account.h"

struct keeper {
	struct dotlock dotlock;
};

/* Whether it is such a directory, and we are root: the monitor would make it.
 */
bool keeper_has_spool(const struct account *a);

/*
 * One try for the dotlock of the account's mailbox, naming the process pid,
 * with the user's uid and group mail: no other right of root's is used.
 */
enum lock_result keeper_try(struct keeper *k, const struct account *a,
			    pid_t pid);

/* Keeps it fresh, removes it; nothing where it is not held. */
void keeper_touch(struct keeper *k, const struct account *a);
void keeper_release(struct keeper *k, const struct account *a);

#endif
