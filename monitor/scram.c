/*
 * SCRAM-SHA-256 by nettle. Runs in the authenticator and with --set-secret, the
 * nonce also in the monitor; parses nothing.
 */
#include "monitor/scram.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/memxor.h>
#include <nettle/pbkdf2.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/log.h"
#include "sasl/base64.h"

enum { RANDOM_OCTETS = 18 }; /* in base64 without padding */

bool
scram_nonce(char nonce[SCRAM_SERVER_NONCE_SIZE])
{
	uint8_t octets[RANDOM_OCTETS];

	if (!compat_random(octets, sizeof(octets))) {
		log_line(LOG_ERR, EVENT_SETUP, "random numbers: %s",
			 strerror(errno));
		return false;
	}
	base64_encode(nonce, octets, sizeof(octets));
	return true;
}

static void
hmac(uint8_t *dst, const uint8_t *key, const char *text)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, SCRAM_KEY_SIZE, key);
	hmac_sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&ctx, SCRAM_KEY_SIZE, dst);
	explicit_bzero(&ctx, sizeof(ctx));
}

static void
hash(uint8_t *dst, const uint8_t *key)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, SCRAM_KEY_SIZE, key);
	sha256_digest(&ctx, SCRAM_KEY_SIZE, dst);
	explicit_bzero(&ctx, sizeof(ctx));
}

void
scram_derive(struct scram_keys *k, const char *password)
{
	uint8_t salted[SCRAM_KEY_SIZE], client[SCRAM_KEY_SIZE];

	pbkdf2_hmac_sha256(strlen(password), (const uint8_t *)password,
			   k->iterations, sizeof(k->salt), k->salt,
			   sizeof(salted), salted);
	hmac(client, salted, "Client Key");
	hash(k->stored, client);
	hmac(k->server, salted, "Server Key");
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
}

void
scram_challenge(struct scram_exchange *x, const struct scram_keys *k,
		const char *client_nonce, const char *server_nonce)
{
	char salt[BASE64_SIZE(SCRAM_SALT_SIZE)];

	base64_encode(salt, k->salt, sizeof(k->salt));
	snprintf(x->nonce, sizeof(x->nonce), "%s%s", client_nonce,
		 server_nonce);
	snprintf(x->server_first, sizeof(x->server_first), "r=%s,s=%s,i=%u",
		 x->nonce, salt, (unsigned)k->iterations);
}

static void
add(struct hmac_sha256_ctx *ctx, const char *text)
{
	hmac_sha256_update(ctx, strlen(text), (const uint8_t *)text);
}

/* c=: the header that the client chose, and the binding of our own end. */
static void
add_binding(struct hmac_sha256_ctx *ctx, const struct scram_exchange *x)
{
	uint8_t raw[SCRAM_GS2_MAX + SCRAM_KEY_SIZE];
	char text[BASE64_SIZE(sizeof(raw))];
	size_t n = strlen(x->gs2);

	memcpy(raw, x->gs2, n);
	if (x->binding != NULL) {
		memcpy(raw + n, x->binding, x->binding_len);
		n += x->binding_len;
	}
	base64_encode(text, raw, n);
	add(ctx, "c=");
	add(ctx, text);
}

/* HMAC(key, AuthMessage) */
static void
sign(uint8_t *dst, const uint8_t *key, const struct scram_exchange *x)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, SCRAM_KEY_SIZE, key);
	add(&ctx, x->bare);
	add(&ctx, ",");
	add(&ctx, x->server_first);
	add(&ctx, ",");
	add_binding(&ctx, x);
	add(&ctx, ",r=");
	add(&ctx, x->nonce);
	add(&ctx, x->extensions);
	hmac_sha256_digest(&ctx, SCRAM_KEY_SIZE, dst);
	explicit_bzero(&ctx, sizeof(ctx));
}

bool
scram_verify(const struct scram_exchange *x, const struct scram_keys *k,
	     const uint8_t proof[SCRAM_KEY_SIZE],
	     uint8_t signature[SCRAM_KEY_SIZE])
{
	uint8_t client[SCRAM_KEY_SIZE], stored[SCRAM_KEY_SIZE];

	sign(client, k->stored, x);
	memxor(client, proof, sizeof(client));
	hash(stored, client);
	bool right = memeql_sec(stored, k->stored, sizeof(stored)) == 1;
	sign(signature, k->server, x);
	if (!right)
		memset(signature, 0, SCRAM_KEY_SIZE);
	explicit_bzero(client, sizeof(client));
	return right;
}
