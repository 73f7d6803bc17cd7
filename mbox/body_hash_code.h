/*
 * xxHash, in the instructions that the file which includes this is compiled
 * for; BODY_HASH is what it defines. Nothing else includes it.
 */
#ifndef BODY_HASH_CODE_H
#define BODY_HASH_CODE_H

#define XXH_INLINE_ALL
#include "mbox/body_hash.h"

#include <string.h>

static void
begin(XXH3_state_t *state)
{
	XXH3_128bits_reset(state);
}

static void
add(XXH3_state_t *state, const void *data, size_t len)
{
	XXH3_128bits_update(state, data, len);
}

static void
put(unsigned char digest[BODY_HASH_SIZE], XXH128_hash_t hash)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(digest, canonical.digest, BODY_HASH_SIZE);
}

static void
end(const XXH3_state_t *state, unsigned char digest[BODY_HASH_SIZE])
{
	put(digest, XXH3_128bits_digest(state));
}

static void
of(const void *data, size_t len, unsigned char digest[BODY_HASH_SIZE])
{
	put(digest, XXH3_128bits(data, len));
}

const struct body_hash BODY_HASH = { begin, add, end, of };

#endif
