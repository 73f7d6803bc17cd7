/* SCRAM's messages as a client writes them (RFC 5802 section 7). */
#ifndef SCRAM_TEXT_H
#define SCRAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boundary.h"
#include "base/scram_limits.h"
#include "sasl/base64.h"

/* What a client says of channel binding: its message's first letter. */
enum scram_binding {
	BINDING_NONE = 'n',   /* it has none */
	BINDING_UNUSED = 'y', /* it has, and thinks that we have not */
	BINDING_USED = 'p'
};

struct scram_first {
	enum scram_binding binding;
	char binding_name[32];	       /* where it is used */
	char authzid[USER_MAX + 1];    /* "": none */
	char gs2[SCRAM_GS2_MAX + 1];   /* the header, as it came */
	char bare[SCRAM_BARE_MAX + 1]; /* the rest */
	char user[USER_MAX + 1];
	char nonce[SCRAM_NONCE_MAX + 1];
};

struct scram_final {
	char binding[BASE64_SIZE(SCRAM_GS2_MAX + SCRAM_KEY_SIZE)]; /* c= */
	char nonce[SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_SIZE];	   /* r= */
	char extensions[SCRAM_EXTENSIONS_MAX + 1]; /* "" or ",..." */
	uint8_t proof[SCRAM_KEY_SIZE];
};

/*
 * Take a client's messages apart: len octets and a NUL behind them. NULL, or
 * what is wrong with them, to be told to the client.
 */
const char *scram_parse_first(struct scram_first *f, const char *message,
			      size_t len);
const char *scram_parse_final(struct scram_final *f, const char *message,
			      size_t len);

/*
 * The "gs2-header" that SCRAM and OAUTHBEARER begin with: "n,", "y," or
 * "p=NAME,", then "a=NAME," or ",". Returns its length, 0 where it is wrong.
 * name (of size) is the channel binding's, user (USER_MAX + 1) the identity.
 */
size_t scram_parse_gs2(const char *message, char *name, size_t size,
		       char *user);

#endif
