/*
 * The syntax of an mbox: finds the messages of a mailbox, measures them and
 * computes their ids in one pass through a fixed buffer. Runs in the mailbox
 * process, under the mailbox lock. Must not know of POP3, of the index or of
 * locks; it only reads from a descriptor.
 */
#include "mbox/syntax.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/compat.h"
#include "mbox/content_id.h"
#include "mbox/from_line.h"

/* Tests make it small, so that everything happens at its borders too. */
#ifndef MBOX_BUFFER
#define MBOX_BUFFER (1024 * 1024)
#endif

enum {
	/* Bytes before the current one that stay in the buffer. */
	KEEP = 24,
	/* Bytes from the current one that are there when a line begins. */
	LOOKAHEAD = 1000,
	/* Where reads go: behind what is left of the bytes before. */
	HEAD = KEEP + LOOKAHEAD,
	/* An empty line is at most CRLF. */
	SEPARATOR_MAX = 2,
	UIDL_MAX = 70
};

enum part { PART_FROM_LINE, PART_HEADER, PART_BODY };

struct scan {
	struct mbox *m;
	int fd;
	off_t end;  /* of the range */
	off_t next; /* where the next read begins */
	unsigned char *buf;
	size_t pos;    /* the current byte in buf */
	size_t len;    /* where the bytes in buf end; s->next in the file */
	size_t hashed; /* what lies before it in buf has been hashed */
	enum part part;

	struct mbox_message msg;
	off_t bare_lfs; /* LFs of the text that no CR precedes */
	bool field_hashed, field_is_uidl;
	bool has_uidl, has_imap, has_internal_subject;
	char uidl[UIDL_MAX + 1];
	struct content_id id;
};

/* The buffer */

static off_t
offset(const struct scan *s)
{
	return s->next - (off_t)(s->len - s->pos);
}

static enum mbox_result
read_some(const struct scan *s, void *buf, size_t size, off_t at, size_t *got)
{
	ssize_t n;

	if ((off_t)size > s->end - at)
		size = (size_t)(s->end - at);
	n = TEMP_FAILURE_RETRY(pread(s->fd, buf, size, at));
	if (n < 0)
		return MBOX_IO_ERROR;
	*got = (size_t)n;
	return n == 0 ? MBOX_CHANGED : MBOX_OK;
}

/* Hashes what is sure to be text, so that its bytes may leave the buffer. */
static void
hash_seen(struct scan *s)
{
	const unsigned char *data = s->buf + s->hashed;

	if (s->part == PART_BODY) {
		/* What may be the empty line that ends the message waits. */
		if (s->pos <= s->hashed + SEPARATOR_MAX)
			return;
		content_id_body(&s->id, data,
				s->pos - SEPARATOR_MAX - s->hashed);
		s->hashed = s->pos - SEPARATOR_MAX;
		return;
	}
	if (s->part == PART_HEADER && s->field_hashed)
		content_id_header(&s->id, data, s->pos - s->hashed);
	s->hashed = s->pos;
}

/*
 * Sees to it that `need` bytes, LOOKAHEAD at most, are there from the current
 * one on, or all up to the end of the range.
 */
static enum mbox_result
fill(struct scan *s, size_t need)
{
	size_t shift, got;

	if (s->len - s->pos >= need || s->next == s->end)
		return MBOX_OK;
	hash_seen(s);
	shift = s->len - HEAD;
	memmove(s->buf + s->pos - KEEP - shift, s->buf + s->pos - KEEP,
		s->len - s->pos + KEEP);
	s->pos -= shift;
	s->hashed -= shift;
	s->len = HEAD;
	while (s->len - s->pos < need && s->next < s->end) {
		enum mbox_result r =
		    read_some(s, s->buf + s->len, MBOX_BUFFER, s->next, &got);

		if (r != MBOX_OK)
			return r;
		s->len += got;
		s->next += (off_t)got;
	}
	return MBOX_OK;
}

/*
 * Whether the line at the current byte, which goes on behind the buffer, is a
 * From_ line: looks ahead, and remembers no more than its end. Each line is
 * looked at once, so that a byte is read twice at worst.
 */
