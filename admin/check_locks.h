/* The locks of one mailbox, and who has them. */
#ifndef CHECK_LOCKS_H
#define CHECK_LOCKS_H

#include <stdbool.h>

#include "admin/check_report.h"
#include "lock/lock.h"

/*
 * As the user, of the mailbox that is open as fd. keeper_may: in a session the
 * monitor would make the dotlock.
 */
void check_locks(struct check *c, const char *mailbox, int fd, bool keeper_may);

#endif
