/*
 * The state directory of a user who was made anew with another uid: after
 * userdel and useradd, on a restored host, by a move to LDAP. Runs in the
 * monitor, as root; must not know what is in the files.
 */
#ifndef OLD_STATE_H
#define OLD_STATE_H

#include <limits.h>
#include <stdbool.h>

/*
 * Whether there is something in the directory that no login makes again: a
 * journal, rescued mail, the uid validity, or what nobody knows. The first that
 * is found is put into `what`, for the log; so is "?" where the directory
 * cannot be read.
 */
bool old_state_matters(int dir, char what[NAME_MAX + 1]);

/*
 * Removes the directory `name` below base, which root alone may write, unless
 * something in it matters. False, with errno, where it is still there.
 */
bool old_state_remove(int base, const char *name, char what[NAME_MAX + 1]);

#endif
