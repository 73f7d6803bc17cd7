/* Tests of syntax.c, rule by rule. */
#include "mailbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Messages */

static void
test_empty_file_is_empty_mailbox(void **state)
{
	struct mbox m = scan("");

	assert_int_equal(m.count, 0);
	mbox_free(&m);
}

static void
test_what_does_not_begin_with_from_line_is_no_mbox(void **state)
{
	static const char *const texts[] = { "\n",	"F",
					     "From ",	"hello\n",
					     "\n" FROM, "Subject: x\n\n" FROM };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct mbox m = { .count = 0 };

		assert_int_equal(scan_bytes(&m, texts[i], strlen(texts[i])),
				 MBOX_NOT_MBOX);
		assert_int_equal(m.count, 0);
		mbox_free(&m);
	}
}

static void
test_text_lies_between_from_line_and_empty_line(void **state)
{
	struct mbox m = scan(FROM "A: b\n\nhi\n\n" FROM_CRLF "C: d\n\n\n\n");
	const struct mbox_message *one = &m.messages[0], *two = one + 1;

	assert_int_equal(m.count, 2);
	assert_int_equal(mbox_text_start(one), FROM_LEN);
	assert_int_equal(mbox_text_end(one), FROM_LEN + 9);
	assert_int_equal(one->octets, 12);
	assert_int_equal(two->start, FROM_LEN + 10);
	assert_int_equal(two->from_len, FROM_LEN + 1);
	assert_int_equal(mbox_text_end(two), m.size - 1);
	assert_int_equal(two->octets, 10);
	mbox_free(&m);
}

static void
test_from_line_needs_empty_line_before_it(void **state)
{
	struct mbox m = scan(FROM FROM "a\n" FROM "\r" FROM " \n" FROM
				       "\r\r\n" FROM "\n" FROM "\r\n" FROM);

	assert_int_equal(m.count, 3);
	mbox_free(&m);
}

struct octets_case {
	const char *text;
	off_t octets;
	int separator;
	bool no_newline;
};

static void
test_octets(void **state)
{
	static const struct octets_case cases[] = {
		{ "", 0, 0, false },
		{ "\n", 0, 1, false },
		{ "\r\n", 0, 2, false },
		{ "\n\n", 2, 1, false },
		{ "\n\r\n", 2, 2, false },
		{ "a\n", 3, 0, false },
		{ "a\r\n", 3, 0, false },
		{ "a\n\n", 3, 1, false },
		{ "a\r\n\n", 3, 1, false },
		{ "a\r\n\r\n", 3, 2, false },
		{ "a\n\n\n\n", 7, 1, false },
		{ "a", 3, 0, true },
		{ "a\r", 3, 0, true },
		{ "a\n\nb", 8, 0, true },
		{ "a\n\nb\r", 8, 0, true },
		{ "a\n\r", 5, 0, true },
		{ "\r", 2, 0, true },
		{ "a\rb\r\r\n", 6, 0, false },
		{ "a\n\n\r\r\n", 8, 0, false },
		{ "a\n\n.\n..\n", 12, 0, false },
		{ "\xff\x01\n", 4, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[200];
		struct mbox m;

		snprintf(text, sizeof(text), "%s%s", FROM, cases[i].text);
		m = scan(text);
		assert_int_equal(m.count, 1);
		assert_int_equal(m.messages[0].octets, cases[i].octets);
		assert_int_equal(m.messages[0].separator, cases[i].separator);
		assert_int_equal(m.messages[0].no_newline, cases[i].no_newline);
		mbox_free(&m);
	}
}

static void
test_nul_is_a_byte_like_others(void **state)
{
	static const char text[] = FROM "A: \0b\n\0\n\n\0\n\n" FROM "x\n";
	struct mbox m = { .count = 0 };

	assert_int_equal(scan_bytes(&m, text, sizeof(text) - 1), MBOX_OK);
	assert_int_equal(m.count, 2);
	assert_int_equal(m.messages[0].octets, 15);
	mbox_free(&m);
}

static void
test_content_length_is_not_believed(void **state)
{
	struct mbox m = scan(FROM "Content-Length: 10000\n\nx\n\n" FROM
				  "Content-Length: 1\n\nxyz\n\n" FROM "\n");

	assert_int_equal(m.count, 3);
	mbox_free(&m);
}

static void
test_from_line_without_newline_begins_empty_message(void **state)
{
	struct mbox m = scan("From a Mon Jan  1 00:00:00 2024");

	assert_int_equal(m.count, 1);
	assert_int_equal(m.messages[0].from_len, m.size);
	assert_int_equal(m.messages[0].octets, 0);
	assert_false(m.messages[0].no_newline);
	mbox_free(&m);
}

/* Ids */

static bool
same_id(const char *one, const char *two)
{
	struct mbox m = scan(one), n = scan(two);
	bool same;

	assert_true(m.count > 0 && n.count > 0);
	same = memcmp(m.messages[0].id, n.messages[0].id, MBOX_ID_SIZE) == 0;
	mbox_free(&m);
	mbox_free(&n);
	return same;
}

static void
test_id_ignores_what_readers_change(void **state)
{
	static const char *const fields[] = {
		"Status: RO\n",
		"STATUS:\n",
		"X-Status: A\n",
		"x-keywords: a\n  b\n\tc\n",
		"X-UID: 7\n",
		"X-IMAP: 1 2\n",
		"X-IMAPbase: 1 2\n a\n",
		"Content-Length: 4\n",
		"Lines: 1\n Status: RO\n",
		"X-UIDL: abc\n",
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		char a[200], b[200], c[200];

		snprintf(a, sizeof(a), FROM "%sA: b\n\nx\n", fields[i]);
		snprintf(b, sizeof(b), FROM "A: b\n%s\nx\n", fields[i]);
		snprintf(c, sizeof(c), FROM "A: b\n\nx\n%s", fields[i]);
		assert_true(same_id(a, FROM "A: b\n\nx\n"));
		assert_true(same_id(b, FROM "A: b\n\nx\n"));
		assert_false(same_id(c, FROM "A: b\n\nx\n"));
	}
	assert_true(same_id(FROM "A: b\nStatus: R", FROM "A: b\n"));
}

static void
test_id_depends_on_everything_else(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"A: b\n",
		"A: b\n\n\n",
		"A: b\n\n\n\n",
		"A: c\n",
		"A: b\n C\n",
		"\nA: b\n",
		"A: b\n\nx\n",
		"A: b\nx\n",
		"x\nA: b\n",
		"A: b\r\n",
		"A: b\n\nx\n\n\n",
		"A: b\n\nx\r\n",
		"Status-X: y\n",
		"Statu: y\n",
		"A: b\n\nStatus: RO\n",
	};
	char a[100], b[100];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t j = 0; j < sizeof(texts) / sizeof(*texts); j++) {
			snprintf(a, sizeof(a), FROM "%s", texts[i]);
			snprintf(b, sizeof(b), FROM "%s", texts[j]);
			assert_int_equal(same_id(a, b), i == j);
		}
	}
}

