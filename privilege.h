/* Giving up root, and being sure that it is gone. */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The process becomes the user pop3d in the empty directory that is from now
 * on its root. Without root it only forgoes new privileges. Runs in the
 * greeter before the first byte is read. False, with errno, when any of it
 * cannot be done; the process must end then.
 */
bool privilege_become_greeter(uid_t uid, gid_t gid);

/*
 * The process becomes the user, with no group but the user's own. False,
 * with errno, when any of it cannot be done; the process must end then.
 */
bool privilege_become_user(uid_t uid, gid_t gid);

#endif
