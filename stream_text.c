/*
 * A message's text on its way out: CRLF, dot-stuffing, and TOP's limit, in one
 * pass from line end to line end. Runs in the mailbox process.
 */
#include "stream.h"

#include <string.h>

/* What a finished line means to TOP: where the body begins, when it is full. */
static void
count_line(struct text_state *t)
{
	if (t->in_body && t->limited && t->lines > 0)
		t->lines--;
	if (!t->in_body && t->line_len == 0)
		t->in_body = true;
	if (t->in_body && t->limited && t->lines == 0)
		t->full = true;
	t->line_len = 0;
}

static void
begin_line(struct stream *s, struct text_state *t, char first)
{
	if (first == '.' && (!t->started || t->after_newline))
		stream_write(s, ".", 1);
	t->started = true;
}

/* A stretch without its LF; a CR at its end may belong to a CRLF. */
static void
put_stretch(struct stream *s, struct text_state *t, const char *text,
            size_t len)
{
	if (len == 0)
		return;
	begin_line(s, t, text[0]);
	stream_write(s, text, len);
	if (t->after_cr && t->line_len == 0)
		t->line_len++; /* the CR that looked like a line end's */
	t->after_newline = false;
	t->after_cr = text[len - 1] == '\r';
	t->line_len += len - (t->after_cr ? 1 : 0);
}

void
stream_text(struct stream *s, struct text_state *t, const char *text,
            size_t len)
{
	const char *end = text + len;

	while (text < end && !t->full) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		const char *stop = lf == NULL ? end : lf;

		put_stretch(s, t, text, (size_t)(stop - text));
		if (lf == NULL)
			return;
		if (t->after_cr)
			stream_write(s, "\n", 1);
		else
			stream_write(s, "\r\n", 2);
		t->started = t->after_newline = true;
		t->after_cr = false;
		count_line(t);
		text = lf + 1;
	}
}

void
stream_text_end(struct stream *s, const struct text_state *t)
{
	if (t->started && !t->after_newline)
		stream_write(s, "\r\n", t->after_cr ? 0 : 2);
	if (t->started && !t->after_newline && t->after_cr)
		stream_write(s, "\n", 1);
	stream_write(s, ".\r\n", 3);
}
