/*
 * A POP3 server that has its mailbox in memory and knows the client's input
 * beforehand: what it answers is what the session has to answer. Of what
 * matters to nobody but a reader, the words, only the status is compared.
 */
#ifndef POP3_MODEL_H
#define POP3_MODEL_H

#include "tests/unit/mbox/simple_mbox.h"
#include "fuzz.h"

enum { UNKNOWN_COMMANDS = 10, LINE_LIMIT = 255 };

struct model {
	const char *box;
	struct expectation x;
	bool *deleted;
	size_t last, last_at_login;
	const char *sent, *end; /* what the session answered, still unread */
	bool over, committed;
	bool any_last; /* an earlier session has left one */
};

/* The next line of the answer, without its CRLF. */
static inline struct input
next_line(struct model *m)
{
	const char *lf = memchr(m->sent, '\n', (size_t)(m->end - m->sent));

	must(lf != NULL && lf > m->sent && lf[-1] == '\r');
	struct input line = { (const uint8_t *)m->sent,
			      (size_t)(lf - 1 - m->sent) };
	m->sent = lf + 1;
	return line;
}

static inline void
expect_status(struct model *m, bool ok)
{
	const char *want = ok ? "+OK" : "-ERR";
	struct input line = next_line(m);

	must(line.n >= strlen(want) && memcmp(line.p, want, strlen(want)) == 0);
}

/* The line begins so, and goes on with nothing or a blank. */
static inline void
expect_line(struct model *m, const char *want)
{
	struct input line = next_line(m);
	size_t n = strlen(want);

	must(line.n >= n && memcmp(line.p, want, n) == 0);
	must(line.n == n || line.p[n] == ' ');
}

static inline void
expect_two(struct model *m, const char *before, size_t a, size_t b)
{
	char want[64];

	snprintf(want, sizeof(want), "%s%zu %zu", before, a, b);
	expect_line(m, want);
}

static inline bool
there_is(const struct model *m, size_t n)
{
	return n > 0 && n <= m->x.count && !m->deleted[n];
}

static inline size_t
octets(const struct model *m, size_t n)
{
	return (size_t)m->x.messages[n - 1].msg.octets;
}

static inline void
sum_up(const struct model *m, size_t *count, size_t *sum)
{
	*count = *sum = 0;
	for (size_t n = 1; n <= m->x.count; n++)
		if (there_is(m, n)) {
			*count += 1;
			*sum += octets(m, n);
		}
}

/* The text, dots stuffed; with limited, so many lines of the body. */
static inline void
expect_text(struct model *m, size_t number, bool limited, size_t lines)
{
	const struct mbox_message *msg = &m->x.messages[number - 1].msg;
	const char *s = m->box + msg->start + msg->from_len;
	const char *end = m->box + msg->start + msg->size - msg->separator;
	bool in_body = false;

	expect_status(m, true);
	while (s < end && !(limited && in_body && lines == 0)) {
		struct line l = line_at(s, end);
		/* a CR that ends the mailbox is the line's end */
		size_t dot = *s == '.';

		must((size_t)(m->end - m->sent) >= dot + l.len + 2);
		must(dot == 0 || *m->sent == '.');
		must(memcmp(m->sent + dot, s, l.len) == 0);
		must(memcmp(m->sent + dot + l.len, "\r\n", 2) == 0);
		m->sent += dot + l.len + 2;
		lines -= in_body;
		in_body |= l.len == 0;
		s += l.size;
	}
	must(m->end - m->sent >= 3 && memcmp(m->sent, ".\r\n", 3) == 0);
	m->sent += 3;
}

/* The lines of LIST or UIDL. */
static inline void
expect_list(struct model *m, bool sizes)
{
	char want[32];

	expect_status(m, true);
	for (size_t n = 1; n <= m->x.count; n++) {
		if (!there_is(m, n))
			continue;
		snprintf(want, sizeof(want), "%zu", n);
		if (sizes)
			expect_two(m, "", n, octets(m, n));
		else
			expect_line(m, want);
	}
	expect_line(m, ".");
}

static inline bool
is_number(const char *s, size_t *n)
{
	size_t digits = strspn(s, "0123456789");

	if (digits == 0 || s[digits] != '\0')
		return false;
	*n = strtoul(s, NULL, 10); /* too much is ULONG_MAX, as good as any */
	return true;
}

static inline void
delete_or_fetch(struct model *m, const char *name, size_t n, size_t lines)
{
	if (strcasecmp(name, "TOP") == 0) {
		expect_text(m, n, true, lines);
		return;
	}
	if (strcasecmp(name, "DELE") == 0) {
		expect_status(m, true);
		m->deleted[n] = true;
	} else {
		expect_text(m, n, false, 0);
	}
	if (n > m->last)
		m->last = n;
}

