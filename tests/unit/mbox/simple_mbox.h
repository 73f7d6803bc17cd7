/*
 * A splitter of mailboxes that has the whole file in memory and goes line by
 * line: what syntax.c finds is held against it.
 */
#ifndef SIMPLE_MBOX_H
#define SIMPLE_MBOX_H

#include "mailbox.h"

#include <regex.h>
#include <stdbool.h>
#include <strings.h>

#include <nettle/sha2.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct expected {
	struct mbox_message msg;
	char uidl[71];
};

struct expectation {
	struct expected *messages;
	size_t count;
	off_t internal;
	bool is_mbox;
};

/* A line in memory; len without its line end, size with it. */
struct line {
	const char *s;
	size_t len, size;
	bool has_lf;
};

static inline struct line
line_at(const char *s, const char *end)
{
	const char *lf = memchr(s, '\n', (size_t)(end - s));
	struct line l = { .s = s, .has_lf = lf != NULL };

	l.size = (size_t)((lf != NULL ? lf + 1 : end) - s);
	l.len = l.size - l.has_lf;
	if (l.len > 0 && s[l.len - 1] == '\r')
		l.len--;
	return l;
}

static inline bool
simple_is_from(struct line l)
{
	static const char date[] =
	    "[^ \t][ \t]+(Sun|Mon|Tue|Wed|Thu|Fri|Sat)"
	    "[ \t]+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
	    "[ \t]+(0?[1-9]|[12][0-9]|3[01])"
	    "[ \t]+([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60))?"
	    "([ \t]+([A-Za-z]{1,5}|[+-][0-9]{4})){0,2}[ \t]+[0-9]{4}"
	    "([ \t]+([A-Za-z]{1,5}|[+-][0-9]{4}))?"
	    "([ \t]+remote[ \t]+from[ \t]+[^ \t]+)?[ \t]*$";
	static regex_t regex;
	static bool compiled;
	regmatch_t match;

	if (!compiled)
		assert_int_equal(regcomp(&regex, date, REG_EXTENDED), 0);
	compiled = true;
	if (l.len < 5 || memcmp(l.s, "From ", 5) != 0)
		return false;
	match.rm_so = l.len > 133 ? (regoff_t)l.len - 128 : 5;
	match.rm_eo = (regoff_t)l.len;
	return regexec(&regex, l.s, 1, &match, REG_STARTEND) == 0;
}

static inline bool
simple_is_field(struct line l, const char *name)
{
	size_t n = strlen(name);

	return l.len > n && l.s[n] == ':' && strncasecmp(l.s, name, n) == 0;
}

static inline bool
simple_is_volatile(struct line l)
{
	static const char *const names[] = { "status", "x-status", "x-keywords",
					     "x-uid",  "x-imap",   "x-imapbase",
					     "lines",  "x-uidl",   NULL };

	for (size_t i = 0; names[i] != NULL; i++)
		if (simple_is_field(l, names[i]))
			return true;
	return simple_is_field(l, "content-length");
}

static inline void
simple_uidl(struct line l, char uidl[71])
{
	const char *s = l.s + 7, *end = l.s + l.len;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (s < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - s > 70 || l.size > 1000)
		return;
	for (const char *p = s; p < end; p++)
		if (*p <= ' ' || *p >= 127)
			return;
	memcpy(uidl, s, (size_t)(end - s));
	uidl[end - s] = '\0';
}

struct header_seen {
	bool hashed, in_uidl, has_uidl, imap, subject;
};

static inline void
simple_field(struct line l, struct header_seen *h, struct expected *e)
{
	/* Of a long line no more is looked at. */
	size_t n = l.len < 1000 ? l.len : 1000;

	if (l.s[0] == ' ' || l.s[0] == '\t') {
		if (h->in_uidl)
			e->uidl[0] = '\0';
		return;
	}
	h->hashed = !simple_is_volatile(l);
	h->in_uidl = !h->has_uidl && simple_is_field(l, "x-uidl");
	if (h->in_uidl) {
		h->has_uidl = true;
		simple_uidl(l, e->uidl);
	}
	h->imap |= simple_is_field(l, "x-imap");
	h->subject |= simple_is_field(l, "subject") &&
		      memmem(l.s, n, INTERNAL, strlen(INTERNAL)) != NULL;
}

