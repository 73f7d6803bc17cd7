/* Mailboxes in memory and as files, for the tests of syntax.c. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mbox/syntax.h"

#define DATE " Mon Jan  1 00:00:00 2024"
#define FROM "From a@b" DATE "\n"
#define FROM_CRLF "From a@b" DATE "\r\n"
#define INTERNAL "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"

enum { FROM_LEN = sizeof(FROM) - 1 };

/* A mailbox in memory, and the same as a file. */
struct bytes {
	char *data;
	size_t len, capacity;
};

/* A NUL is always behind it: the sanitizer wants one for regexec(3). */
static inline void
append(struct bytes *b, const char *data, size_t len)
{
	if (b->len + len >= b->capacity) {
		b->capacity = (b->len + len) * 2 + 1;
		b->data = realloc(b->data, b->capacity);
		assert_non_null(b->data);
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void
append_string(struct bytes *b, const char *s)
{
	append(b, s, strlen(s));
}

static inline void
append_run(struct bytes *b, char c, size_t len)
{
	for (; len > 0; len--)
		append(b, &c, 1);
}

static inline int
file_of(const char *data, size_t len)
{
	int fd = memfd_create("mbox", MFD_CLOEXEC);

	assert_true(fd >= 0);
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		assert_true(n > 0);
		data += n;
		len -= (size_t)n;
	}
	return fd;
}

static inline enum mbox_result
scan_bytes(struct mbox *m, const char *data, size_t len)
{
	int fd = file_of(data, len);
	enum mbox_result r = mbox_scan(m, fd, 0, (off_t)len);

	close(fd);
	return r;
}

/* Scans text, which has to be a mailbox. */
static inline struct mbox
scan(const char *text)
{
	struct mbox m = { .count = 0 };

	assert_int_equal(scan_bytes(&m, text, strlen(text)), MBOX_OK);
	assert_int_equal(m.size, strlen(text));
	return m;
}

#endif
