/* In the mailbox process, when a message was rewritten while it is read. */
#include "mbox/body.h"

#include <errno.h>
#include <unistd.h>

#include "mbox/syntax.h"

enum { PIECE = 4096 };

/*
 * Bytes up to and with the first empty line, LF or CRLF as a scan takes it;
 * `size` where there is none.
 */
static off_t
header_size(int fd, off_t start, off_t size)
{
	enum { NOTHING, CR, MORE } line = NOTHING; /* so far */
	char buf[PIECE];

	for (off_t at = 0; at < size;) {
		ssize_t n = pread(fd, buf, sizeof(buf), start + at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		for (ssize_t i = 0; i < n && at + i < size; i++) {
			if (buf[i] == '\n' && line != MORE)
				return at + i + 1;
			if (buf[i] == '\n')
				line = NOTHING;
			else
				line = buf[i] == '\r' && line == NOTHING ? CR
									 : MORE;
		}
		at += n;
	}
	return size;
}

off_t
mbox_body_size(int fd, const struct mbox_message *msg)
{
	off_t start = mbox_text_start(msg);
	off_t size = mbox_text_end(msg) - start;
	off_t header = header_size(fd, start, size);

	return header < 0 ? -1 : size - header;
}