static void
test_id_does_not_depend_on_place(void **state)
{
	struct mbox m = scan(FROM "A: b\n\nx\n\n"
				  "From other Tue Feb  2 00:00:00 2024\n"
				  "A: b\n\nx\n\n" FROM "A: b\n\nx");

	assert_int_equal(m.count, 3);
	for (size_t i = 1; i < 3; i++)
		assert_memory_equal(m.messages[0].id, m.messages[i].id,
				    MBOX_ID_SIZE);
	mbox_free(&m);
}

/* X-UIDL, the internal message */

static const char *
uidl_of(struct mbox *m, const char *header)
{
	char text[400];

	snprintf(text, sizeof(text), FROM "A: b\n%s\nx\n", header);
	*m = scan(text);
	assert_int_equal(m->count, 1);
	return m->messages[0].uidl == 0 ? "" : m->uidls + m->messages[0].uidl;
}

static void
test_uidl_field(void **state)
{
#define SEVENTY                                                               \
	"!234567890123456789012345678901234567890123456789012345678901234567" \
	"89~"
	static const char *const cases[][2] = {
		{ "", "" },
		{ "X-UIDL: abc\n", "abc" },
		{ "x-uidl:abc\r\n", "abc" },
		{ "X-UIDL: \t abc \t \n", "abc" },
		{ "X-UIDL: abc\nX-UIDL: def\n", "abc" },
		{ "X-UIDL: a b\nX-UIDL: def\n", "" },
		{ "X-UIDL:\n", "" },
		{ "X-UIDL: abc\n \nB: c\n", "" },
		{ "X-UIDL:\n abc\n", "" },
		{ "X-UIDL: abc\nB: c\n d\n", "abc" },
		{ "X-UIDL: a\x80\n", "" },
		{ "X-UIDL: a\x7f\n", "" },
		{ "X-UIDL: " SEVENTY "\n", SEVENTY },
		{ "X-UIDL: " SEVENTY "1\n", "" },
		{ "\nX-UIDL: abc\n", "" },
		{ "B: c\n X-UIDL: abc\n", "" },
		{ "X-UIDL : abc\n", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mbox m;

		assert_string_equal(uidl_of(&m, cases[i][0]), cases[i][1]);
		mbox_free(&m);
	}
}

static void
test_internal_message_is_not_listed(void **state)
{
	static const char internal[] = FROM "Subject: " INTERNAL "\n"
					    "X-IMAP: 1 2\nX-UIDL: a\n\nx\n\n";
	struct bytes b = { .len = 0 };
	struct mbox m;

	append_string(&b, internal);
	append(&b, "", 1);
	m = scan(b.data);
	assert_int_equal(m.count, 0);
	assert_int_equal(m.internal, sizeof(internal) - 1);
	mbox_free(&m);
	b.len--;
	append_string(&b, internal);
	append(&b, "", 1);
	m = scan(b.data);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.internal, sizeof(internal) - 1);
	assert_int_equal(m.messages[0].start, m.internal);
	mbox_free(&m);
	free(b.data);
}

