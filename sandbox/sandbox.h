/*
 * What each process that others talk to may still do, from a moment on at which
 * it has loaded and opened all that it needs beforehand.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum role {
	ROLE_PROXY,    /* reads a PROXY header */
	ROLE_GREETER,  /* talks to strangers */
	ROLE_RELAY,    /* encrypts and decrypts */
	ROLE_MAILBOX,  /* serves the user's mailbox */
	ROLE_RECOVERY, /* finishes a commit that was cut */
	ROLES
};

enum { SANDBOX_FDS_MAX = 8 };

struct sandbox_needs {
	/* Whom root becomes; and where it is the greeter's, the proxy reader's
	 * or the relay's process, in an empty root. */
	uid_t uid;
	gid_t gid;
	/* The only descriptors that are kept; -1: none. Beside them: the log's,
	 * in the roles that write lines. */
	int fds[SANDBOX_FDS_MAX];
	size_t fds_count;
	/* ROLE_MAILBOX and ROLE_RECOVERY: absolute paths */
	const char *mailbox, *state_dir;
	bool dotlock; /* it may have to be made beside the mailbox */
};

/*
 * Gives up, for good, all that the role does not need: root, groups,
 * capabilities, descriptors, forking, files but for those named, and all
 * system calls but those in the role's list (any other one ends the process).
 * Where the process is not root, all but the change of uid and root directory
 * holds as well. False, with errno, when any of it cannot be done; the process
 * must end then. A kernel without seccomp or Landlock is no fault.
 */
bool sandbox_enter(enum role role, const struct sandbox_needs *needs);

#endif