/* Fills in what the text from s to end says; true if it is c-client's. */
static inline bool
simple_text(const char *s, const char *end, struct expected *e)
{
	struct bytes header = { .len = 0 }, body = { .len = 0 };
	struct header_seen seen = { .hashed = true };
	XXH128_canonical_t canonical;
	struct sha256_ctx sha;
	bool in_body = false;
	struct line l;

	for (; s < end; s += l.size) {
		l = line_at(s, end);
		if (l.len == 0 && l.has_lf && s + l.size == end) {
			e->msg.separator = (uint8_t)l.size;
			break;
		}
		e->msg.octets += (off_t)l.len + 2;
		e->msg.no_newline = !l.has_lf;
		in_body |= l.len == 0;
		if (!in_body)
			simple_field(l, &seen, e);
		if (in_body || seen.hashed) {
			append(in_body ? &body : &header, l.s, l.size);
			if (!l.has_lf)
				append(in_body ? &body : &header, "\n", 1);
		}
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(body.data, body.len));
	sha256_init(&sha);
	if (header.len > 0)
		sha256_update(&sha, header.len, (uint8_t *)header.data);
	sha256_update(&sha, sizeof(canonical.digest), canonical.digest);
	sha256_digest(&sha, MBOX_ID_SIZE, e->msg.id);
	free(header.data);
	free(body.data);
	return e->msg.start == 0 && seen.imap && seen.subject;
}

static inline struct expectation
split_simply(const char *data, size_t len)
{
	struct expectation x = { .is_mbox = true };
	const char *end = data + len, *next;
	bool after_empty = false;
	struct line l;

	if (len > 0 && !simple_is_from(line_at(data, end)))
		return (struct expectation){ .is_mbox = false };
	for (const char *s = data; s < end; s = next) {
		struct expected e = { .uidl = "" };

		l = line_at(s, end);
		e.msg.start = s - data;
		e.msg.from_len = (uint32_t)l.size;
		after_empty = false;
		for (next = s + l.size; next < end; next += l.size) {
			l = line_at(next, end);
			if (after_empty && simple_is_from(l))
				break;
			after_empty = l.len == 0;
		}
		e.msg.size = next - s;
		if (simple_text(s + e.msg.from_len, next, &e)) {
			x.internal = e.msg.size;
			continue;
		}
		x.messages = reallocarray(x.messages, x.count + 1, sizeof(e));
		assert_non_null(x.messages);
		x.messages[x.count++] = e;
	}
	return x;
}

static inline void
check_message(const struct mbox *m, size_t i, const struct expected *e)
{
	const struct mbox_message *msg = &m->messages[i];

	assert_int_equal(msg->start, e->msg.start);
	assert_int_equal(msg->size, e->msg.size);
	assert_int_equal(msg->from_len, e->msg.from_len);
	assert_int_equal(msg->separator, e->msg.separator);
	assert_int_equal(msg->no_newline, e->msg.no_newline);
	assert_int_equal(msg->octets, e->msg.octets);
	assert_int_equal(msg->flags, 0);
	assert_memory_equal(msg->id, e->msg.id, MBOX_ID_SIZE);
	assert_int_equal(msg->uidl != 0, e->uidl[0] != '\0');
	if (msg->uidl != 0)
		assert_string_equal(m->uidls + msg->uidl, e->uidl);
}

/* Checks that m is what the simple splitter finds in the mailbox. */
static inline void
check_mbox(const struct mbox *m, const struct bytes *b)
{
	struct expectation x = split_simply(b->data, b->len);

	assert_true(x.is_mbox);
	assert_int_equal(m->count, x.count);
	assert_int_equal(m->internal, x.internal);
	assert_int_equal(m->size, b->len);
	for (size_t i = 0; i < m->count; i++)
		check_message(m, i, &x.messages[i]);
	free(x.messages);
}

/* As if the last message had not been scanned yet. */
static inline void
drop_last(struct mbox *m)
{
	if (m->count == 0) {
		m->internal = 0;
		m->size = 0;
		return;
	}
	const struct mbox_message *last = &m->messages[--m->count];
	m->size = last->start;
	if (last->uidl != 0)
		m->uidls_len = last->uidl;
}

#endif
