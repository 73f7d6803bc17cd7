/* Runs in the mailbox process; knows nothing of where messages lie. */
#include "mbox/uidl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

enum { HEX_SIZE = 2 * MBOX_ID_SIZE + 1 };

static void
hex(const unsigned char id[MBOX_ID_SIZE], char *text)
{
	base16_encode_update(text, MBOX_ID_SIZE, id);
	text[HEX_SIZE - 1] = '\0';
}

/* The content's id; for the second and later copies one made from it. */
static void
hash_id(const struct mbox_message *msg, unsigned char id[MBOX_ID_SIZE])
{
	unsigned char copy[4] = { (unsigned char)msg->copy,
				  (unsigned char)(msg->copy >> 8),
				  (unsigned char)(msg->copy >> 16),
				  (unsigned char)(msg->copy >> 24) };
	struct sha256_ctx ctx;

	if (msg->copy == 0) {
		memcpy(id, msg->id, MBOX_ID_SIZE);
		return;
	}
	sha256_init(&ctx);
	sha256_update(&ctx, MBOX_ID_SIZE, msg->id);
	sha256_update(&ctx, sizeof(copy), copy);
	sha256_digest(&ctx, MBOX_ID_SIZE, id);
}

void
uidl_format(const struct mbox *m, size_t i, char uidl[UIDL_SIZE])
{
	const struct mbox_message *msg = &m->messages[i];
	unsigned char id[MBOX_ID_SIZE];

	if (msg->uidl != 0) {
		snprintf(uidl, UIDL_SIZE, "%s", m->uidls + msg->uidl);
		return;
	}
	hash_id(msg, id);
	hex(id, uidl);
}

/* Equal ids side by side, in any order else; within them, the file's. */
static int
by_content(const void *a, const void *b, void *arg)
{
	const struct mbox_message *messages = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t begin_x, begin_y;

	memcpy(&begin_x, messages[x].id, sizeof(begin_x));
	memcpy(&begin_y, messages[y].id, sizeof(begin_y));
	if (begin_x != begin_y)
		return begin_x < begin_y ? -1 : 1;
	int order = memcmp(messages[x].id, messages[y].id, MBOX_ID_SIZE);
	return order != 0 ? order : (x > y) - (x < y);
}

static int
by_header(const void *a, const void *b, void *arg)
{
	const struct mbox *m = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(m->uidls + m->messages[x].uidl,
			   m->uidls + m->messages[y].uidl);

	return order != 0 ? order : (x > y) - (x < y);
}

static void
number_copies(struct mbox *m, uint32_t *order)
{
	m->has_copies = false;
	for (size_t i = 0; i < m->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, m->count, sizeof(*order), by_content, m->messages);
	for (size_t i = 0; i < m->count; i++) {
		struct mbox_message *msg = &m->messages[order[i]];
		const struct mbox_message *before =
		    i > 0 ? &m->messages[order[i - 1]] : NULL;
		bool copy = before != NULL &&
			    memcmp(before->id, msg->id, MBOX_ID_SIZE) == 0;

		msg->copy = copy ? before->copy + 1 : 0;
		m->has_copies |= copy;
	}
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, MBOX_ID_SIZE);
}

static int
text_to_id(const void *text, const void *id)
{
	char at[HEX_SIZE];

	hex(id, at);
	return strcmp(text, at);
}

/* An X-UIDL field may hold any text, another message's hash id too. */
static bool
drop_headers_like_hashes(struct mbox *m)
{
	unsigned char(*ids)[MBOX_ID_SIZE] = calloc(m->count, MBOX_ID_SIZE);

	if (ids == NULL)
		return false;
	for (size_t i = 0; i < m->count; i++)
		hash_id(&m->messages[i], ids[i]);
	qsort(ids, m->count, MBOX_ID_SIZE, by_id);
	for (size_t i = 0; i < m->count; i++) {
		uint32_t *uidl = &m->messages[i].uidl;
		if (*uidl != 0 && bsearch(m->uidls + *uidl, ids, m->count,
					  MBOX_ID_SIZE, text_to_id) != NULL)
			*uidl = 0;
	}
	free(ids);
	return true;
}

/* The first message in the file keeps it. */
static void
drop_repeated_headers(struct mbox *m, uint32_t *order)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		if (m->messages[i].uidl != 0)
			order[n++] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), by_header, m);
	for (size_t i = n; i-- > 1;) {
		uint32_t *uidl = &m->messages[order[i]].uidl;
		if (strcmp(m->uidls + *uidl,
			   m->uidls + m->messages[order[i - 1]].uidl) == 0)
			*uidl = 0;
	}
}

struct ids {
	unsigned char (*ids)[MBOX_ID_SIZE];
	size_t count;
};

/* The contents of those that have, or have not, an id from a header. */
static bool
collect(struct ids *c, const struct mbox *m, bool from_header)
{
	*c = (struct ids){ .ids = calloc(m->count + 1, MBOX_ID_SIZE) };
	if (c->ids == NULL)
		return false;
	for (size_t i = 0; i < m->count; i++)
		if ((m->messages[i].uidl != 0) == from_header)
			memcpy(c->ids[c->count++], m->messages[i].id,
			       MBOX_ID_SIZE);
	qsort(c->ids, c->count, MBOX_ID_SIZE, by_id);
	return true;
}

static bool
includes(const struct ids *c, const unsigned char *id)
{
	return bsearch(id, c->ids, c->count, MBOX_ID_SIZE, by_id) != NULL;
}

bool
uidl_stay(struct mbox *m, const struct mbox *before)
{
	struct ids hashed = { 0 }, named = { 0 };
	bool ok =
	    collect(&hashed, before, false) && collect(&named, before, true);

	for (size_t i = 0; ok && i < m->count; i++) {
		struct mbox_message *msg = &m->messages[i];
		/* Of copies nobody knows which one had which. */
		if (msg->uidl != 0 && includes(&hashed, msg->id) &&
		    !includes(&named, msg->id))
			msg->uidl = 0;
	}
	free(hashed.ids);
	free(named.ids);
	return ok;
}

bool
uidl_assign(struct mbox *m, enum uidl_kind kind)
{
	if (m->count == 0)
		return true;
	if (m->count > UINT32_MAX)
		return false;
	uint32_t *order = malloc(m->count * sizeof(*order));
	if (order == NULL)
		return false;
	number_copies(m, order);
	bool ok = true;
	if (kind != UIDL_HASH && m->uidls_len > 1) {
		ok = drop_headers_like_hashes(m);
		drop_repeated_headers(m, order);
	}
	for (size_t i = 0; kind == UIDL_HASH && i < m->count; i++)
		m->messages[i].uidl = 0;
	free(order);
	return ok;
}
