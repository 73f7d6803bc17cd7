/*
 * XXH3 of 128 bits, as wide as this processor computes it: the result is the
 * same on all. Part of content_id.c; body_hash_plain.c and
 * body_hash_avx2.c have it.
 */
#ifndef BODY_HASH_H
#define BODY_HASH_H

#include <stddef.h>

#ifndef XXH_INLINE_ALL
#define XXH_STATIC_LINKING_ONLY /* for the size of the state */
#endif
#include <xxhash.h>

enum { BODY_HASH_SIZE = 16 };

struct body_hash {
	void (*begin)(XXH3_state_t *state);
	void (*add)(XXH3_state_t *state, const void *data, size_t len);
	void (*end)(const XXH3_state_t *state,
		    unsigned char digest[BODY_HASH_SIZE]);
	/* all at once, which is quicker */
	void (*of)(const void *data, size_t len,
		   unsigned char digest[BODY_HASH_SIZE]);
};

/* The second only where the processor has AVX2: see processor.h. */
extern const struct body_hash body_hash_plain, body_hash_avx2;

#endif
