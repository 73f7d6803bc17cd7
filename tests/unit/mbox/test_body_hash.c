/* Tests of body_hash.h: an id does not depend on the processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "mbox/body_hash.h"
#include "mbox/processor.h"

enum { LONGEST = 70000, STEP = 977 };

static unsigned char text[LONGEST];

static int
fill(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (unsigned char)(x >> 24);
	}
	return 0;
}

static void
in_pieces(const struct body_hash *h, size_t len, unsigned char *digest)
{
	XXH3_state_t state;

	h->begin(&state);
	for (size_t at = 0; at < len; at += STEP)
		h->add(&state, text + at, len - at < STEP ? len - at : STEP);
	h->end(&state, digest);
}

static void
check(const struct body_hash *h)
{
	unsigned char whole[BODY_HASH_SIZE], pieces[BODY_HASH_SIZE],
	    want[BODY_HASH_SIZE];

	for (size_t len = 0; len <= LONGEST; len += 1 + len / 16) {
		body_hash_plain.of(text, len, want);
		h->of(text, len, whole);
		in_pieces(h, len, pieces);
		assert_memory_equal(whole, want, BODY_HASH_SIZE);
		assert_memory_equal(pieces, want, BODY_HASH_SIZE);
	}
}

/* What indexes and clients have kept since the first release. */
static void
test_empty_body_has_its_hash(void **state)
{
	static const unsigned char want[] = { 0x99, 0xaa, 0x06, 0xd3,
					      0x01, 0x47, 0x98, 0xd8,
					      0x60, 0x01, 0xc3, 0x24,
					      0x46, 0x8d, 0x49, 0x7f };
	unsigned char digest[BODY_HASH_SIZE];

	(void)state;
	body_hash_plain.of("", 0, digest);
	assert_memory_equal(digest, want, BODY_HASH_SIZE);
}

static void
test_pieces_make_the_whole(void **state)
{
	(void)state;
	check(&body_hash_plain);
}

static void
test_wide_instructions_find_the_same(void **state)
{
	(void)state;
#ifdef HAS_AVX2
	if (HAS_AVX2) {
		check(&body_hash_avx2);
		return;
	}
#endif
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_body_has_its_hash),
		cmocka_unit_test(test_pieces_make_the_whole),
		cmocka_unit_test(test_wide_instructions_find_the_same),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
