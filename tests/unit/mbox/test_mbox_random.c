/* Tests of syntax.c with random mailboxes, against the simple splitter. */
#include "tests/unit/mbox/simple_mbox.h"

/* What syntax.c reads at once. */
enum { READ_SIZE = 256 * 1024 };

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
		drop_last(&m);
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
