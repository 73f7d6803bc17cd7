/* Tests of maildir/index.c and names_journal.c: what is taken for theirs. */
#include "tests/unit/box.h"

#include "maildir/index.h"
#include "maildir/names_journal.h"

static int dir;

static int
set_up_dir(void **state)
{
	if (set_up(state) != 0)
		return -1;
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 ? 0 : -1;
}

static int
tear_down_dir(void **state)
{
	close(dir);
	unlink("index.maildir");
	unlink("journal.maildir");
	return tear_down(state);
}

static void
make_list(struct maildir_list *l)
{
	static const char *const names[] = { "1.a:2,S", "2.b", "3.c:2," };

	*l = (struct maildir_list){ .count = 0 };
	for (size_t i = 0; i < 3; i++) {
		struct maildir_message *m = maildir_list_add(l, names[i]);

		assert_non_null(m);
		m->ino = i + 10;
		m->size = 100;
		m->octets = 110;
		m->mtime = -5;
		m->ctime = 1LL << 40;
		m->flags = (uint16_t)(IS_LAST | IS_MARKED);
	}
	l->messages[1].flags |= IS_GONE;
}

static char *
read_all(const char *name, size_t *size)
{
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*size = (size_t)st.st_size;
	char *data = malloc(*size);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, *size, 0), *size);
	close(fd);
	return data;
}

static void
write_all(const char *name, const char *data, size_t size)
{
	int fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	close(fd);
}

static size_t
loaded(enum uidl_kind kind, uint64_t dev)
{
	struct maildir_list l = { .count = 0 };

	maildir_index_load(dir, kind, dev, &l);
	size_t count = l.count;
	maildir_list_free(&l);
	return count;
}

static void
test_an_index_is_what_was_saved(void **state)
{
	struct maildir_list l, back = { .count = 0 };

	make_list(&l);
	assert_true(maildir_index_save(dir, UIDL_AUTO, 1, &l));
	maildir_index_load(dir, UIDL_AUTO, 1, &back);
	assert_int_equal(back.count, 2);
	const struct maildir_message *m = &back.messages[1];
	assert_string_equal(maildir_name(&back, m), "3.c:2,");
	assert_int_equal(m->ino, 12);
	assert_int_equal(m->size, 100);
	assert_int_equal(m->octets, 110);
	assert_int_equal(m->mtime, -5);
	assert_int_equal(m->ctime, 1LL << 40);
	assert_int_equal(m->flags, IS_LAST | IS_INDEXED);
	assert_int_equal(loaded(UIDL_HASH, 1), 0);
	assert_int_equal(loaded(UIDL_AUTO, 2), 0);
	maildir_list_free(&back);
	maildir_list_free(&l);
}

/* Each bit of a byte that was turned is seen, and each end too early. */
static void
test_a_damaged_index_is_none(void **state)
{
	struct maildir_list l;
	size_t size;

	make_list(&l);
	assert_true(maildir_index_save(dir, UIDL_AUTO, 1, &l));
	char *data = read_all("index.maildir", &size);
	for (size_t i = 0; i < size; i++) {
		data[i] ^= (char)(1 << i % 8);
		write_all("index.maildir", data, size);
		assert_int_equal(loaded(UIDL_AUTO, 1), 0);
		data[i] ^= (char)(1 << i % 8);
		write_all("index.maildir", data, i);
		assert_int_equal(loaded(UIDL_AUTO, 1), 0);
	}
	free(data);
	maildir_list_free(&l);
}

static void
test_a_journal_is_what_was_written(void **state)
{
	struct maildir_list l, back = { .count = 0 };
	int fd, second;

	make_list(&l);
	assert_false(names_journal_waits(dir));
	assert_int_equal(names_journal_write(dir, &l, &fd), NAMES_OK);
	assert_true(names_journal_waits(dir));
	/* It is not written over. */
	assert_int_equal(names_journal_write(dir, &l, &second), NAMES_FAILED);
	close(fd);
	assert_int_equal(names_journal_read(dir, &back, &fd), NAMES_OK);
	assert_int_equal(back.count, 2);
	assert_string_equal(maildir_name(&back, &back.messages[0]), "1.a");
	assert_string_equal(maildir_name(&back, &back.messages[1]), "3.c");
	assert_int_equal(back.messages[1].ino, 12);
	assert_int_equal(back.messages[1].size, 100);
	assert_int_equal(back.messages[1].mtime, -5);
	assert_int_equal(back.messages[1].flags, IS_MARKED);
	assert_true(names_journal_remove(dir));
	close(fd);
	maildir_list_free(&back);
	assert_int_equal(names_journal_read(dir, &back, &fd), NAMES_NONE);
	maildir_list_free(&l);
}

static void
test_a_damaged_journal_names_nothing(void **state)
{
	struct maildir_list l, back = { .count = 0 };
	size_t size;
	int fd;

	make_list(&l);
	assert_int_equal(names_journal_write(dir, &l, &fd), NAMES_OK);
	close(fd);
	char *data = read_all("journal.maildir", &size);
	for (size_t i = 0; i < size; i++) {
		data[i] ^= (char)(1 << i % 8);
		write_all("journal.maildir", data, size);
		assert_int_equal(names_journal_read(dir, &back, &fd),
				 NAMES_DAMAGED);
		close(fd);
		maildir_list_free(&back);
		data[i] ^= (char)(1 << i % 8);
		write_all("journal.maildir", data, i);
		assert_int_equal(names_journal_read(dir, &back, &fd),
				 NAMES_DAMAGED);
		close(fd);
		maildir_list_free(&back);
	}
	free(data);
	maildir_list_free(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_index_is_what_was_saved,
						set_up_dir, tear_down_dir),
		cmocka_unit_test_setup_teardown(test_a_damaged_index_is_none,
						set_up_dir, tear_down_dir),
		cmocka_unit_test_setup_teardown(
		    test_a_journal_is_what_was_written, set_up_dir,
		    tear_down_dir),
		cmocka_unit_test_setup_teardown(
		    test_a_damaged_journal_names_nothing, set_up_dir,
		    tear_down_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
