/*
 * How other servers compute ids from a header, or note them in it. Runs in the
 * mailbox process. What is said here of each server was found by running it
 * beside this one, or by reading its source; docs/migrating.md tells which.
 */
#include "mbox/uidl_import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/base16.h>
#include <nettle/md5.h>

#include "base/number.h"
#include "mbox/header_reader.h"
#include "mbox/uidl.h"
#include "mbox/uidl_validity.h"

enum {
	/* Qpopper takes a shorter or longer X-UIDL for none; it reads lines
	 * of this many bytes. */
	QPOPPER_SHORTEST = 11,
	QPOPPER_LONGEST = 32,
	QPOPPER_LINE = 1023
};

struct import {
	enum uidl_kind kind;
	bool keep; /* what is found out about the validity */
	struct header_reader reader;
	struct uidl_validity validity;
	uint32_t previous; /* uid: they rise from message to message */
	/* the message */
	struct md5_ctx md5;
	bool hashed;   /* the line that is being read */
	bool received; /* one has been seen */
	bool has_id;
	char id[UIDL_SIZE];
	char from[QPOPPER_LINE];
	size_t from_len;
};

static bool
begins(const struct header_piece *p, const char *name)
{
	size_t n = strlen(name);

	return p->len >= n && strncasecmp(p->text, name, n) == 0;
}

/* For servers that compare case too. */
static bool
begins_exactly(const struct header_piece *p, const char *name)
{
	size_t n = strlen(name);

	return p->len >= n && memcmp(p->text, name, n) == 0;
}

static void
hash(struct import *x, const struct header_piece *p)
{
	md5_update(&x->md5, p->len, (const uint8_t *)p->text);
}

static void
hex_id(struct import *x, const unsigned char *digest, size_t size)
{
	base16_encode_update(x->id, size, digest);
	x->id[BASE16_ENCODE_LENGTH(size)] = '\0';
	x->has_id = true;
}

/* ---- popa3d: a part of the MD5 of what a local delivery leaves alone */

static void
popa3d_line(struct import *x, const struct header_piece *p)
{
	if (p->starts_line) {
		bool received = begins(p, "Received:");

		if (p->text[0] == ' ' || p->text[0] == '\t')
			; /* goes with the line before it */
		else
			x->hashed =
			    (received && !x->received) ||
			    begins(p, "Delivered-To:") ||
			    (begins(p, "Date:") && !x->received) ||
			    (begins(p, "Message-ID:") && !x->received) ||
			    (p->text[0] == 'X' && begins(p, "X-Delivery-ID:"));
		x->received |= received;
	}
	if (x->hashed)
		hash(x, p);
}

