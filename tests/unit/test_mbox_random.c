/*
 * Tests of mbox.c with random mailboxes, against a splitter that has the whole
 * file in memory and goes line by line.
 */
#include "mailbox.h"

#include <regex.h>
#include <stdbool.h>
#include <strings.h>

#include <nettle/sha2.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* What mbox.c reads at once. */
enum { READ_SIZE = 256 * 1024 };

/* The simple splitter */

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

static struct line
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

static bool
simple_is_from(struct line l)
{
	static const char date[] =
	    "[^ \t][ \t]+(Sun|Mon|Tue|Wed|Thu|Fri|Sat)"
	    "[ \t]+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
	    "[ \t]+(0?[1-9]|[12][0-9]|3[01])"
	    "[ \t]+([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60))?"
	    "(([ \t]+([A-Za-z]{1,5}|[+-][0-9]{4})){0,2}[ \t]+[0-9]{4}"
	    "|[ \t]+[0-9]{4}[ \t]+([A-Za-z]{1,5}|[+-][0-9]{4}))[ \t]*$";
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

static bool
simple_is_field(struct line l, const char *name)
{
	size_t n = strlen(name);

	return l.len > n && l.s[n] == ':' && strncasecmp(l.s, name, n) == 0;
}

static bool
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

static void
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

static void
simple_field(struct line l, struct header_seen *h, struct expected *e)
{
	struct bytes text = { .len = 0 };

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
	if (simple_is_field(l, "subject")) {
		append(&text, l.s, l.len);
		append(&text, "", 1);
		h->subject |= strstr(text.data, INTERNAL) != NULL;
		free(text.data);
	}
}

/* Fills in what the text from s to end says; true if it is c-client's. */
static bool
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

static struct expectation
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

static void
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
static void
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

static void
test_from_line_of_any_length(void **state)
{
	static const size_t lengths[] = { 60,	128,  200,    900,    1000,
					  4096, 9000, 262144, 270000, 600000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		for (int crlf = 0; crlf < 2; crlf++) {
			struct mbox m = { .count = 0 };
			struct bytes b = { .len = 0 };

			append_string(&b, FROM "a: b\n\nFrom ");
			append_run(&b, 'x', lengths[i]);
			append_string(&b, "\nFrom nobody\n\nFrom ");
			append_run(&b, 'x', lengths[i]);
			append_string(&b, DATE "\n");
			b.len--;
			append_string(&b, crlf ? "\r\nc: d\n" : "\nc: d\n");
			assert_int_equal(scan_bytes(&m, b.data, b.len),
					 MBOX_OK);
			assert_int_equal(m.count, 2);
			assert_int_equal(m.messages[1].from_len,
					 lengths[i] + 5 + sizeof(DATE) +
					     (size_t)crlf);
			check_mbox(&m, &b);
			mbox_free(&m);
			free(b.data);
		}
	}
}

/* Random mailboxes */

static uint64_t seed;

static size_t
random_below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)((seed >> 16) % n);
}

