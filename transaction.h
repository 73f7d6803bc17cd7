/* The mailbox process: TRANSACTION and UPDATE states, as the user. */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "session.h"
#include "base/boundary.h"

/* Whose maildrop, and where; absolute paths. */
struct maildrop_owner {
	const char *user, *mailbox, *state_dir;
};

/*
 * Opens the user's maildrop, answers the login, serves the session and
 * carries out what it deleted; tells the monitor what it did. h is what the
 * greeter had read ahead. Returns the exit status.
 */
int transaction_run(const struct session_start *start,
		    const struct maildrop_owner *owner,
		    const struct handover *h);

enum outcome command_stat(struct session *s, const struct arguments *a);
enum outcome command_list(struct session *s, const struct arguments *a);
enum outcome command_uidl(struct session *s, const struct arguments *a);
enum outcome command_dele(struct session *s, const struct arguments *a);
enum outcome command_noop(struct session *s, const struct arguments *a);
enum outcome command_rset(struct session *s, const struct arguments *a);
enum outcome command_last(struct session *s, const struct arguments *a);
/* QUIT, with what was marked. */
enum outcome command_update(struct session *s, const struct arguments *a);

#endif
