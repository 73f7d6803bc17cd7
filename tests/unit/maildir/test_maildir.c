/* Tests of what a Maildir's names mean, how texts are counted, and ids. */
#include "tests/unit/box.h"

#include "maildir/list.h"
#include "maildir/measure.h"
#include "maildir/name.h"
#include "maildir/uidl.h"

/* ---- names */

static void
test_the_time_is_what_the_name_begins_with(void **state)
{
	static const struct {
		const char *name;
		int64_t when;
	} names[] = {
		{ "1700000000.M123P4.host", 1700000000000123 },
		{ "1700000000.V801I12M345.host", 1700000000000345 },
		{ "1700000000.H999999P4.host", 1700000000999999 },
		{ "1700000000.M1000000P4.host", 1700000000000000 },
		{ "1700000000.P4M7.host:2,S", 1700000000000007 },
		{ "1700000000.123_0.M5.host", 1700000000000000 },
		{ "1700000000.host,S=5:2,M9", 1700000000000000 },
		{ "1700000000", 1700000000000000 },
		{ "0.x", 0 },
		{ "x.1700000000", -1 },
		{ "", -1 },
		{ "99999999999999999999.x", -1 },
		{ "-1.x", -1 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(maildir_name_when(names[i].name),
				 names[i].when);
}

static void
test_the_unique_name_ends_before_the_colon(void **state)
{
	assert_int_equal(maildir_unique_length("abc:2,S"), 3);
	assert_int_equal(maildir_unique_length("abc"), 3);
	assert_int_equal(maildir_unique_length(":2,"), 0);
	assert_int_equal(maildir_unique_length("a:b:2,"), 1);
}

static void
test_sizes_and_flags_in_names(void **state)
{
	assert_int_equal(maildir_name_size("a,S=12:2,"), 12);
	assert_int_equal(maildir_name_size("a,W=3,S=12,X=1"), 12);
	assert_int_equal(maildir_name_size("a,W=3"), -1);
	assert_int_equal(maildir_name_size("a,S="), -1);
	assert_int_equal(maildir_name_size("a,S=1x"), -1);
	assert_int_equal(maildir_name_size("a,S=99999999999999999999"), -1);
	assert_int_equal(maildir_name_size("a:2,S=5"), -1);
	assert_true(maildir_name_has_flag("a:2,ST", 'T'));
	assert_false(maildir_name_has_flag("aT:2,S", 'T'));
	assert_false(maildir_name_has_flag("a:1,T", 'T'));
	assert_false(maildir_name_has_flag("a", 'T'));
}

/* ---- octets */

static off_t
octets_of(const char *text, size_t len, size_t piece)
{
	struct maildir_measure m = { .bytes = 0 };

	for (size_t at = 0; at < len; at += piece)
		maildir_measure_add(&m, text + at,
				    len - at < piece ? len - at : piece);
	maildir_measure_end(&m);
	assert_int_equal(m.bytes, len);
	return m.octets;
}

/* Byte by byte, as the wire has it. */
static off_t
simple_octets(const char *text, size_t len)
{
	off_t octets = 0;

	for (size_t i = 0; i < len; i++)
		octets +=
		    1 + (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'));
	if (len > 0 && text[len - 1] != '\n')
		octets += text[len - 1] == '\r' ? 1 : 2;
	return octets;
}

static void
test_octets_do_not_depend_on_the_pieces(void **state)
{
	static const char letters[] = { '\n', '\r', 'a', '\0' };
	char text[8];

	/* All texts of up to seven such letters. */
	for (size_t len = 0; len < sizeof(text); len++)
		for (size_t n = 0; n < (size_t)1 << 2 * len; n++) {
			for (size_t i = 0; i < len; i++)
				text[i] = letters[n >> 2 * i & 3];
			for (size_t piece = 1; piece <= len + 1; piece++)
				assert_int_equal(octets_of(text, len, piece),
						 simple_octets(text, len));
		}
}

/* ---- the table, and ids */

static void
test_the_table_finds_each_of_the_same_name(void **state)
{
	struct maildir_list l = { .count = 0 };
	struct maildir_table t;
	char name[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d:2,%d", i / 2, i);
		assert_non_null(maildir_list_add(&l, name));
	}
	assert_true(maildir_table_make(&t, l.count));
	for (size_t i = 0; i < l.count; i++)
		maildir_table_add(&t, &l, i);
	for (int i = 0; i < 500; i++) {
		size_t probe = 0, found = 0;
		int len = snprintf(name, sizeof(name), "%d", i);
		const struct maildir_message *m;

		while ((m = maildir_table_find(&t, &l, name, (size_t)len,
					       &probe)) != NULL) {
			assert_int_equal((m - l.messages) / 2, i);
			found++;
		}
		assert_int_equal(found, 2);
	}
	size_t probe = 0;
	assert_null(maildir_table_find(&t, &l, "500", 3, &probe));
	maildir_table_free(&t);
	maildir_list_free(&l);
}

static void
test_ids(void **state)
{
	static const char hex[] = "0123456789abcdef0123456789abcdef";
	struct maildir_list l = { .count = 0 };
	char a[UIDL_SIZE], b[UIDL_SIZE];

	struct maildir_message *m = maildir_list_add(&l, "1.a:2,S");
	maildir_uidl_format(&l, m, UIDL_AUTO, a);
	assert_string_equal(a, "1.a");
	maildir_uidl_format(&l, m, UIDL_HASH, a);
	assert_int_equal(strlen(a), 32);
	m->flags = IS_COPY;
	m->ino = 7;
	maildir_uidl_format(&l, m, UIDL_AUTO, b);
	assert_string_not_equal(a, b);
	m->ino = 8;
	maildir_uidl_format(&l, m, UIDL_AUTO, a);
	assert_string_not_equal(a, b);

	m = maildir_list_add(&l, hex);
	maildir_uidl_format(&l, m, UIDL_AUTO, a);
	assert_string_not_equal(a, hex);
	m = maildir_list_add(&l, "");
	maildir_uidl_format(&l, m, UIDL_AUTO, a);
	assert_int_equal(strlen(a), 32);
	maildir_list_free(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_time_is_what_the_name_begins_with),
		cmocka_unit_test(test_the_unique_name_ends_before_the_colon),
		cmocka_unit_test(test_sizes_and_flags_in_names),
		cmocka_unit_test(test_octets_do_not_depend_on_the_pieces),
		cmocka_unit_test(test_the_table_finds_each_of_the_same_name),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
