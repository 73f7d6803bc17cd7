/*
 * What crosses between the monitor and the processes that it does not trust:
 * messages of a fixed size for each type, over one SOCK_SEQPACKET socketpair.
 */
#ifndef BOUNDARY_H
#define BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

enum {
	/* protocol.md's limits for names and passwords, in octets */
	USER_MAX = 255,
	PASSWORD_MAX = 1023
};

enum request_type {
	REQUEST_LOGIN = 1,     /* greeter: is this the user's password? */
	REQUEST_HANDOVER,      /* greeter: logged in; what I had read ahead */
	REQUEST_BYE,	       /* greeter: the connection ends here */
	REQUEST_DOTLOCK_TRY,   /* mailbox: one try for the dotlock */
	REQUEST_DOTLOCK_LEAVE, /* mailbox: remove it */
	REQUEST_SUMMARY,       /* mailbox: what the session did */
	REQUEST_TYPES
};

/* Why a session ended. */
enum end_reason {
	END_QUIT,
	END_CLIENT_LEFT,
	END_AUTOLOGOUT,
	END_TAKEN_OVER,
	END_TERMINATED,
	END_REFUSED, /* too many failures or unknown commands; no maildrop */
	END_FAULT,   /* a message could not be sent whole */
	END_REASONS
};

struct login_request {
	char user[USER_MAX + 1]; /* both NUL-terminated */
	char password[PASSWORD_MAX + 1];
};

struct handover {
	uint32_t input_len, output_len;
	char input[STREAM_INPUT_SIZE];	 /* not yet looked at */
	char output[STREAM_PENDING_MAX]; /* not yet sent */
};

struct summary {
	uint32_t reason; /* enum end_reason */
	uint64_t retrieved, deleted, left, octets;
};

struct request {
	uint32_t type; /* enum request_type */
	union {
		struct login_request login;
		struct handover handover;
		uint32_t reason; /* REQUEST_BYE: enum end_reason */
		struct summary summary;
	};
};

enum login_result {
	LOGIN_OK,
	LOGIN_DENIED,	 /* wrong name or password */
	LOGIN_NO_ACCESS, /* right, but the account is expired or the like */
	LOGIN_TEMPORARY, /* cannot be checked now */
	LOGIN_BROKEN,	 /* cannot be checked until someone repairs it */
	LOGIN_RESULTS
};

struct reply {
	uint32_t result; /* enum login_result or enum lock_result */
	uint32_t last;	 /* REQUEST_LOGIN: no further try is allowed */
};

/* Sends one request; false when the other side is gone. */
bool boundary_send(int fd, const struct request *r);

/*
 * Receives one request; false when the other side is gone or sent what is not
 * a request of the right size (errno EPROTO).
 */
bool boundary_receive(int fd, struct request *r);

/* The monitor's answer, and how the others wait for it. */
bool boundary_reply(int fd, const struct reply *reply);
bool boundary_ask(int fd, const struct request *r, struct reply *reply);

#endif
