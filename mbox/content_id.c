/*
 * The hash that is a message's id. Runs in the mailbox process; knows of a
 * header and a body, and nothing of what they look like.
 */
#include "mbox/content_id.h"

void
content_id_begin(struct content_id *id)
{
	sha256_init(&id->header);
	id->body_begun = false;
}

void
content_id_header(struct content_id *id, const void *data, size_t len)
{
	sha256_update(&id->header, len, data);
}

void
content_id_body(struct content_id *id, const void *data, size_t len)
{
	if (!id->body_begun) {
		XXH3_128bits_reset(&id->body);
		id->body_begun = true;
	}
	XXH3_128bits_update(&id->body, data, len);
}

void
content_id_end(struct content_id *id, const void *rest, size_t len,
	       unsigned char result[MBOX_ID_SIZE])
{
	XXH128_canonical_t digest;
	XXH128_hash_t hash;

	if (id->body_begun) {
		content_id_body(id, rest, len);
		hash = XXH3_128bits_digest(&id->body);
	} else {
		hash = XXH3_128bits(rest, len);
	}
	/*
	 * The body's digest has a fixed length and comes last, so that no
	 * header can pass for another's header and body.
	 */
	XXH128_canonicalFromHash(&digest, hash);
	sha256_update(&id->header, sizeof(digest.digest), digest.digest);
	sha256_digest(&id->header, MBOX_ID_SIZE, result);
}
