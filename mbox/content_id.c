/*
 * The hash that is a message's id. Runs in the mailbox process; knows of a
 * header and a body, and nothing of what they look like.
 */
#include "mbox/content_id.h"

#include "mbox/processor.h"

void
content_id_begin(struct content_id *id)
{
	sha256_init(&id->header);
	id->body_begun = false;
	id->hash = &body_hash_plain;
#ifdef HAS_AVX2
	if (HAS_AVX2)
		id->hash = &body_hash_avx2;
#endif
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
		id->hash->begin(&id->body);
		id->body_begun = true;
	}
	id->hash->add(&id->body, data, len);
}

void
content_id_end(struct content_id *id, const void *rest, size_t len,
	       unsigned char result[MBOX_ID_SIZE])
{
	unsigned char digest[BODY_HASH_SIZE];

	if (id->body_begun) {
		content_id_body(id, rest, len);
		id->hash->end(&id->body, digest);
	} else {
		id->hash->of(rest, len, digest);
	}
	/*
	 * The body's digest has a fixed length and comes last, so that no
	 * header can pass for another's header and body.
	 */
	sha256_update(&id->header, sizeof(digest), digest);
	sha256_digest(&id->header, MBOX_ID_SIZE, result);
}
