/*
 * A message's text on its way out: CRLF, dot-stuffing, and TOP's limit, in one
 * pass from line end to line end. Runs in the mailbox process.
 */
#include "base/stream.h"

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
	t->octets += len;
	if (t->after_cr && t->line_len == 0)
		t->line_len++; /* the CR that looked like a line end's */
	t->after_newline = false;
	t->after_cr = text[len - 1] == '\r';
	t->line_len += len - (t->after_cr ? 1 : 0);
}

/*
 * Puts lines straight into the buffer as long as they are whole and fit, as
 * nearly all do. Returns where it stopped.
 */
static const char *
put_lines(struct stream *s, struct text_state *t, const char *text,
	  const char *end)
{
	char *out = s->output + s->out_end;
	const char *full = s->output + sizeof(s->output);
	const char *lf, *start = text;

	if (t->limited || (t->started && !t->after_newline) || s->overflow)
		return text;
	s->ahead_end = 0;
	while ((lf = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		size_t len = (size_t)(lf - text);

		if (len + sizeof(".\r\n") > (size_t)(full - out))
			break;
		if (*text == '.')
			*out++ = '.';
		memcpy(out, text, len);
		out += len;
		t->octets += len + 1;
		if (len == 0 || lf[-1] != '\r') {
			*out++ = '\r';
			t->octets++;
		}
		*out++ = '\n';
		text = lf + 1;
	}
	s->out_end = (size_t)(out - s->output);
	if (text > start)
		t->started = t->after_newline = true;
	return text;
}

/* A line's end, of which the CR may have been sent. */
static void
put_newline(struct stream *s, struct text_state *t)
{
	if (t->after_cr)
		stream_write(s, "\n", 1);
	else
		stream_write(s, "\r\n", 2);
	t->octets += t->after_cr ? 1 : 2;
	t->started = t->after_newline = true;
	t->after_cr = false;
}

void
stream_text(struct stream *s, struct text_state *t, const char *text,
	    size_t len)
{
	const char *end = text + len;

	while ((text = put_lines(s, t, text, end)) < end && !t->full) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((lf == NULL ? end : lf) - text);

		put_stretch(s, t, text, n);
		if (lf == NULL)
			return;
		put_newline(s, t);
		count_line(t);
		text = lf + 1;
	}
}

void
stream_text_end(struct stream *s, struct text_state *t)
{
	if (t->started && !t->after_newline)
		put_newline(s, t);
	stream_write(s, ".\r\n", 3);
}
