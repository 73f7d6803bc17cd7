/* Giving up root, and being sure that it is gone. */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * For the process that stays root, at its start: keeps the capabilities that
 * it, and what PAM's modules run, may need, and dumps no core. False, with
 * errno, when it cannot be done.
 */
bool privilege_bound(void);

/* Keeps of these what the monitor needs beside PAM's process. */
bool privilege_bound_monitor(void);

/*
 * The empty directory /run/pop3d/empty becomes the root. As root only; false,
 * with errno, when it cannot be done.
 */
bool privilege_enter_empty_root(void);

/* Whether it would take the directory, or make it. */
bool privilege_has_empty_root(void);

/*
 * The process becomes the user, with no group but this one and no
 * capabilities; not as root, it only gives up the latter. False, with errno,
 * when any of it cannot be done; the process must end then.
 */
bool privilege_become(uid_t uid, gid_t gid);

#endif
