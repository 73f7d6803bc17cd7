/*
 * In the mailbox process. Counts what base/stream_text.c sends: a CR before
 * each LF that has none, and a line end where the last one is missing.
 */
#include "maildir/measure.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
maildir_measure_add(struct maildir_measure *m, const char *text, size_t len)
{
	const char *s = text, *end = text + len, *lf;
	off_t missing = 0;

	if (len == 0)
		return;
	if (*s == '\n' && m->last != '\r')
		missing++;
	for (s = text + 1;
	     s < end && (lf = memchr(s, '\n', (size_t)(end - s))) != NULL;
	     s = lf + 1)
		missing += lf[-1] != '\r';
	m->bytes += (off_t)len;
	m->octets += (off_t)len + missing;
	m->last = end[-1];
}

void
maildir_measure_end(struct maildir_measure *m)
{
	if (m->bytes > 0 && m->last != '\n')
		m->octets += m->last == '\r' ? 1 : 2;
}

bool
maildir_measure_file(struct maildir_measure *m, int fd, char *buf, size_t size)
{
	*m = (struct maildir_measure){ .bytes = 0 };
	for (;;) {
		ssize_t n = pread(fd, buf, size, m->bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		maildir_measure_add(m, buf, (size_t)n);
	}
	maildir_measure_end(m);
	return true;
}
