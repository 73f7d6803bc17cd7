/* From a login name to whose mail it is and where that lies. */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/boundary.h"
#include "base/options.h"
#include "sandbox/sandbox.h"

struct account {
	char name[USER_MAX + 1]; /* the user database's spelling of it */
	uid_t uid;
	gid_t gid;
	char home[PATH_MAX];
	char mailbox[PATH_MAX];	  /* the template, filled in */
	char state_dir[PATH_MAX]; /* this user's own */
};

/*
 * Whether a name may be looked up at all: not empty, no '/', no control
 * characters, not "." or "..".
 */
bool account_name_valid(const char *name);

/*
 * Looks the name up and fills *a. LOGIN_DENIED for a user who does not exist
 * (where that matters: as root) or must not log in (uid 0, below --min-uid);
 * LOGIN_NO_ACCESS, logged, where the mailbox would be another's dotlock;
 * LOGIN_TEMPORARY or LOGIN_BROKEN, logged, for faults of the host.
 */
enum login_result account_find(struct account *a, const struct options *o,
			       const char *name);

/* What a process that works on the account's mail needs; no descriptors. */
struct sandbox_needs account_needs(const struct account *a,
				   const struct options *o);

/*
 * Makes the user's state directory, owned by the user, where it is missing.
 * Runs in the monitor, as root or as whoever invoked pop3d. LOGIN_NO_ROOM or
 * LOGIN_NO_STATE, logged, where there is none that can be trusted.
 */
enum login_result account_make_state_dir(const struct account *a,
					 const struct options *o);

#endif
