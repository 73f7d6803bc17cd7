/*
 * The process in which secrets are: what PAM's modules read, and the secrets
 * file. Forked by the monitor before anyone can log in, it answers the
 * monitor's questions with as much root as PAM needs, keeps PAM's transaction
 * for as long as the session lasts, and ends when the monitor hangs up. So
 * neither the monitor nor anything it forks has ever had them in its memory.
 *
 * Questions of each type, and answers, have a fixed size and cross a
 * SOCK_SEQPACKET socketpair; only the monitor is at its other end.
 */
#ifndef AUTHENTICATOR_H
#define AUTHENTICATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boundary.h"
#include "base/libpam.h"
#include "base/offers.h"
#include "base/options.h"
#include "monitor/attributes.h"

enum question_type {
	ASK_SURVEY = 1,	 /* what do the secrets make possible? */
	ASK_PASSWORD,	 /* PAM: is this the user's password? */
	ASK_TOKEN,	 /* PAM: is this the user's OAuth token? */
	ASK_APOP,	 /* secrets: the user's digest? then PAM's account */
	ASK_SCRAM_START, /* secrets: a challenge */
	ASK_SCRAM_PROOF, /* the answer to it? then PAM's account */
	ASK_OPEN,	 /* PAM: credentials and session of who was let in */
	ASK_CLOSE,	 /* PAM: their end, so that another may log in */
	QUESTION_TYPES
};

/* The strings have been terminated by the monitor. */
struct question {
	uint32_t type;	  /* enum question_type */
	uint32_t method;  /* enum login_method; for the log */
	uint32_t invalid; /* SCRAM_START: the name can be nobody's */
	union {
		struct login_request login;
		struct token_request token;
		struct {
			struct apop_request request;
			char timestamp[APOP_TIMESTAMP_SIZE];
		} apop;
		struct {
			struct scram_start_request request;
			uint32_t bound; /* there is an exporter's value */
			uint8_t exporter[SCRAM_KEY_SIZE];
		} scram_start;
		struct scram_proof_request scram_proof;
	};
};

/* What is sent of a question. */
size_t question_size(uint32_t type);

struct answer {
	uint32_t result;	    /* enum login_result */
	char user[USER_MAX + 1];    /* on LOGIN_OK: what PAM says it is */
	char words[PAM_WORDS_SIZE]; /* else: what PAM says of it */
	union {
		struct {
			uint32_t scram, apop;
		} survey;
		char server_first[SCRAM_SERVER_FIRST_SIZE];
		uint8_t signature[SCRAM_KEY_SIZE];
		struct attributes attributes; /* OPEN */
	};
};

/* PAM's service for OAuth tokens. */
extern const char authenticator_oauth_service[];

/*
 * Answers until the monitor hangs up, then closes what PAM has open. fd is the
 * only descriptor that is kept, beside standard error and the log's.
 */
void authenticator_run(const struct options *o, const char *rhost, int fd);

#endif
