/*
 * sandbox/: what each process that others talk to may still do, from a moment
 * on at which it has loaded and opened all that it needs; and how privileges,
 * descriptors and child processes are handled. Runs in each process once,
 * before a byte from outside is read; must not know what the process then does.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#include "sandbox/role.h"

/*
 * Gives up, for good, all that the role does not need: root, groups,
 * capabilities, descriptors, forking, files but for those named, and all
 * system calls but those in the role's list (any other one ends the process
 * by SIGSYS). Where the process is not root, all but the change of uid and root
 * directory holds as well. False, with errno, when any of it cannot be done;
 * the process must end then. A kernel without seccomp or Landlock is no fault.
 */
bool sandbox_enter(enum role role, const struct sandbox_needs *needs);

/* What the role is called in a line of the log: "the greeter". */
const char *sandbox_role(enum role role);

/* Why there are no seccomp filters here; NULL where there are. */
const char *sandbox_lacks_filter(void);

#endif