enum { WORDS_MAX = 4 };

/* Takes the line apart: the command and its arguments, as far as there is room.
 */
static inline size_t
split_line(char *line, char *words[WORDS_MAX])
{
	char *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t", &rest);
	     w != NULL && n < WORDS_MAX; w = strtok_r(NULL, " \t", &rest))
		words[n++] = w;
	return n;
}

/* A command with the number of a message. */
static inline void
expect_message(struct model *m, char *const words[], size_t count)
{
	bool top = strcasecmp(words[0], "TOP") == 0;
	const char *name = words[0], *text = words[1];
	size_t n, lines = 0;

	if (count != (top ? 3 : 2) || (top && !is_number(words[2], &lines))) {
		expect_status(m, false);
		return;
	}
	if (!is_number(text, &n) || !there_is(m, n))
		expect_status(m, false);
	else if (strcasecmp(name, "LIST") == 0)
		expect_two(m, "+OK ", n, octets(m, n));
	else if (strcasecmp(name, "UIDL") == 0)
		expect_status(m, true);
	else
		delete_or_fetch(m, name, n, lines);
}

static inline void
expect_bare(struct model *m, const char *name)
{
	size_t count, sum;

	if (strcasecmp(name, "STAT") == 0) {
		sum_up(m, &count, &sum);
		expect_two(m, "+OK ", count, sum);
	} else if (strcasecmp(name, "LAST") == 0 && !m->any_last) {
		char want[32];

		snprintf(want, sizeof(want), "+OK %zu", m->last);
		expect_line(m, want);
	} else if (strcasecmp(name, "CAPA") == 0) {
		expect_status(m, true);
		while (*m->sent != '.')
			next_line(m);
		expect_line(m, ".");
	} else {
		expect_status(m, true);
	}
	if (strcasecmp(name, "RSET") == 0) {
		memset(m->deleted, 0, (m->x.count + 1) * sizeof(*m->deleted));
		m->last = m->last_at_login;
	}
	if (strcasecmp(name, "QUIT") == 0)
		m->over = m->committed = true;
}

static inline bool
is_among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

/* One line of the client's; false for a command that nobody knows. */
static inline bool
model_command(struct model *m, char *line, size_t len)
{
	static const char *const bare[] = { "STAT", "LAST", "CAPA", "NOOP",
					    "RSET", "QUIT", NULL };
	static const char *const numbered[] = { "RETR", "DELE", "TOP",
						"LIST", "UIDL", NULL };
	static const char *const others[] = { "USER", "PASS", "APOP",
					      "AUTH", "STLS", NULL };
	char *words[WORDS_MAX];
	size_t count;

	if (memchr(line, '\0', len) != NULL || len == 0 ||
	    strchr(" \t", *line) != NULL) {
		expect_status(m, false);
		return false;
	}
	count = split_line(line, words);
	if (is_among(words[0], numbered) && count == 1) {
		if (strcasecmp(words[0], "LIST") == 0 ||
		    strcasecmp(words[0], "UIDL") == 0)
			expect_list(m, strcasecmp(words[0], "LIST") == 0);
		else
			expect_status(m, false);
	} else if (is_among(words[0], numbered)) {
		expect_message(m, words, count);
	} else if (is_among(words[0], bare) && count == 1) {
		expect_bare(m, words[0]);
	} else {
		expect_status(m, false);
		return is_among(words[0], bare) || is_among(words[0], others);
	}
	return true;
}

/* All that the client says; a last line without its end is not one. */
static inline void
model_session(struct model *m, char *said, size_t len)
{
	char *end = said + len;
	int unknown = 0;

	while (!m->over && said < end) {
		char *lf = memchr(said, '\n', (size_t)(end - said));

		if (lf == NULL)
			return;
		if (lf + 1 - said > LINE_LIMIT) {
			expect_status(m, false);
		} else {
			char *stop = lf > said && lf[-1] == '\r' ? lf - 1 : lf;

			*stop = '\0';
			unknown = model_command(m, said, (size_t)(stop - said))
				      ? 0
				      : unknown + 1;
			m->over |= unknown == UNKNOWN_COMMANDS;
		}
		said = lf + 1;
	}
}

/* The mailbox that has to be there afterwards, to be freed. */
static inline struct bytes
model_mailbox(const struct model *m, size_t size)
{
	struct bytes b = { .len = 0 };
	size_t at = 0;

	for (size_t n = 1; n <= m->x.count; n++) {
		const struct mbox_message *msg = &m->x.messages[n - 1].msg;
		size_t start = (size_t)msg->start;

		if (!m->committed || !m->deleted[n])
			continue;
		append(&b, m->box + at, start - at);
		at = start + (size_t)msg->size;
	}
	append(&b, m->box + at, size - at);
	return b;
}

#endif
