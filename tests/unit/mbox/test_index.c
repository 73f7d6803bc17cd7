/* Tests of index.c: what is taken for an index, and how it is written. */
#include "tests/unit/box.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "mbox/index.h"

/* Where things are in the file. */
enum { AT_CHECKSUM = 8, AT_SUMMED = 16, HEADER = 136, AT_FROM_LEN = 32 };
enum { MAILBOX_SIZE = 200 };

static int dir;
static const struct snapshot snapshot = { .ino = 7, .size = MAILBOX_SIZE };
static const struct index_last no_last;

static int
set_up_dir(void **state)
{
	if (set_up(state) != 0)
		return -1;
	dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 ? 0 : -1;
}

static int
tear_down_dir(void **state)
{
	close(dir);
	unlink("index");
	return tear_down(state);
}

static void
save_two(void)
{
	struct mbox_message messages[] = {
		{ .start = 0, .size = 90, .octets = 60, .from_len = 34 },
		{ .start = 90, .size = 110, .octets = 80, .from_len = 34 },
	};
	struct mbox m = { .messages = messages,
			  .count = 2,
			  .size = MAILBOX_SIZE };

	assert_true(index_save(dir, UIDL_AUTO, &m, &snapshot, &no_last));
}

static bool
load(struct mbox *m)
{
	struct index_last last;
	struct snapshot s;

	*m = (struct mbox){ .count = 0 };
	return index_load(dir, UIDL_AUTO, MAILBOX_SIZE, m, &s, &last);
}

/* Puts a value into the file and makes its checksum right. */
static void
forge(size_t at, const void *value, size_t len)
{
	unsigned char file[4096];
	int fd = open("index", O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, file, sizeof(file));

	assert_true(n > HEADER);
	memcpy(file + at, value, len);
	uint64_t sum = XXH3_64bits(file + AT_SUMMED, (size_t)n - AT_SUMMED);
	memcpy(file + AT_CHECKSUM, &sum, sizeof(sum));
	assert_int_equal(pwrite(fd, file, (size_t)n, 0), n);
	close(fd);
}

static void
test_what_was_saved_is_loaded(void **state)
{
	struct mbox m;

	save_two();
	forge(HEADER, "", 0);
	assert_true(load(&m));
	assert_int_equal(m.count, 2);
	assert_int_equal(m.messages[0].size, 90);
	assert_int_equal(m.messages[1].octets, 80);
	mbox_free(&m);
}

static void
test_from_line_longer_than_its_message_is_refused(void **state)
{
	static const uint32_t lengths[] = { 91, UINT32_MAX };
	struct mbox m;

	for (size_t i = 0; i < 2; i++) {
		save_two();
		forge(HEADER + AT_FROM_LEN, &lengths[i], sizeof(lengths[i]));
		assert_false(load(&m));
		assert_int_equal(m.count, 0);
	}
}

static void
test_more_octets_than_a_message_can_have_are_refused(void **state)
{
	uint64_t octets = (1ULL << 56) - 1;
	struct mbox m;

	save_two();
	forge(HEADER + 8, &octets, sizeof(octets));
	assert_false(load(&m));
}

static void
test_message_before_the_mailbox_is_refused(void **state)
{
	int64_t start = INT64_MIN;
	struct mbox m;

	save_two();
	forge(HEADER, &start, sizeof(start));
	assert_false(load(&m));
}

/* 8 TB, none of it on the disk, would have to be in memory. */
static void
test_file_far_larger_than_the_mailbox_is_refused(void **state)
{
	struct mbox m;

	save_two();
	if (truncate("index", 8LL << 40) != 0)
		skip(); /* this file system has no files that large */
	assert_false(load(&m));
}

static void
test_nothing_in_the_place_of_the_draft_is_waited_for_or_followed(void **state)
{
	struct mbox m;
	char text[8];

	assert_int_equal(mkfifo("index.tmp", 0600), 0);
	alarm(10);
	save_two();
	alarm(0);
	assert_true(load(&m));
	mbox_free(&m);

	write_file("mail", "mail");
	assert_int_equal(link("mail", "index.tmp"), 0);
	save_two();
	read_file("mail", text, sizeof(text));
	assert_string_equal(text, "mail");
	unlink("mail");

	assert_int_equal(symlink("mail", "index.tmp"), 0);
	save_two();
	assert_int_equal(access("mail", F_OK), -1);
	assert_int_equal(access("index.tmp", F_OK), -1);
}

static void
test_fifo_in_the_place_of_the_index_is_not_waited_for(void **state)
{
	struct mbox m;

	assert_int_equal(mkfifo("index", 0600), 0);
	alarm(10);
	assert_false(load(&m));
	alarm(0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_dir, tear_down_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_saved_is_loaded),
		TEST(test_from_line_longer_than_its_message_is_refused),
		TEST(test_more_octets_than_a_message_can_have_are_refused),
		TEST(test_message_before_the_mailbox_is_refused),
		TEST(test_file_far_larger_than_the_mailbox_is_refused),
		TEST(
		    test_nothing_in_the_place_of_the_draft_is_waited_for_or_followed),
		TEST(test_fifo_in_the_place_of_the_index_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
