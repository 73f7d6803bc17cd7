/*
 * stream_text.c: a message on its way out, cut into pieces anywhere, against
 * one that is in memory and goes line by line.
 */
#include "fuzz.h"

#include "base/stream.h"

enum { TEXT_MAX = 8192 };

struct text {
	char data[3 * TEXT_MAX];
	size_t n;
};

static void
put(struct text *t, const void *data, size_t n)
{
	memcpy(t->data + t->n, data, n);
	t->n += n;
}

/* RFC 1939 sections 3 and 7. */
static void
simple_text(struct text *t, struct input in, bool limited, size_t lines)
{
	bool in_body = false;

	while (in.n > 0 && !(limited && in_body && lines == 0)) {
		const uint8_t *lf = memchr(in.p, '\n', in.n);
		size_t size = lf == NULL ? in.n : (size_t)(lf - in.p) + 1;
		size_t n = lf == NULL ? size : size - 1;

		if (n > 0 && in.p[n - 1] == '\r')
			n--;
		if (in.p[0] == '.')
			put(t, ".", 1);
		put(t, in.p, n);
		put(t, "\r\n", 2);
		if (in_body)
			lines--;
		in_body |= n == 0 && lf != NULL;
		take_bytes(&in, size);
	}
	put(t, ".\r\n", 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;
	struct text_state state = { .started = false };
	struct input in = { data, size };
	struct text is = { .n = 0 }, want = { .n = 0 };

	state.limited = take_byte(&in) & 1;
	size_t lines = take_byte(&in);
	size_t piece = take_byte(&in) + 1u;
	state.lines = lines;
	if (in.n > TEXT_MAX)
		return -1;
	simple_text(&want, in, state.limited, lines);
	int out = memfd_create("out", MFD_CLOEXEC);
	stream_init(&s, -1, out, 1);
	while (in.n > 0 && !state.full) {
		struct input part = take_bytes(&in, piece);
		/* a copy, so that a byte behind it is somebody else's */
		char *copy = malloc(part.n);

		memcpy(copy, part.p, part.n);
		stream_text(&s, &state, copy, part.n);
		free(copy);
	}
	stream_text_end(&s, &state);
	must(stream_flush(&s) == STREAM_OK);
	char *sent = contents(out, &is.n);
	must(is.n == want.n && memcmp(sent, want.data, want.n) == 0);
	free(sent);
	close(out);
	return 0;
}
