/*
 * POP3's form: reads a command, checks its state and syntax by the row that a
 * table has for it, and calls its handler. Runs in the greeter and in the
 * mailbox process; knows no command.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "maildrop.h"
#include "base/boundary.h"
#include "base/connection.h"
#include "base/live.h"
#include "base/offers.h"
#include "base/options.h"
#include "base/stream.h"

enum state { AUTHORIZATION = 1, TRANSACTION = 2 };

/* What a handler tells the loop; it has replied by then. */
enum outcome {
	GO_ON,
	LOGGED_IN, /* AUTHORIZATION is over */
	OVER	   /* session.reason says why */
};

struct session;

/* What the syntax check found; a handler starts with valid input. */
struct arguments {
	size_t message; /* an existing message's number; 0: not given */
	size_t lines;	/* TOP */
	char *text;	/* the first argument; NULL: not given */
	char *more;	/* the second one of those that have two, or NULL */
};

/*
 * What a command's arguments are. SP and TAB before, between and behind them
 * are no part of any, with the exceptions told here.
 */
enum syntax {
	NOTHING,
	OPTIONAL_MESSAGE,
	MESSAGE,
	MESSAGE_AND_LINES,
	NAME,		 /* the rest of the line, with the blanks inside */
	NAME_AND_DIGEST, /* a name, and the line's last word */
	PASSWORD,	 /* every octet behind one blank */
	MECHANISM	 /* none; or a word and, optional, all behind it */
};

/* A command; one that differs from state to state has a row for each. */
struct command {
	const char *name;
	enum outcome (*handler)(struct session *s, const struct arguments *a);
	unsigned states;
	enum syntax syntax;
	const char *capability;			   /* CAPA's line, or NULL */
	bool (*possible)(const struct session *s); /* NULL: always */
};

struct command_table {
	const struct command *rows;
	size_t count;
	const char *long_prefix; /* of lines that may be as long as a token */
};

/* What both processes that talk to the client begin with. */
struct session_start {
	const struct options *options;
	const struct command_table *commands;
	const struct connection *connection;
	const struct offers *offers;
	int monitor; /* boundary */
	struct live_counts *live;
};

struct session {
	const struct options *options;
	const struct command_table *commands;
	const struct connection *connection;
	const struct offers *offers; /* what the monitor can check */
	struct stream stream;
	enum state state;
	int monitor;		  /* boundary */
	struct live_counts *live; /* shown by --who */
	enum end_reason reason;
	unsigned unknown; /* unknown commands in a row */
	/* AUTHORIZATION */
	struct request request; /* holds the password for a moment */
	bool user_given;	/* by the command before this one */
	bool name_accepted;
	bool plaintext_refused;		 /* for the log */
	char refused_user[USER_MAX + 1]; /* who wanted to; "": not told */
	bool too_long; /* AUTH was given too much; for the log */
	bool bound;    /* SCRAM can be bound to TLS */
	/* TRANSACTION */
	struct maildrop *maildrop;
	struct summary summary;
	size_t retrieved; /* by the last RETR; 0: none yet */
	size_t ready;	  /* whose reply was made ready; 0: none */
	uint64_t ready_octets;
};

/* Fills *s, all zero before; the client may be silent for so many seconds. */
void session_init(struct session *s, const struct session_start *start,
		  enum state state, unsigned silence);

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
 * Sends what the client has not got yet. False where it can hear no more: the
 * session is over then, and s->reason says why.
 */
bool session_flush(struct session *s);

/*
 * name with a question mark for each byte that a reply may not hold: all but
 * printable ASCII (RFC 2449, section 3).
 */
const char *session_told(char told[USER_MAX + 1], const char *name);

#endif
