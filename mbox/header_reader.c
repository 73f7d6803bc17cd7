/* Runs in the mailbox process; knows lines, and no field of a header. */
#include "mbox/header_reader.h"

#include <string.h>

#include "base/fileio.h"

void
header_begin(struct header_reader *r, int fd, off_t start, off_t end)
{
	r->fd = fd;
	r->at = start;
	r->end = end;
	r->pos = r->len = 0;
	r->in_line = r->failed = false;
}

static bool
fill(struct header_reader *r)
{
	size_t want = sizeof(r->buf) - (r->len - r->pos);

	memmove(r->buf, r->buf + r->pos, r->len - r->pos);
	r->len -= r->pos;
	r->pos = 0;
	if ((off_t)want > r->end - r->at)
		want = (size_t)(r->end - r->at);
	if (!file_read(r->fd, r->buf + r->len, want, r->at)) {
		r->failed = true;
		return false;
	}
	r->len += want;
	r->at += (off_t)want;
	return true;
}

bool
header_next(struct header_reader *r, struct header_piece *p)
{
	const char *lf = memchr(r->buf + r->pos, '\n', r->len - r->pos);

	if (lf == NULL && r->len - r->pos < HEADER_PIECE_MIN &&
	    r->at < r->end) {
		if (!fill(r))
			return false;
		lf = memchr(r->buf, '\n', r->len);
	}
	p->text = r->buf + r->pos;
	p->starts_line = !r->in_line;
	p->len = lf != NULL ? (size_t)(lf + 1 - p->text) : r->len - r->pos;
	r->pos += p->len;
	r->in_line = lf == NULL;
	if (p->len == 0)
		return false;
	return !(p->starts_line &&
		 (p->text[0] == '\n' ||
		  (p->len == 2 && memcmp(p->text, "\r\n", 2) == 0)));
}