static void
append_piece(struct bytes *b)
{
	static const char *const pieces[] = {
		FROM,
		FROM,
		FROM,
		"\n" FROM,
		"\n" FROM_CRLF,
		"\r\n" FROM,
		"\n\n" FROM,
		"\n\r\n" FROM,
		"\r\r\n" FROM,
		"\nFrom a b c\n",
		"\nFrom ",
		"\n\nFrom",
		"\nF",
		"From ",
		"m",
		"\n>" FROM,
		"From x Mon Jan  1 00:00:00 2024",
		"\nFrom \"a b\" <c> Wed Feb "
		"29 12:59:60 MET DST 2024 \r\n",
		"From x Mon Jan 32 00:00 2024",
		"\n",
		"\n",
		"\n\n",
		"\r",
		"\r\n",
		"\r\n\r\n",
		"\n\r",
		" ",
		"\t",
		"Status: RO\n",
		"status: \n x\n",
		"X-UIDL: abc123\n",
		"X-UIDL:  \t a~b \r\n",
		"X-UIDL: a b\n",
		"Subject: x\n",
		"Content-Length: 5\n",
		"Content-Length: 99999\n\n",
		"Lines: 3",
		"X-IMAP: 1\n",
		"Subject: " INTERNAL "\n",
		"A: b\n\nbody\n\n",
		"A: b\r\n\r\nbody\r\n\r\n",
		"text",
		".\n",
		"..",
		"\xff\xfe\n",
		"Received: by example.org\n\tfor someone; some day\n",
	};
	size_t which = random_below(sizeof(pieces) / sizeof(*pieces) + 4);

	switch (which) {
	case 0:
		append(b, "\0", 1);
		break;
	case 1:
		append_run(b, "x \r\n"[random_below(4)], random_below(200));
		break;
	case 2:
		append_run(b, "x "[random_below(2)], random_below(3000));
		break;
	case 3:
		append_string(b, "\nFrom ");
		append_run(b, 'x', random_below(3000));
		append_string(b, DATE "\n");
		break;
	default:
		append_string(b, pieces[which - 4]);
		break;
	}
}

/* A mailbox whose random part begins near the offset `from`. */
static struct bytes
random_mailbox(size_t from)
{
	struct bytes b = { .len = 0 };

	if (random_below(50) > 0)
		append_string(&b, FROM);
	if (from > 2000) {
		append_string(&b, "A: b\n\n");
		append_run(&b, 'x', from - random_below(2000) - b.len);
		append_string(&b, "\n\n" FROM);
	}
	for (size_t n = random_below(60) + 1; n > 0; n--)
		append_piece(&b);
	return b;
}

/* Scans it at once, and with a first scan that sees but a part of it. */
static void
check_random_mailbox(const struct bytes *b)
{
	struct expectation x = split_simply(b->data, b->len);
	struct mbox m = { .count = 0 };
	off_t cut = (off_t)(b->len - random_below(b->len < 900 ? b->len : 900));
	int fd = file_of(b->data, b->len);
	enum mbox_result r = mbox_scan(&m, fd, 0, (off_t)b->len);

	assert_int_equal(r, x.is_mbox ? MBOX_OK : MBOX_NOT_MBOX);
	if (r == MBOX_OK)
		check_mbox(&m, b);
	mbox_free(&m);
	if (r == MBOX_OK && mbox_scan(&m, fd, 0, cut) == MBOX_OK) {
		mbox_drop_last(&m);
		r = mbox_scan(&m, fd, m.size, (off_t)b->len);
		/* What ended in half a From_ line may not go on as one. */
		for (size_t i = 0; r == MBOX_NOT_MBOX && i < x.count; i++)
			assert_int_not_equal(x.messages[i].msg.start, m.size);
		if (r != MBOX_NOT_MBOX)
			check_mbox(&m, b);
		mbox_free(&m);
	}
	free(x.messages);
	close(fd);
}

static void
check_random_mailboxes(uint64_t first_seed, size_t count, size_t from)
{
	for (uint64_t i = 0; i < count; i++) {
		struct bytes b;

		seed = (first_seed + i) * 0x9e3779b97f4a7c15U;
		b = random_mailbox(from);
		check_random_mailbox(&b);
		free(b.data);
	}
}

static void
test_random_mailboxes_split_as_by_simple_splitter(void **state)
{
	check_random_mailboxes(1, 20000, 0);
}

static void
test_random_mailboxes_across_a_read_border(void **state)
{
	check_random_mailboxes(1000000, 1000, READ_SIZE);
	check_random_mailboxes(2000000, 300, 2 * READ_SIZE);
}

int
main(void)
{
	const struct CMUnitTest mailboxes[] = {
		cmocka_unit_test(test_from_line_of_any_length),
		cmocka_unit_test(
		    test_random_mailboxes_split_as_by_simple_splitter),
		cmocka_unit_test(test_random_mailboxes_across_a_read_border),
	};

	return cmocka_run_group_tests(mailboxes, NULL, NULL);
}