static enum mbox_result
measure_long_from_line(const struct scan *s, off_t *line_len)
{
	enum { CHUNK = 8192, TAIL = FROM_TAIL + 1 };
	char buf[FROM_WORD_LEN + TAIL + CHUNK];
	char *tail = buf + FROM_WORD_LEN, *lf = NULL;
	off_t at = s->next;
	size_t len = TAIL, got;

	memcpy(buf, FROM_WORD, FROM_WORD_LEN);
	memcpy(tail, s->buf + s->len - TAIL, TAIL);
	while (lf == NULL && at < s->end) {
		enum mbox_result r = read_some(s, tail + TAIL, CHUNK, at, &got);

		if (r != MBOX_OK)
			return r;
		lf = memchr(tail + TAIL, '\n', got);
		if (lf != NULL)
			got = (size_t)(lf - (tail + TAIL));
		at += (off_t)got;
		len = TAIL + got;
		if (lf == NULL && at < s->end) {
			memmove(tail, tail + got, TAIL);
			len = TAIL;
		}
	}
	if (tail[len - 1] == '\r')
		len--;
	/* The sender goes on from "From " to the tail: any text is one. */
	if (mbox_is_from_line(buf, FROM_WORD_LEN + len))
		*line_len = at - offset(s) + (lf != NULL);
	return MBOX_OK;
}

/*
 * Sets *line_len to the length, with its LF, of the From_ line at the current
 * byte, or 0 if there is none.
 */
static enum mbox_result
measure_from_line(struct scan *s, off_t *line_len)
{
	enum mbox_result r = fill(s, LOOKAHEAD);
	const char *line = (const char *)s->buf + s->pos, *lf;
	size_t len = s->len - s->pos;

	*line_len = 0;
	if (r != MBOX_OK || len < FROM_WORD_LEN ||
	    memcmp(line, FROM_WORD, FROM_WORD_LEN) != 0)
		return r;
	lf = memchr(line, '\n', len);
	if (lf == NULL && s->next < s->end) {
		r = measure_long_from_line(s, line_len);
	} else {
		if (lf != NULL)
			len = (size_t)(lf - line);
		if (mbox_is_from_line(line, len - (line[len - 1] == '\r')))
			*line_len = (off_t)len + (lf != NULL);
	}
	/* No one's sender is that long; the field for it is 32 bits wide. */
	if (*line_len > UINT32_MAX)
		*line_len = 0;
	return r;
}

/* Header fields */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether the line of len bytes is a field of that name. */
static bool
is_field(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

/* Whether mail readers and servers change the field in the mailbox. */
static bool
is_volatile_field(const char *line, size_t len)
{
	static const char names[][16] = {
		"Status", "X-Status",	"X-Keywords",	  "X-UID", "X-UIDL",
		"X-IMAP", "X-IMAPbase", "Content-Length", "Lines",
	};

	if (strchr("SsXxCcLl", *line) == NULL || *line == '\0')
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_field(line, len, names[i]))
			return true;
	return false;
}

