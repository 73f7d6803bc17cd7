/*
 * What crosses between the monitor and the processes that it does not trust:
 * messages of a fixed size for each type, over one SOCK_SEQPACKET socketpair.
 */
#ifndef BOUNDARY_H
#define BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock_kind.h"
#include "base/scram_limits.h"
#include "base/stream.h"

enum {
	/* limits for names and passwords, in octets */
	USER_MAX = 255,
	PASSWORD_MAX = 1023,
	/* Microsoft's are the longest, up to 12 kB */
	TOKEN_MAX = 12288,
	/* what fits into the longest line in base64: a token and its frame */
	RESPONSE_MAX = STREAM_INPUT_SIZE / 4 * 3,
	APOP_DIGEST_SIZE = 16
};

enum request_type {
	REQUEST_LOGIN = 1,     /* greeter: is this the user's password? */
	REQUEST_HANDOVER,      /* greeter: logged in; what I had read ahead */
	REQUEST_BYE,	       /* greeter: the connection ends here */
	REQUEST_DOTLOCK_TRY,   /* mailbox: one try for the dotlock */
	REQUEST_DOTLOCK_LEAVE, /* mailbox: remove it */
	REQUEST_LOCK_BUSY,     /* mailbox: log who holds a lock: see there */
	REQUEST_RETURN,	       /* mailbox: no maildrop; what I had read ahead */
	REQUEST_SUMMARY,       /* mailbox: what the session did */
	REQUEST_TOKEN,	       /* greeter: is this the user's OAuth token? */
	REQUEST_APOP,	       /* greeter: is this the user's digest? */
	REQUEST_SCRAM_START,   /* greeter: a challenge for this user */
	REQUEST_SCRAM_PROOF,   /* greeter: is this the answer to it? */
	REQUEST_STLS,	       /* greeter: a plain socket before a relay */
	REQUEST_HANDSHAKE,     /* greeter: how did it end? */
	REQUEST_TYPES
};

/* Why a session ended. */
enum end_reason {
	END_QUIT,
	END_CLIENT_LEFT,
	END_AUTOLOGOUT,
	END_TAKEN_OVER,
	END_TERMINATED,
	END_OVERDUE,   /* the login took too long */
	END_UNKNOWN,   /* too many unknown commands */
	END_REFUSED,   /* too many failures */
	END_PLAINTEXT, /* a password was not taken without TLS */
	END_TOO_LONG,  /* AUTH was given more than is taken */
	END_TLS,       /* TLS began, without STLS */
	END_FAULT,     /* a message could not be sent whole */
	END_REASONS
};

/* As the log names it; "?" for what is none. */
const char *end_reason_name(uint32_t reason);

/* How a user came in; for the log, and for what decides it. */
enum login_method {
	METHOD_PASS,
	METHOD_APOP,
	METHOD_PLAIN,
	METHOD_LOGIN,
	METHOD_OAUTHBEARER,
	METHOD_XOAUTH2,
	METHOD_SCRAM,
	METHOD_SCRAM_PLUS,
	METHODS
};

/* As the log and clients name it; "?" for what is none. */
const char *login_method_name(uint32_t method);

/*
 * Requests of the greeter's. Strings end with a NUL; the monitor puts one at
 * the end of each before it looks.
 */
struct login_request {
	char user[USER_MAX + 1];
	char password[PASSWORD_MAX + 1];
	uint32_t method; /* METHOD_PASS, METHOD_PLAIN, METHOD_LOGIN */
};

struct token_request {
	uint32_t method; /* METHOD_OAUTHBEARER, METHOD_XOAUTH2 */
	char user[USER_MAX + 1];
	char token[TOKEN_MAX + 1];
};

struct apop_request {
	char user[USER_MAX + 1];
	uint8_t digest[APOP_DIGEST_SIZE];
};

/* The parts of client-first-message (RFC 5802 section 7). */
struct scram_start_request {
	char user[USER_MAX + 1];
	char gs2[SCRAM_GS2_MAX + 1];
	char bare[SCRAM_BARE_MAX + 1];
	char nonce[SCRAM_NONCE_MAX + 1];
};

/* Of client-final-message; the monitor knows the rest. */
struct scram_proof_request {
	char extensions[SCRAM_EXTENSIONS_MAX + 1];
	uint8_t proof[SCRAM_KEY_SIZE];
};

struct handover {
	uint32_t input_len, output_len;
	char input[STREAM_INPUT_SIZE];	 /* not yet looked at */
	char output[STREAM_PENDING_MAX]; /* not yet sent */
};

/* Why nobody logs in; who wanted to, if END_PLAINTEXT, and a name was given. */
struct bye {
	uint32_t reason; /* enum end_reason */
	char user[USER_MAX + 1];
};

struct summary {
	uint32_t reason; /* enum end_reason */
	uint64_t retrieved, deleted, left, octets;
};

struct request {
	uint32_t type; /* enum request_type */
	union {
		struct login_request login;
		struct token_request token;
		struct apop_request apop;
		struct scram_start_request scram_start;
		struct scram_proof_request scram_proof;
		struct handover handover;
		struct bye bye;
		struct summary summary;
		struct lock_holder holder;
	};
};

enum login_result {
	LOGIN_OK,
	LOGIN_DENIED,	 /* wrong name or password */
	LOGIN_EXPIRED,	 /* right, but the password has expired */
	LOGIN_NO_ACCESS, /* right, but the account is expired or the like */
	LOGIN_TEMPORARY, /* cannot be checked now */
	LOGIN_BROKEN,	 /* cannot be checked until someone repairs it */
	LOGIN_NO_ROOM,	 /* the state directory's file system is full */
	LOGIN_NO_STATE,	 /* the state directory cannot be used */
	LOGIN_RESULTS
};

enum tls_result {
	TLS_OK,
	TLS_REFUSED, /* not offered, or the handshake has failed */
	TLS_BROKEN   /* until someone repairs the certificate */
};

struct reply {
	uint32_t result; /* enum login_result, lock_result or tls_result */
	uint32_t last;	 /* of a login: no further try is allowed */
	union {
		uint32_t bound; /* HANDSHAKE: SCRAM can be bound to TLS */
		char server_first[SCRAM_SERVER_FIRST_SIZE]; /* SCRAM_START */
		uint8_t signature[SCRAM_KEY_SIZE];	    /* SCRAM_PROOF */
	};
};

/* Sends one request; false when the other side is gone. */
bool boundary_send(int fd, const struct request *r);

/*
 * Receives one request; false when the other side is gone or sent what is not
 * a request of the right size (errno EPROTO).
 */
bool boundary_receive(int fd, struct request *r);

/* Of a request that was sent or received: no byte of it is left. */
void boundary_wipe(struct request *r);

/*
 * The monitor's answer, and how the others wait for it. The monitor does not
 * wait: false with EAGAIN where there is no room, which there always is for one
 * who has taken all the answers before.
 */
bool boundary_reply(int fd, const struct reply *reply);
bool boundary_ask(int fd, const struct request *r, struct reply *reply);

/*
 * The same with a descriptor beside the answer: the monitor keeps its own, who
 * asked owns the one that comes, -1 where there was none.
 */
bool boundary_reply_with(int fd, const struct reply *reply, int descriptor);
bool boundary_ask_for(int fd, const struct request *r, struct reply *reply,
		      int *descriptor);

#endif