/* As two little-endian numbers of 32 bits. */
static void
popa3d_end(struct import *x)
{
	unsigned char digest[8], swapped[8];

	md5_digest(&x->md5, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		swapped[i] = digest[i ^ 3];
	hex_id(x, swapped, sizeof(swapped));
}

/* ---- solid-pop3d: the MD5 of four fields' first lines */

static void
solid_line(struct import *x, const struct header_piece *p)
{
	if (p->starts_line)
		x->hashed = begins_exactly(p, "Received:") ||
			    begins_exactly(p, "Date:") ||
			    begins_exactly(p, "Message-Id:") ||
			    begins_exactly(p, "Subject:");
	if (x->hashed)
		hash(x, p);
}

static void
solid_end(struct import *x)
{
	unsigned char digest[MD5_DIGEST_SIZE];

	md5_digest(&x->md5, sizeof(digest), digest);
	hex_id(x, digest, sizeof(digest));
}

/* ---- X-UIDL fields, where Qpopper and Mailutils note the id */

static void
take_x_uidl(struct import *x, const struct header_piece *p)
{
	const char *value = p->text + strlen("X-UIDL:");
	size_t len = p->len - strlen("X-UIDL:");

	for (; len > 0 && (*value == ' ' || *value == '\t'); len--)
		value++;
	for (; len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL; len--)
		;
	if (x->has_id || len == 0 || len >= sizeof(x->id))
		return;
	if (x->kind != UIDL_MAILUTILS &&
	    (len < QPOPPER_SHORTEST || len > QPOPPER_LONGEST))
		return;
	for (size_t i = 0; i < len; i++)
		if (value[i] < 0x21 || value[i] > 0x7e)
			return;
	memcpy(x->id, value, len);
	x->id[len] = '\0';
	x->has_id = true;
}

static void
mailutils_line(struct import *x, const struct header_piece *p)
{
	if (p->starts_line && begins(p, "X-UIDL:"))
		take_x_uidl(x, p);
}

/* Qpopper sees the first line of each field only, and not all of a long one.
 */
static void
qpopper_line(struct import *x, const struct header_piece *p)
{
	struct header_piece line = *p;

	mailutils_line(x, p);
	if (!p->starts_line || x->has_id)
		return;
	if (line.len > QPOPPER_LINE)
		line.len = QPOPPER_LINE;
	if (begins(p, "Received:") || begins(p, "Date:") ||
	    begins(p, "Message-Id:") || begins(p, "Subject:"))
		hash(x, &line);
}

/* Each group of four bytes as five digits to the base 80. */
static void
base80(const unsigned char digest[MD5_DIGEST_SIZE], char *id)
{
	for (size_t i = 0; i < MD5_DIGEST_SIZE; i += 4) {
		unsigned long v = 0;

		for (size_t j = 0; j < 4; j++)
			v = (v << 4) + digest[i + j];
		for (int k = 0; k < 5; k++, v /= 80) {
			char c = (char)('!' + v % 80);
			if (c == '.')
				c = '~';
			*id++ = c;
		}
	}
	*id = '\0';
}

static void
qpopper_end(struct import *x)
{
	unsigned char digest[MD5_DIGEST_SIZE];

	if (x->has_id)
		return;
	if (x->kind == UIDL_QPOPPER)
		md5_update(&x->md5, x->from_len, (const uint8_t *)x->from);
	md5_digest(&x->md5, sizeof(digest), digest);
	if (x->kind == UIDL_QPOPPER)
		base80(digest, x->id);
	else
		hex_id(x, digest, sizeof(digest));
	x->has_id = true;
}

/* ---- IMAP's UIDVALIDITY and UID, in X-IMAP or X-IMAPbase and X-UID */

/* A number of at most 32 bits, blanks before and after it; 0 is none. */
static uint32_t
parse_uid(const char **s, const char *end)
{
	for (; *s < end && (**s == ' ' || **s == '\t'); (*s)++)
		;
	uint32_t n = number_take(s, end);
	return *s < end && strchr(" \t\r\n", **s) == NULL ? 0 : n;
}

/*
 * A sender may write X-UID as well: what counts was given out by the server,
 * and rises from message to message.
 */
static void
imap_line(struct import *x, const struct header_piece *p)
{
	if (!p->starts_line || x->has_id || !begins(p, "X-UID:"))
		return;
	const char *s = p->text + strlen("X-UID:");
	uint32_t uid = parse_uid(&s, p->text + p->len);

	if (uid <= x->previous || uid > x->validity.last)
		return;
	x->previous = uid;
	/* Dovecot's default of pop3_uidl_format is %08Xu%08Xv. */
	snprintf(x->id, sizeof(x->id), "%08x%08x",
		 x->kind == UIDL_DOVECOT ? uid : x->validity.validity,
		 x->kind == UIDL_DOVECOT ? x->validity.validity : uid);
	x->has_id = true;
}

static void
imap_end(struct import *x)
{
	(void)x;
}

/* What the header at the beginning of the mailbox says of all of it. */
static bool
read_validity(struct import *x, int fd, off_t end, int state_dir)
{
	struct uidl_validity found = { 0, 0 };
	struct header_piece p;

	if (!uidl_validity_load(state_dir, &x->validity))
		return false;
	header_begin(&x->reader, fd, 0, end);
	while (header_next(&x->reader, &p)) {
		if (!p.starts_line || found.validity != 0 ||
		    !(begins(&p, "X-IMAP:") || begins(&p, "X-IMAPbase:")))
			continue;
		const char *s = (const char *)memchr(p.text, ':', p.len) + 1;
		found.validity = parse_uid(&s, p.text + p.len);
		found.last = parse_uid(&s, p.text + p.len);
	}
	if (x->reader.failed)
		return false;
	if (found.validity == 0 || (found.validity == x->validity.validity &&
				    found.last <= x->validity.last))
		return true;
	x->validity = found;
	return !x->keep || uidl_validity_save(state_dir, &found);
}

/* Eight hexadecimal digits, as written by %08x. */
static bool
read_hex(const char *s, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < 8; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			*value = *value << 4 | (uint32_t)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			*value = *value << 4 | (uint32_t)(s[i] - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* The highest uid of the messages that have their ids already. */
static uint32_t
highest_uid(const struct import *x, const struct mbox *m, size_t first)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < first; i++) {
		const char *id = m->uidls + m->messages[i].uidl;
		uint32_t a, b;

		if (m->messages[i].uidl == 0 || !read_hex(id, &a) ||
		    !read_hex(id + 8, &b))
			continue;
		uint32_t uid = x->kind == UIDL_DOVECOT ? a : b;
		if (uid > highest)
			highest = uid;
	}
	return highest;
}

/* ---- all of them */

static const struct {
	void (*line)(struct import *x, const struct header_piece *p);
	void (*end)(struct import *x);
} servers[UIDL_KINDS] = {
	[UIDL_QPOPPER] = { qpopper_line, qpopper_end },
	[UIDL_QPOPPER_HEX] = { qpopper_line, qpopper_end },
	[UIDL_POPA3D] = { popa3d_line, popa3d_end },
	[UIDL_DOVECOT] = { imap_line, imap_end },
	[UIDL_UW] = { imap_line, imap_end },
	[UIDL_SOLID] = { solid_line, solid_end },
	[UIDL_MAILUTILS] = { mailutils_line, imap_end },
};

static bool
import_message(struct import *x, int fd, const struct mbox_message *msg)
{
	struct header_piece p;
	bool in_from_line = true;

	md5_init(&x->md5);
	x->hashed = x->received = x->has_id = false;
	x->from_len = 0;
	header_begin(&x->reader, fd, msg->start, mbox_text_end(msg));
	while (header_next(&x->reader, &p)) {
		if (in_from_line && x->from_len == 0) {
			x->from_len =
			    p.len < QPOPPER_LINE ? p.len : QPOPPER_LINE;
			memcpy(x->from, p.text, x->from_len);
			if (x->kind == UIDL_QPOPPER ||
			    x->kind == UIDL_QPOPPER_HEX)
				md5_update(&x->md5, x->from_len,
					   (const uint8_t *)x->from);
			continue;
		}
		in_from_line = in_from_line && !p.starts_line;
		if (!in_from_line)
			servers[x->kind].line(x, &p);
	}
	if (x->reader.failed)
		return false;
	servers[x->kind].end(x);
	return true;
}

bool
uidl_import(struct mbox *m, size_t first, int fd, int state_dir,
	    enum uidl_kind kind, bool keep)
{
	if (servers[kind].line == NULL || first >= m->count)
		return true;
	struct import *x = calloc(1, sizeof(*x));
	if (x == NULL)
		return false;
	x->kind = kind;
	x->keep = keep;
	bool ok = true;
	if (kind == UIDL_DOVECOT || kind == UIDL_UW) {
		ok = read_validity(x, fd, m->size, state_dir);
		x->previous = highest_uid(x, m, first);
	}
	for (size_t i = first; ok && i < m->count; i++) {
		ok = import_message(x, fd, &m->messages[i]);
		if (ok)
			ok = mbox_set_uidl(m, i, x->has_id ? x->id : "");
	}
	free(x);
	return ok;
}
