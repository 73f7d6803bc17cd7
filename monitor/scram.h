/*
 * SCRAM-SHA-256's keys and proofs (RFC 5802 section 3, RFC 7677), for those
 * who hold secrets: the monitor, and whoever sets one.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scram_limits.h"

enum { SCRAM_ITERATIONS = 10000 }; /* of new secrets; RFC 7677 asks for 4096 */

/* What is stored of a password. */
struct scram_keys {
	uint32_t iterations;
	uint8_t salt[SCRAM_SALT_SIZE];
	uint8_t stored[SCRAM_KEY_SIZE];
	uint8_t server[SCRAM_KEY_SIZE];
};

/*
 * An exchange's messages but for the proof, as they are signed; all
 * NUL-terminated. What the client has to know of its end of the connection is
 * not taken from its message: binding is our end's.
 */
struct scram_exchange {
	char gs2[SCRAM_GS2_MAX + 1];   /* "n,,", "p=tls-exporter,,", ... */
	char bare[SCRAM_BARE_MAX + 1]; /* client-first-message-bare */
	char nonce[SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_SIZE];
	char server_first[SCRAM_SERVER_FIRST_SIZE];
	char extensions[SCRAM_EXTENSIONS_MAX + 1]; /* "" or ",..." */
	const uint8_t *binding; /* channel binding, or NULL */
	size_t binding_len;	/* at most SCRAM_KEY_SIZE */
};

/* A nonce of our own. False, logged, where there is no randomness. */
bool scram_nonce(char nonce[SCRAM_SERVER_NONCE_SIZE]);

/* Derives the keys from a password; k's salt and iterations are set. */
void scram_derive(struct scram_keys *k, const char *password);

/*
 * Fills x->nonce and x->server_first for a client's nonce (printable, no comma,
 * at most SCRAM_NONCE_MAX) and our own.
 */
void scram_challenge(struct scram_exchange *x, const struct scram_keys *k,
		     const char *client_nonce, const char *server_nonce);

/*
 * Whether proof shows knowledge of the password behind k. signature is then
 * what shows the client that we know the keys.
 */
bool scram_verify(const struct scram_exchange *x, const struct scram_keys *k,
		  const uint8_t proof[SCRAM_KEY_SIZE],
		  uint8_t signature[SCRAM_KEY_SIZE]);

#endif
