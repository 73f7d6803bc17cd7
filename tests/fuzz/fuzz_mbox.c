/*
 * syntax.c, from_line.c: scans with buffers of several sizes, in one pass and in
 * two, against the simple splitter.
 */
#include <stddef.h>

static size_t buffer_size;
#define MBOX_BUFFER buffer_size
#include "mbox/syntax.c"

#include "tests/unit/mbox/simple_mbox.h"
#include "fuzz.h"

enum { REAL_SIZE = 256 * 1024 };

static void
check(const struct mbox *m, const struct expectation *x, size_t size)
{
	must((size_t)m->size == size);
	must(m->count == x->count);
	must(m->internal == x->internal);
	for (size_t i = 0; i < m->count; i++)
		check_message(m, i, &x->messages[i]);
}

/* What a first scan saw of the beginning must not change the result. */
static void
check_growth(int fd, const struct expectation *x, size_t cut, size_t size)
{
	struct mbox m = { .count = 0 };

	if (mbox_scan(&m, fd, 0, (off_t)cut) == MBOX_OK) {
		drop_last(&m);
		enum mbox_result r = mbox_scan(&m, fd, m.size, (off_t)size);

		/* What ended in half a From_ line may not go on as one. */
		for (size_t i = 0; r == MBOX_NOT_MBOX && i < x->count; i++)
			must(x->messages[i].msg.start != m.size);
		if (r != MBOX_NOT_MBOX)
			check(&m, x, size);
	}
	mbox_free(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbox m = { .count = 0 };
	struct input in = { data, size };
	size_t small = take_byte(&in) * 7 + 1u;
	size_t cut = take_size(&in);

	size_t n;
	int fd = memory_file(in.p, in.n);
	char *text = contents(fd, &n);
	struct expectation x = split_simply(text, n);
	for (int i = 0; i < 2; i++) {
		buffer_size = i == 0 ? REAL_SIZE : small;
		enum mbox_result r = mbox_scan(&m, fd, 0, (off_t)in.n);

		must(r == (x.is_mbox ? MBOX_OK : MBOX_NOT_MBOX));
		if (r == MBOX_OK)
			check(&m, &x, in.n);
		mbox_free(&m);
		if (r == MBOX_OK)
			check_growth(fd, &x, in.n == 0 ? 0 : cut % in.n, in.n);
	}
	free(x.messages);
	free(text);
	close(fd);
	return 0;
}
