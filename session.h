/*
 * POP3: the table of commands, and the loop that reads one, checks its syntax
 * and state and calls its handler. What the handlers do is in authorization.c
 * and transaction.c.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/boundary.h"
#include "base/options.h"
#include "base/stream.h"

enum state { AUTHORIZATION = 1, TRANSACTION = 2 };

/* What a handler tells the loop; it has replied by then. */
enum outcome {
	GO_ON,
	LOGGED_IN, /* AUTHORIZATION is over */
	OVER	   /* session.reason says why */
};

struct connection;
struct offers;
struct sasl;

struct session {
	const struct options *options;
	const struct connection *connection;
	const struct offers *offers; /* what the monitor can check */
	struct stream stream;
	enum state state;
	int monitor; /* boundary */
	enum end_reason reason;
	unsigned unknown; /* unknown commands in a row */
	/* AUTHORIZATION */
	struct request request; /* holds the password for a moment */
	bool user_given;	/* by the command before this one */
	bool name_accepted;
	bool plaintext_refused; /* for the log */
	bool bound;		/* SCRAM can be bound to TLS */
	struct sasl *sasl;	/* AUTH's, between two lines */
	/* TRANSACTION */
	struct maildrop *maildrop;
	struct summary summary;
};

/* What the syntax check found; a handler starts with valid input. */
struct arguments {
	size_t message; /* an existing message's number; 0: not given */
	size_t lines;	/* TOP */
	char *text;	/* the rest of the line, NUL-terminated */
};

/*
 * Reads and carries out commands until one of them changes the state or ends
 * the session, or the client does. LOGGED_IN or OVER.
 */
enum outcome session_loop(struct session *s);

/*
 * The next line, for a handler that asked for more: GO_ON with it, or with NULL
 * where it was too long and that was replied; OVER.
 */
enum outcome session_getline(struct session *s, char **line, size_t *len);

/*
 * name with a question mark for each byte that a reply may not hold: all but
 * printable ASCII (RFC 2449, section 3).
 */
const char *session_told(char told[USER_MAX + 1], const char *name);

/* ---- authorization.c, in the greeter */
enum outcome command_user(struct session *s, const struct arguments *a);
enum outcome command_pass(struct session *s, const struct arguments *a);
enum outcome command_apop(struct session *s, const struct arguments *a);
enum outcome command_stls(struct session *s, const struct arguments *a);
/* Whether a password, or what is as good as one, may be sent as it is. */
bool plaintext_allowed(const struct session *s);
/* Replies that it may not, and what to do. */
enum outcome refuse_plaintext(struct session *s);
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

/* ---- sasl.c, in the greeter */
enum outcome command_auth(struct session *s, const struct arguments *a);

/* ---- transaction.c, in the mailbox process */
enum outcome command_stat(struct session *s, const struct arguments *a);
enum outcome command_list(struct session *s, const struct arguments *a);
enum outcome command_uidl(struct session *s, const struct arguments *a);
enum outcome command_retr(struct session *s, const struct arguments *a);
enum outcome command_top(struct session *s, const struct arguments *a);
enum outcome command_dele(struct session *s, const struct arguments *a);
enum outcome command_rset(struct session *s, const struct arguments *a);
enum outcome command_last(struct session *s, const struct arguments *a);

/* Removes what was marked and replies: QUIT in TRANSACTION. */
enum outcome transaction_quit(struct session *s);

#endif
