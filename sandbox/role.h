/* Who a process is, and what of the host it needs. */
#ifndef ROLE_H
#define ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum role {
	ROLE_PROXY,    /* reads a PROXY header */
	ROLE_GREETER,  /* talks to strangers */
	ROLE_RELAY,    /* encrypts and decrypts */
	ROLE_MAILBOX,  /* serves the user's mailbox */
	ROLE_RECOVERY, /* finishes a commit that was cut */
	ROLE_LISTING,  /* looks at the user's mailbox, and writes nowhere */
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
	/* ROLE_MAILBOX, ROLE_RECOVERY, ROLE_LISTING: absolute paths */
	const char *mailbox, *state_dir;
	bool dotlock;	/* it may have to be made beside the mailbox */
	bool read_only; /* of both, all that may be done is to read */
};

#endif
