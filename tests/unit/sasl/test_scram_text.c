/* SCRAM's messages and base64, as strangers may write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sasl/base64.h"
#include "sasl/scram_text.h"

static const char proof[] = "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";

static const char *
first(struct scram_first *f, const char *message)
{
	return scram_parse_first(f, message, strlen(message));
}

/* RFC 5802 section 5 */
static void
test_rfc_5802_first_message(void **state)
{
	struct scram_first f;

	assert_null(first(&f, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
	assert_int_equal(f.binding, BINDING_NONE);
	assert_string_equal(f.gs2, "n,,");
	assert_string_equal(f.bare, "n=user,r=fyko+d2lbbFgONRv9qkxdawL");
	assert_string_equal(f.user, "user");
	assert_string_equal(f.authzid, "");
	assert_string_equal(f.nonce, "fyko+d2lbbFgONRv9qkxdawL");
}

static void
test_all_parts_of_a_first_message(void **state)
{
	struct scram_first f;

	assert_null(
	    first(&f, "p=tls-exporter,a=a=2Cb,n=x=3Dy=2Cz,r=abc,e=1,f"));
	assert_int_equal(f.binding, BINDING_USED);
	assert_string_equal(f.binding_name, "tls-exporter");
	assert_string_equal(f.authzid, "a,b");
	assert_string_equal(f.gs2, "p=tls-exporter,a=a=2Cb,");
	assert_string_equal(f.user, "x=y,z");
	assert_string_equal(f.nonce, "abc");
	assert_null(first(&f, "y,,n=u,r=a"));
	assert_int_equal(f.binding, BINDING_UNUSED);
}

static void
test_wrong_first_messages(void **state)
{
	static const char *const messages[] = {
		"",
		"n",
		"n,",
		"n,,",
		"n,,n=user",
		"n,,n=user,",
		"n,,n=user,r=",
		"n,,n=,r=abc",
		"n,,r=abc,n=user",
		"n,,m=ext,n=user,r=abc",
		"n,,n=us=2cer,r=abc",
		"n,,n=us=,r=abc",
		"n,,n=us=2,r=abc",
		"n,,n=user,r=a\x7f",
		"n,,n=user,r=a b",
		"n,b=user,n=user,r=abc",
		"n,a=,n=user,r=abc",
		"p,,n=user,r=abc",
		"p=,,n=user,r=abc",
		"p=0123456789012345678901234567890123,,n=user,r=abc",
		"x,,n=user,r=abc",
		"yn,,n=user,r=abc",
		",,n=user,r=abc",
	};
	struct scram_first f;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (first(&f, messages[i]) == NULL)
			fail_msg("taken: %s", messages[i]);
	assert_non_null(scram_parse_first(&f, "n,,n=us\0er,r=abc", 16));
}

/* The longest name and nonce are taken, one octet more is not. */
static void
test_limits_of_a_first_message(void **state)
{
	char user[USER_MAX * 3 + 8], nonce[SCRAM_NONCE_MAX + 2];
	char message[4096];
	struct scram_first f;

	for (size_t i = 0; i < USER_MAX; i++)
		memcpy(user + 3 * i, "=2C", 4);
	memset(nonce, 'r', SCRAM_NONCE_MAX);
	nonce[SCRAM_NONCE_MAX] = '\0';
	snprintf(message, sizeof(message), "p=tls-exporter,a=%s,n=%s,r=%s",
		 user, user, nonce);
	assert_null(first(&f, message));
	assert_int_equal(strlen(f.user), USER_MAX);
	assert_string_equal(f.user, f.authzid);
	snprintf(message, sizeof(message), "n,,n=%sx,r=%s", user, nonce);
	assert_non_null(first(&f, message));
	snprintf(message, sizeof(message), "n,,n=u,r=%sx", nonce);
	assert_non_null(first(&f, message));
	snprintf(message, sizeof(message), "n,,n=u,r=r,x=%01200d", 0);
	assert_non_null(first(&f, message));
}

static const char *
final(struct scram_final *f, const char *before, const char *value,
      const char *after)
{
	char message[4096];
	int n =
	    snprintf(message, sizeof(message), "%s%s%s", before, value, after);

	return scram_parse_final(f, message, (size_t)n);
}

static const char right_proof[] =
    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

static void
test_a_final_message(void **state)
{
	struct scram_final f;

	assert_null(final(&f, "c=biws,r=abc,p=", right_proof, ""));
	assert_string_equal(f.binding, "biws");
	assert_string_equal(f.nonce, "abc");
	assert_string_equal(f.extensions, "");
	assert_int_equal(f.proof[0], 0x74);
	assert_int_equal(f.proof[31], 0x54);
	assert_null(final(&f, "c=biws,r=abc,x=1,y=2,p=", right_proof, ""));
	assert_string_equal(f.extensions, ",x=1,y=2");
}

static void
test_wrong_final_messages(void **state)
{
	struct scram_final f;

	assert_non_null(final(&f, "", "", ""));
	assert_non_null(final(&f, "c=biws", "", ""));
	assert_non_null(final(&f, "c=biws,r=abc", "", ""));
	assert_non_null(final(&f, "c=biws,r=abc,", "", ""));
	assert_non_null(final(&f, "c=biws,r=abc,p", "", ""));
	assert_non_null(final(&f, "c=biws,r=abc,p=", "", ""));
	assert_non_null(final(&f, "r=abc,c=biws,p=", right_proof, ""));
	assert_non_null(final(&f, "c=biws,r=abc,p=", right_proof, ",x=1"));
	assert_non_null(final(&f, "c=biws,r=abc,p=", right_proof, "A"));
	/* SHA-1's length: RFC 5802's example */
	assert_non_null(final(&f, "c=biws,r=abc,p=", proof, ""));
	assert_non_null(final(&f, "c=biws,r=abc,x=", right_proof, ""));
}

static void
test_base64_is_strict(void **state)
{
	static const char *const wrong[] = {
		"=",	 "A",	     "AA",   "AAA",   "A===",  "=AAA",
		"AA=A",	 "AAA=BBBB", "AB==", "AAB=",  "AA A",  " AAAA",
		"AAAA ", "AAAA\n",   "AA-_", "AAAA=", "AAAAAA"
	};
	char out[16];
	size_t n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (base64_decode(out, sizeof(out), &n, wrong[i],
				  strlen(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	assert_false(base64_decode(out, sizeof(out), &n, "AA\0A", 4));
	assert_true(base64_decode(out, sizeof(out), &n, "", 0));
	assert_int_equal(n, 0);
	/* RFC 4648 section 10 */
	assert_true(base64_decode(out, sizeof(out), &n, "Zg==", 4));
	assert_int_equal(n, 1);
	assert_true(base64_decode(out, 5, &n, "Zm9vYmE=", 8));
	assert_int_equal(n, 5);
	assert_memory_equal(out, "fooba", 5);
	assert_false(base64_decode(out, 5, &n, "Zm9vYmFy", 8));
}

static void
test_base64_encodes(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "foobar", "Zm9vYmFy" },
	};
	char text[BASE64_SIZE(6)];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		base64_encode(text, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(text, pairs[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_5802_first_message),
		cmocka_unit_test(test_all_parts_of_a_first_message),
		cmocka_unit_test(test_wrong_first_messages),
		cmocka_unit_test(test_limits_of_a_first_message),
		cmocka_unit_test(test_a_final_message),
		cmocka_unit_test(test_wrong_final_messages),
		cmocka_unit_test(test_base64_is_strict),
		cmocka_unit_test(test_base64_encodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
