/*
 * The greeter: AUTHORIZATION state, for strangers. No file, no uid worth
 * having, no log: it can only ask the monitor.
 */
#ifndef AUTHORIZATION_H
#define AUTHORIZATION_H

#include <stdbool.h>

#include "session.h"
#include "base/boundary.h"

/*
 * Greets and serves the connection until a login succeeds, and hands what it
 * had read ahead to the monitor, or until the session ends. After a login whose
 * maildrop was refused, returned is what is to be read next, and there is no
 * greeting; else it is NULL. Runs with no privileges. Returns the exit status.
 */
int authorization_run(const struct session_start *start,
		      const struct handover *returned);

enum outcome command_user(struct session *s, const struct arguments *a);
enum outcome command_pass(struct session *s, const struct arguments *a);
enum outcome command_apop(struct session *s, const struct arguments *a);
enum outcome command_stls(struct session *s, const struct arguments *a);
/* QUIT without a maildrop. */
enum outcome command_leave(struct session *s, const struct arguments *a);

/* Whether a password, or what is as good as one, may be sent as it is. */
bool plaintext_allowed(const struct session *s);
/* Replies that it may not, and what to do. user is whose, NULL: not told. */
enum outcome refuse_plaintext(struct session *s, const char *user);
/* Whether there is TLS to begin. */
bool stls_possible(const struct session *s);

/*
 * Asks the monitor about s->request, whose type is set, and wipes it. False
 * when there is no answer; the client was told and the session is over.
 */
bool authorization_ask(struct session *s, struct reply *reply);

/* Replies to a login that failed; LOGGED_IN where it did not. */
enum outcome authorization_conclude(struct session *s,
				    const struct reply *reply);

/* Both. */
enum outcome authorization_log_in(struct session *s);

#endif
