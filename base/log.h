/*
 * Lines in the log: the journal with fields, syslog, or stderr. Control and
 * non-ASCII bytes in a line are escaped (\xNN), so that no stranger writes
 * lines of his own.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <sys/types.h>
#include <syslog.h>

#include "base/arrival.h"
#include "base/options.h"

/* Each has a MESSAGE_ID of its own in the journal. */
enum log_event {
	EVENT_LOGIN,	    /* a user came in */
	EVENT_LOGIN_FAILED, /* a user did not */
	EVENT_SESSION_END,  /* counts, and why it ended */
	EVENT_MAILBOX,	    /* a mailbox that cannot be served as asked */
	EVENT_COMMIT,	    /* deletions that could not be carried out */
	EVENT_RECOVERED,    /* an interrupted commit was finished */
	EVENT_RESCUED,	    /* a journal that did not fit its mailbox */
	EVENT_SETUP,	    /* something is wrong in this host's setup */
	EVENT_PROTOCOL,	    /* no login, or a process that went wrong */
	EVENT_REMOVED	    /* a message, at the user's wish */
};

/* What a session did, for its last line. */
struct log_summary {
	const char *reason; /* why it ended: "quit", "autologout", ... */
	bool counted;	    /* the numbers are known */
	unsigned long long retrieved, deleted, left;
	unsigned long long octets; /* sent by RETR and TOP */
	double seconds;
};

/*
 * Chooses where lines go from now on. With LOG_TO_AUTO: the journal where it
 * listens, else syslog. Opens what it needs, so that it works after a chroot
 * and in a process that may open nothing more.
 */
void log_open(enum log_where wanted);

/*
 * Gives up the socket, for a process that is about to close its descriptors;
 * and has one anew. Without the second the next line tries to.
 */
void log_stop(void);
void log_restart(void);

/*
 * Whose session it is, for the fields of all later lines; NULL leaves one as
 * it is. Copies the strings.
 */
void log_session(const char *user, const char *rhost);

/* Which session it is and where it came in, for the same. Copies it. */
void log_arrival(const struct arrival *a);

/*
 * How the user came in or tried to, for the same: "PASS", "SCRAM-SHA-256", ...
 * The string is not copied.
 */
void log_method(const char *method);

/* TLS's version and cipher, for the same. Copies the string. */
void log_tls(const char *text);

/* One line; priority as in syslog(3). Adds user and address itself. */
void log_line(int priority, enum log_event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about another session, whose line it is to be. */
void log_line_of(const struct arrival *a, const char *rhost, int priority,
		 enum log_event event, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * The line about a message that the client has deleted and QUIT removed: what
 * UIDL told, its size, and its Message-ID, as strangers wrote it, or "".
 */
void log_removed(const char *uidl, off_t octets, const char *message_id);

/* The line at a session's end. */
void log_end(const struct log_summary *sum);

#endif