/* Takes the value of an X-UIDL field if it is valid. */
static void
take_uidl(struct scan *s, const char *value, size_t len)
{
	if (len > 0 && value[len - 1] == '\r')
		len--;
	for (; len > 0 && is_blank(value[len - 1]); len--)
		;
	for (; len > 0 && is_blank(*value); len--)
		value++;
	if (len > UIDL_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (value[i] < 0x21 || value[i] > 0x7e)
			return;
	memcpy(s->uidl, value, len);
	s->uidl[len] = '\0';
}

/*
 * Looks at a line of the header. Of a long one it sees LOOKAHEAD bytes, how
 * many more the buffer may hold: the result depends on the mailbox alone.
 */
static void
look_at_field(struct scan *s, const char *line, size_t len)
{
	static const char subject[] =
	    "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";
	bool hashed;

	if (is_blank(*line)) { /* goes on with the field before it */
		if (s->field_is_uidl)
			s->uidl[0] = '\0';
		return;
	}
	hashed = !is_volatile_field(line, len);
	if (hashed != s->field_hashed) {
		hash_seen(s);
		s->field_hashed = hashed;
	}
	if (len > LOOKAHEAD)
		len = LOOKAHEAD;
	s->field_is_uidl = !s->has_uidl && is_field(line, len, "X-UIDL");
	if (s->field_is_uidl) {
		s->has_uidl = true;
		if (len < LOOKAHEAD)
			take_uidl(s, line + 7, len - 7);
	}
	if (s->msg.start != 0)
		return;
	if (is_field(line, len, "X-IMAP"))
		s->has_imap = true;
	if (is_field(line, len, "Subject") &&
	    memmem(line, len, subject, strlen(subject)) != NULL)
		s->has_internal_subject = true;
}

/* Parts of a message */

static enum mbox_result
skip(struct scan *s, off_t n)
{
	enum mbox_result r = MBOX_OK;

	while (r == MBOX_OK && n > (off_t)(s->len - s->pos)) {
		n -= (off_t)(s->len - s->pos);
		s->pos = s->len;
		r = fill(s, 1);
	}
	if (r == MBOX_OK)
		s->pos += (size_t)n;
	return r;
}

/* Goes behind the line's LF, which is at lf or beyond the buffer. */
static enum mbox_result
end_line(struct scan *s, const unsigned char *lf)
{
	while (lf == NULL) {
		enum mbox_result r;

		s->pos = s->len;
		r = fill(s, 1);
		if (r != MBOX_OK || s->pos == s->len)
			return r;
		lf = memchr(s->buf + s->pos, '\n', s->len - s->pos);
	}
	s->bare_lfs += lf[-1] != '\r';
	s->pos = (size_t)(lf + 1 - s->buf);
	return MBOX_OK;
}

/* Stops at the empty line, which counts as body, or the end of the range. */
static enum mbox_result
scan_header(struct scan *s)
{
	enum mbox_result r = fill(s, LOOKAHEAD);

	while (r == MBOX_OK && s->pos < s->len) {
		const unsigned char *p = s->buf + s->pos, *lf;
		size_t n = s->len - s->pos;

		/* A CR that ends the range is sent as an empty line. */
		if (*p == '\n' || (*p == '\r' && (n == 1 || p[1] == '\n')))
			break;
		lf = memchr(p, '\n', n);
		look_at_field(s, (const char *)p,
			      lf == NULL ? n : (size_t)(lf - p));
		r = end_line(s, lf);
		if (r == MBOX_OK)
			r = fill(s, LOOKAHEAD);
	}
	hash_seen(s);
	return r;
}

/*
 * Stops at the next message, whose From_ line has *from_len bytes, or at the
 * end of the range: then *from_len is 0.
 */
static enum mbox_result
scan_body(struct scan *s, off_t *from_len)
{
	enum mbox_result r;

	*from_len = 0;
	for (;;) {
		r = fill(s, 1);
		if (r != MBOX_OK || s->pos == s->len)
			return r;
		s->pos += from_line_find(s->buf + s->pos, s->len - s->pos,
					 &s->bare_lfs);
		if (s->pos == s->len)
			continue;
		r = measure_from_line(s, from_len);
		if (r != MBOX_OK || *from_len > 0)
			return r;
		s->pos++;
	}
}

/* Messages */

static void
begin_message(struct scan *s, off_t from_len)
{
	s->msg = (struct mbox_message){ .start = offset(s),
					.from_len = (uint32_t)from_len };
	s->bare_lfs = 0;
	s->field_hashed = true;
	s->field_is_uidl = s->has_uidl = false;
	s->has_imap = s->has_internal_subject = false;
	s->uidl[0] = '\0';
	content_id_begin(&s->id);
}

/* The size of the empty line before the current byte that ends the message. */
static uint8_t
separator_size(const struct scan *s, off_t text_len)
{
	const unsigned char *end = s->buf + s->pos;

	/* Before the text there is the LF of the From_ line. */
	if (text_len >= 1 && end[-1] == '\n' && end[-2] == '\n')
		return 1;
	if (text_len >= 2 && end[-1] == '\n' && end[-2] == '\r' &&
	    end[-3] == '\n')
		return 2;
	return 0;
}

/* Computes the id of the message that ends before the current byte. */
static void
compute_id(struct scan *s)
{
	const unsigned char *rest = s->buf + s->hashed;
	size_t len = s->pos - s->msg.separator - s->hashed;

	/* The same as if the last line had its LF. */
	if (s->msg.no_newline && len > 0) {
		content_id_body(&s->id, rest, len);
		rest = (const unsigned char *)"\n";
		len = 1;
	} else if (s->msg.no_newline && s->field_hashed) {
		content_id_header(&s->id, "\n", 1);
	}
	content_id_end(&s->id, rest, len, s->msg.id);
}

static bool
add_uidl(struct mbox *m, const char *uidl, uint32_t *where)
{
	size_t size = strlen(uidl) + 1, capacity;
	char *uidls;

	if (m->uidls_len == 0)
		m->uidls_len = 1;
	if (m->uidls_len > UINT32_MAX - size)
		return true;
	if (m->uidls_len + size > m->uidls_capacity) {
		capacity = (m->uidls_len + size) * 2;
		uidls = realloc(m->uidls, capacity);
		if (uidls == NULL)
			return false;
		uidls[0] = '\0';
		m->uidls = uidls;
		m->uidls_capacity = capacity;
	}
	memcpy(m->uidls + m->uidls_len, uidl, size);
	*where = (uint32_t)m->uidls_len;
	m->uidls_len += size;
	return true;
}

bool
mbox_set_uidl(struct mbox *m, size_t i, const char *uidl)
{
	m->messages[i].uidl = 0;
	return *uidl == '\0' || add_uidl(m, uidl, &m->messages[i].uidl);
}

static bool
add_message(struct mbox *m, struct mbox_message *msg, const char *uidl)
{
	struct mbox_message *messages;
	size_t capacity;

	if (m->count == m->capacity) {
		capacity = m->capacity + m->capacity / 2 + 16;
		messages =
		    reallocarray(m->messages, capacity, sizeof(*messages));
		if (messages == NULL)
			return false;
		m->messages = messages;
		m->capacity = capacity;
	}
	if (*uidl != '\0' && !add_uidl(m, uidl, &msg->uidl))
		return false;
	m->messages[m->count++] = *msg;
	return true;
}

/* Ends the message before the current byte. */
static enum mbox_result
end_message(struct scan *s)
{
	struct mbox_message *msg = &s->msg;
	off_t text_len = offset(s) - msg->start - msg->from_len;

	msg->size = offset(s) - msg->start;
	msg->separator = separator_size(s, text_len);
	/* The empty line's own LF was counted with the text's. */
	s->bare_lfs -= msg->separator == 1;
	text_len -= msg->separator;
	msg->octets = text_len + s->bare_lfs;
	if (text_len > 0 && msg->separator == 0 && s->buf[s->pos - 1] != '\n') {
		msg->no_newline = true;
		msg->octets += s->buf[s->pos - 1] == '\r' ? 1 : 2;
	}
	if (s->has_imap && s->has_internal_subject) {
		s->m->internal = msg->size;
		return MBOX_OK;
	}
	compute_id(s);
	return add_message(s->m, msg, s->uidl) ? MBOX_OK : MBOX_NO_MEMORY;
}

static enum mbox_result
scan_messages(struct scan *s)
{
	off_t from_len;
	enum mbox_result r = measure_from_line(s, &from_len);

	if (r == MBOX_OK && from_len == 0)
		return MBOX_NOT_MBOX;
	while (r == MBOX_OK && from_len > 0) {
		s->part = PART_FROM_LINE;
		begin_message(s, from_len);
		r = skip(s, from_len);
		if (r != MBOX_OK)
			break;
		s->part = PART_HEADER;
		s->hashed = s->pos;
		r = scan_header(s);
		if (r != MBOX_OK)
			break;
		s->part = PART_BODY;
		r = scan_body(s, &from_len);
		if (r == MBOX_OK)
			r = end_message(s);
	}
	return r;
}

enum mbox_result
mbox_scan(struct mbox *m, int fd, off_t start, off_t end)
{
	struct mbox before = *m;
	struct scan s = { .m = m,
			  .fd = fd,
			  .next = start,
			  .end = end,
			  .pos = HEAD,
			  .len = HEAD,
			  .hashed = HEAD };
	enum mbox_result r = MBOX_OK;

	assert(start >= 0 && start <= end);
	if (start < end) {
		s.buf = malloc(HEAD + LOOKAHEAD + MBOX_BUFFER);
		if (s.buf == NULL)
			return MBOX_NO_MEMORY;
		posix_fadvise(fd, start, end - start, POSIX_FADV_SEQUENTIAL);
		r = scan_messages(&s);
		free(s.buf);
	}
	if (r == MBOX_OK) {
		m->size = end;
	} else {
		m->count = before.count;
		m->internal = before.internal;
		m->uidls_len = before.uidls_len;
	}
	return r;
}

void
mbox_free(struct mbox *m)
{
	free(m->messages);
	free(m->uidls);
	*m = (struct mbox){ .messages = NULL };
}

off_t
mbox_text_start(const struct mbox_message *msg)
{
	return msg->start + msg->from_len;
}

off_t
mbox_text_end(const struct mbox_message *msg)
{
	return msg->start + msg->size - msg->separator;
}
