/* The command line: the only configuration there is. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/lock_kind.h"
#include "base/networks.h"

enum uidl_kind {
	UIDL_AUTO,
	UIDL_HASH,
	/* what other servers told; see uidl_import.h */
	UIDL_QPOPPER,
	UIDL_QPOPPER_HEX,
	UIDL_POPA3D,
	UIDL_DOVECOT,
	UIDL_UW,
	UIDL_SOLID,
	UIDL_MAILUTILS,
	UIDL_COURIER,
	UIDL_QMAIL,
	UIDL_KINDS
};
/* TLS_AUTO: STLS is offered where there is a certificate. */
enum tls_mode { TLS_AUTO, TLS_OFF, TLS_STARTTLS, TLS_IMPLICIT };
/* Passwords without TLS; local: loopback, AF_UNIX, pipes. */
enum plaintext { PLAINTEXT_NEVER, PLAINTEXT_LOCAL, PLAINTEXT_ALWAYS };
enum log_where { LOG_TO_AUTO, LOG_TO_JOURNAL, LOG_TO_SYSLOG, LOG_TO_STDERR };
enum task {
	TASK_SERVE,
	TASK_RECOVER,
	TASK_CHECK,
	TASK_SET_SECRET,
	TASK_REMOVE_SECRET,
	TASK_LIST,
	TASK_LIST_SECRETS,
	TASK_WHO
};

enum {
	SHORTEST_AUTOLOGOUT = 600, /* seconds: RFC 1939 section 3 */
	TLS_PAIRS_MAX = 2	   /* an RSA key and an ECDSA key */
};

struct options {
	const char *mailbox;   /* template: see base/template.h */
	const char *state_dir; /* absolute; one directory per user below it */
	/* kinds of mailbox lock in the order to take them; LOCK_NONE ends */
	enum lock_kind locks[LOCK_KINDS + 1];
	unsigned lock_timeout;	  /* seconds */
	const char *virtual_user; /* whose all mail is; NULL: each user's own */
	struct networks proxies;  /* who must send a PROXY header */
	const char *pam_service;
	const char *pam_confdir; /* NULL: the system's */
	unsigned idle_timeout;	 /* seconds */
	uid_t min_uid;
	bool fold_names; /* login names are taken in lower case */
	/* given a listening socket */
	unsigned max_sessions, max_per_source;
	unsigned idle_exit; /* seconds; 0: never */
	enum uidl_kind uidl;
	const char *uidl_format; /* of UIDL_DOVECOT in a Maildir, or NULL */
	enum log_where log;
	bool log_deletions;  /* a line for each */
	const char *secrets; /* NULL: there are none */
	enum tls_mode tls;
	enum plaintext plaintext;
	/* as given, one after another; NULL: see tls_files_find */
	const char *tls_cert[TLS_PAIRS_MAX], *tls_key[TLS_PAIRS_MAX];
	bool given; /* one of those above was, on the command line */
	enum task task;
	const char
	    *user; /* TASK_CHECK: whose login, or NULL; whose secret or mail */
	bool json; /* TASK_WHO: for programs */
	bool secret_apop; /* TASK_SET_SECRET: store the password itself, too */
};

/*
 * Fills *o from the command line and the environment. Answers --help and
 * --version on stdout and exits 0; exits EX_USAGE, with a line on stderr,
 * when an argument makes no sense.
 */
void options_parse(struct options *o, int argc, char **argv);

#endif
