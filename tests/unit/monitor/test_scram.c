/* SCRAM's keys and proofs, by RFC 7677's example; what a proof does cover. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sasl/base64.h"
#include "monitor/scram.h"

static const char client_nonce[] = "rOprNGfwEbeRWgbNEkqO";
static const char server_nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char proof_text[] = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char signature_text[] =
    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

static void
decode(uint8_t *dst, size_t size, const char *text)
{
	size_t n;

	assert_true(base64_decode(dst, size, &n, text, strlen(text)));
	assert_int_equal(n, size);
}

static void
example_keys(struct scram_keys *k, const char *password)
{
	*k = (struct scram_keys){ .iterations = 4096 };
	decode(k->salt, sizeof(k->salt), "W22ZaJ0SNY7soEsUEjb6gQ==");
	scram_derive(k, password);
}

static void
example_exchange(struct scram_exchange *x, const struct scram_keys *k)
{
	memset(x, 0, sizeof(*x));
	snprintf(x->gs2, sizeof(x->gs2), "n,,");
	snprintf(x->bare, sizeof(x->bare), "n=user,r=%s", client_nonce);
	scram_challenge(x, k, client_nonce, server_nonce);
}

static void
test_rfc_7677_example(void **state)
{
	struct scram_keys k;
	struct scram_exchange x;
	uint8_t proof[SCRAM_KEY_SIZE], signature[SCRAM_KEY_SIZE];
	char text[BASE64_SIZE(SCRAM_KEY_SIZE)];

	example_keys(&k, "pencil");
	example_exchange(&x, &k);
	assert_string_equal(x.server_first,
			    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)"
			    "hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	decode(proof, sizeof(proof), proof_text);
	assert_true(scram_verify(&x, &k, proof, signature));
	base64_encode(text, signature, sizeof(signature));
	assert_string_equal(text, signature_text);
}

static void
refused(const struct scram_exchange *x, const struct scram_keys *k,
	const uint8_t *proof)
{
	static const uint8_t nothing[SCRAM_KEY_SIZE];
	uint8_t signature[SCRAM_KEY_SIZE];

	assert_false(scram_verify(x, k, proof, signature));
	assert_memory_equal(signature, nothing, sizeof(nothing));
}

/* Whoever changes a part of the exchange loses the proof. */
static void
test_a_proof_covers_all_of_the_exchange(void **state)
{
	struct scram_keys k, other;
	struct scram_exchange x, y;
	uint8_t proof[SCRAM_KEY_SIZE];

	example_keys(&k, "pencil");
	example_exchange(&x, &k);
	decode(proof, sizeof(proof), proof_text);
	example_keys(&other, "pencil ");
	refused(&x, &other, proof);
	y = x;
	y.bare[2] = 'U';
	refused(&y, &k, proof);
	y = x;
	scram_challenge(&y, &k, client_nonce, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1");
	refused(&y, &k, proof);
	y = x;
	y.gs2[0] = 'y';
	refused(&y, &k, proof);
	y = x;
	snprintf(y.extensions, sizeof(y.extensions), ",x=1");
	refused(&y, &k, proof);
	y = x;
	y.binding = k.salt;
	y.binding_len = sizeof(k.salt);
	refused(&y, &k, proof);
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 1;
		refused(&x, &k, proof);
		proof[i] ^= 1;
	}
}

/* A proof of a client at one end of TLS is worth nothing at another end. */
static void
test_a_proof_covers_the_channel(void **state)
{
	/* made by Python's hashlib and hmac: the example's exchange with
	 * "p=tls-exporter,," and 32 octets 0x00 to 0x1f */
	static const char bound[] =
	    "QC6CS20quADQRb3mT99YUH+n3VJxUvzuK0K0E1Vrs2M=";
	struct scram_keys k;
	struct scram_exchange x;
	uint8_t proof[SCRAM_KEY_SIZE], signature[SCRAM_KEY_SIZE];
	uint8_t channel[SCRAM_KEY_SIZE];

	for (size_t i = 0; i < sizeof(channel); i++)
		channel[i] = (uint8_t)i;
	example_keys(&k, "pencil");
	example_exchange(&x, &k);
	snprintf(x.gs2, sizeof(x.gs2), "p=tls-exporter,,");
	x.binding = channel;
	x.binding_len = sizeof(channel);
	decode(proof, sizeof(proof), bound);
	assert_true(scram_verify(&x, &k, proof, signature));
	channel[31] ^= 1;
	refused(&x, &k, proof);
	x.binding = NULL;
	refused(&x, &k, proof);
}

static void
test_the_longest_parts_fit(void **state)
{
	char nonce[SCRAM_NONCE_MAX + 1], server[SCRAM_SERVER_NONCE_SIZE];
	struct scram_keys k = { .iterations = UINT32_MAX };
	struct scram_exchange x;
	char last[16];

	memset(nonce, 'c', SCRAM_NONCE_MAX);
	nonce[SCRAM_NONCE_MAX] = '\0';
	memset(server, 's', sizeof(server) - 1);
	server[sizeof(server) - 1] = '\0';
	scram_challenge(&x, &k, nonce, server);
	assert_int_equal(strlen(x.nonce), SCRAM_NONCE_MAX + 24);
	snprintf(last, sizeof(last), ",i=%u", (unsigned)UINT32_MAX);
	assert_string_equal(
	    x.server_first + strlen(x.server_first) - strlen(last), last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_7677_example),
		cmocka_unit_test(test_a_proof_covers_all_of_the_exchange),
		cmocka_unit_test(test_a_proof_covers_the_channel),
		cmocka_unit_test(test_the_longest_parts_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
