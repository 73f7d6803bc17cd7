/*
 * The hash that is a message's id: SHA-256 of its header and, because it is
 * ten times faster, XXH3 of its body. Part of syntax.c.
 */
#ifndef CONTENT_ID_H
#define CONTENT_ID_H

#include <stdbool.h>
#include <stddef.h>

#include <nettle/sha2.h>

#include "mbox/body_hash.h"
#include "mbox/message.h"

struct content_id {
	struct sha256_ctx header;
	bool body_begun; /* body is in use */
	const struct body_hash *hash;
	XXH3_state_t body;
};

void content_id_begin(struct content_id *id);

/* More of the header, and more of the body: the result depends on the bytes
 * alone, not on the pieces they come in. */
void content_id_header(struct content_id *id, const void *data, size_t len);
void content_id_body(struct content_id *id, const void *data, size_t len);

/* Ends with the rest of the body, which is quickest if it is all of it. */
void content_id_end(struct content_id *id, const void *rest, size_t len,
		    unsigned char result[MBOX_ID_SIZE]);

#endif