static void
test_half_an_internal_message_is_a_message(void **state)
{
	static const char *const texts[] = {
		FROM "Subject: " INTERNAL "\n\nX-IMAP: 1 2\n",
		FROM "X-IMAP: 1 2\n\nSubject: " INTERNAL "\n",
		FROM "X-IMAPbase: 1 2\nSubject: " INTERNAL "\n",
		FROM "X-IMAP: 1 2\nX-Subject: " INTERNAL "\n",
		FROM "X-IMAP: 1 2\nSubject: hello\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct mbox m = scan(texts[i]);

		assert_int_equal(m.count, 1);
		assert_int_equal(m.internal, 0);
		mbox_free(&m);
	}
}

/* Failures */

static void
test_failure_leaves_list_as_it_was(void **state)
{
	static const char text[] = FROM "X-UIDL: a\n\nx\n\n" FROM "\n" FROM;
	struct mbox m = scan(text);
	size_t uidls_len = m.uidls_len;
	int fd = file_of(text, sizeof(text) - 1);

	assert_int_equal(mbox_scan(&m, fd, 0, m.size + 1), MBOX_CHANGED);
	assert_int_equal(mbox_scan(&m, fd, 1, m.size), MBOX_NOT_MBOX);
	errno = 0;
	assert_int_equal(mbox_scan(&m, -1, 0, m.size), MBOX_IO_ERROR);
	assert_int_equal(errno, EBADF);
	assert_int_equal(m.count, 3);
	assert_int_equal(m.uidls_len, uidls_len);
	assert_int_equal(m.size, sizeof(text) - 1);
	close(fd);
	mbox_free(&m);
}

static void
test_end_of_range_is_end_of_file(void **state)
{
	static const char text[] = FROM "a\n\n" FROM "b\n\n" FROM "c\n";
	int fd = file_of(text, sizeof(text) - 1);
	struct mbox m = { .count = 0 };

	assert_int_equal(mbox_scan(&m, fd, 0, FROM_LEN + 1), MBOX_OK);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.messages[0].octets, 3);
	assert_true(m.messages[0].no_newline);
	close(fd);
	mbox_free(&m);
}

static long
peak_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* A From_ line, a field and a body of size bytes each, most of them holes. */
static int
huge_mailbox(off_t size, off_t *end)
{
	static const char head[] = FROM "Subject: ", tail[] = "\n\nFrom ";
	int fd = memfd_create("huge", MFD_CLOEXEC);
	off_t at = size;

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, head, sizeof(head) - 1, 0),
			 sizeof(head) - 1);
	assert_int_equal(pwrite(fd, tail, sizeof(tail) - 1, at),
			 sizeof(tail) - 1);
	at += size;
	assert_int_equal(pwrite(fd, DATE "\n", sizeof(DATE), at), sizeof(DATE));
	at += size;
	assert_int_equal(pwrite(fd, tail, sizeof(tail) - 1, at),
			 sizeof(tail) - 1);
	*end = at + size;
	assert_int_equal(ftruncate(fd, *end), 0);
	return fd;
}

static void
test_memory_is_bounded_whatever_the_lines(void **state)
{
	enum { SIZE = 64 << 20, ALLOWED_KB = 4096 };
	struct mbox m = { .count = 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		off_t end;
		int fd = huge_mailbox(SIZE, &end);
		long before = peak_memory();
		bool good = mbox_scan(&m, fd, 0, end) == MBOX_OK &&
			    m.count == 2 && m.messages[1].from_len > SIZE / 2 &&
			    peak_memory() - before < ALLOWED_KB;

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest messages[] = {
		cmocka_unit_test(test_empty_file_is_empty_mailbox),
		cmocka_unit_test(
		    test_what_does_not_begin_with_from_line_is_no_mbox),
		cmocka_unit_test(
		    test_text_lies_between_from_line_and_empty_line),
		cmocka_unit_test(test_from_line_needs_empty_line_before_it),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_nul_is_a_byte_like_others),
		cmocka_unit_test(test_content_length_is_not_believed),
		cmocka_unit_test(
		    test_from_line_without_newline_begins_empty_message),
	};
	const struct CMUnitTest ids[] = {
		cmocka_unit_test(test_id_ignores_what_readers_change),
		cmocka_unit_test(test_id_depends_on_everything_else),
		cmocka_unit_test(test_id_does_not_depend_on_place),
	};
	const struct CMUnitTest fields[] = {
		cmocka_unit_test(test_uidl_field),
		cmocka_unit_test(test_internal_message_is_not_listed),
		cmocka_unit_test(test_half_an_internal_message_is_a_message),
	};
	const struct CMUnitTest scans[] = {
		cmocka_unit_test(test_failure_leaves_list_as_it_was),
		cmocka_unit_test(test_end_of_range_is_end_of_file),
		cmocka_unit_test(test_memory_is_bounded_whatever_the_lines),
	};

	return cmocka_run_group_tests(messages, NULL, NULL) +
	       cmocka_run_group_tests(ids, NULL, NULL) +
	       cmocka_run_group_tests(fields, NULL, NULL) +
	       cmocka_run_group_tests(scans, NULL, NULL);
}
