/* Runs in the mailbox process; knows nothing of where messages lie. */
#include "uidl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

enum { HEX_SIZE = 2 * MBOX_ID_SIZE + 1 };

static void
hex(const unsigned char id[MBOX_ID_SIZE], char text[HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < MBOX_ID_SIZE; i++) {
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	text[HEX_SIZE - 1] = '\0';
}

/* The content's id; for the second and later copies one made from it. */
static void
hash_id(const struct mbox_message *msg, char text[HEX_SIZE])
{
	unsigned char id[SHA256_DIGEST_SIZE];
	unsigned char copy[4] = {
		(unsigned char)msg->copy, (unsigned char)(msg->copy >> 8),
		(unsigned char)(msg->copy >> 16),
		(unsigned char)(msg->copy >> 24)
	};
	struct sha256_ctx ctx;

	if (msg->copy == 0) {
		hex(msg->id, text);
		return;
	}
	sha256_init(&ctx);
	sha256_update(&ctx, MBOX_ID_SIZE, msg->id);
	sha256_update(&ctx, sizeof(copy), copy);
	sha256_digest(&ctx, sizeof(id), id);
	hex(id, text);
}

void
uidl_format(const struct mbox *m, size_t i, char uidl[UIDL_SIZE])
{
	const struct mbox_message *msg = &m->messages[i];
	char text[HEX_SIZE];

	if (msg->uidl != 0) {
		snprintf(uidl, UIDL_SIZE, "%s", m->uidls + msg->uidl);
		return;
	}
	hash_id(msg, text);
	memcpy(uidl, text, sizeof(text));
}

static int
by_content(const void *a, const void *b, void *arg)
{
	const struct mbox_message *messages = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
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
	for (size_t i = 0; i < m->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, m->count, sizeof(*order), by_content, m->messages);
	for (size_t i = 0; i < m->count; i++) {
		struct mbox_message *msg = &m->messages[order[i]];
		const struct mbox_message *before =
		    i > 0 ? &m->messages[order[i - 1]] : NULL;

		msg->copy = before != NULL && memcmp(before->id, msg->id,
						     MBOX_ID_SIZE) == 0
				? before->copy + 1
				: 0;
	}
}

/* Whether some message's content id, in hex, is this text. */
static bool
is_some_hash(const struct mbox *m, const uint32_t *order, const char *text)
{
	size_t low = 0, high = m->count;
	char at[HEX_SIZE];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		hex(m->messages[order[middle]].id, at);
		int c = strcmp(text, at);
		if (c == 0)
			return true;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static void
drop_ambiguous_headers(struct mbox *m, uint32_t *order)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++) {
		uint32_t *uidl = &m->messages[i].uidl;
		if (*uidl != 0 && is_some_hash(m, order, m->uidls + *uidl))
			*uidl = 0;
	}
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
	if (kind == UIDL_AUTO && m->uidls_len > 1)
		drop_ambiguous_headers(m, order);
	for (size_t i = 0; kind != UIDL_AUTO && i < m->count; i++)
		m->messages[i].uidl = 0;
	free(order);
	return true;
}
