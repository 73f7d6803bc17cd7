/*
 * The head of a journal: encoded, checked, marked. Wherever journals are
 * written or read. Must not know what is in the mailbox.
 */
#include "commit/journal_head.h"

#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"
#include "commit/bytes.h"
#include "commit/steps_magic.h"

enum { HEAD_MAX = 2 * PAGE, VERSION = 1 };

enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_SECTOR = 12,
	AT_FIRST = 16,
	AT_END = 24,
	AT_OLD_SIZE = 32,
	AT_FLAGS = 40,
	AT_TAIL = 48,
	AT_PAYLOAD = 64,
	AT_TABLE = 80,
	AT_HEAD_HASH = 96,
	AT_MARK = 2048
};

enum { FLAG_UNREAD = 1, FLAG_SHORTENS = 2 };

static const unsigned char magic[8] = {
	'p', 'o', 'p', '3', 'd', 'j', 'n', 'l'
};
static const unsigned char mark[8] = { 't', 'r', 'u', 'n', 'c', 'a', 't', 'e' };

/* Places */

void
journal_place(struct journal *j)
{
	j->data = PAGE + j->first % PAGE;
}

off_t
journal_entry(const struct journal *j, off_t pos)
{
	return j->data + (j->end - j->first) +
	       (pos / SECTOR - j->first / SECTOR) * ENTRY;
}

off_t
journal_size(const struct journal *j)
{
	return journal_entry(j, j->end - 1) + ENTRY;
}

/* The head */

static struct journal_hash
head_hash(const unsigned char *head, off_t len)
{
	XXH128_hash_t digest = XXH3_128bits(head, (size_t)len);
	struct journal_hash hash = { digest.low64, digest.high64 };

	return hash;
}

bool
journal_write_head(const struct journal *j)
{
	unsigned char head[HEAD_MAX] = { 0 };

	memcpy(head + AT_MAGIC, magic, sizeof(magic));
	put32(head + AT_VERSION, VERSION);
	put32(head + AT_SECTOR, SECTOR);
	put64(head + AT_FIRST, (uint64_t)j->first);
	put64(head + AT_END, (uint64_t)j->end);
	put64(head + AT_OLD_SIZE, (uint64_t)j->old_size);
	put64(head + AT_FLAGS, (j->unread ? FLAG_UNREAD : 0u) |
				   (j->shortens ? FLAG_SHORTENS : 0u));
	put_hash(head + AT_TAIL, j->tail);
	put_hash(head + AT_PAYLOAD, j->payload);
	put_hash(head + AT_TABLE, j->table);
	put_hash(head + AT_HEAD_HASH, head_hash(head, j->data));
	return file_write(j->fd, head, (size_t)j->data, 0);
}

/* The mark is no part of the hash, so that it can be set in one write. */
static bool
take_mark(struct journal *j, unsigned char *head)
{
	static const unsigned char none[sizeof(mark)];

	j->marked = memcmp(head + AT_MARK, mark, sizeof(mark)) == 0;
	if (!j->marked && memcmp(head + AT_MARK, none, sizeof(none)) != 0)
		return false;
	memset(head + AT_MARK, 0, sizeof(mark));
	return true;
}

static bool
parse_head(struct journal *j, unsigned char *head, off_t len, off_t size)
{
	static const struct journal_hash none;
	struct journal_hash is, want = get_hash(head + AT_HEAD_HASH);
	uint64_t first = get64(head + AT_FIRST), end = get64(head + AT_END);
	uint64_t old_size = get64(head + AT_OLD_SIZE);

	if (memcmp(head + AT_MAGIC, magic, sizeof(magic)) != 0 ||
	    get32(head + AT_VERSION) != VERSION ||
	    get32(head + AT_SECTOR) != SECTOR || first >= end ||
	    end >= old_size || old_size > INT64_MAX / 2)
		return false;
	j->first = (off_t)first;
	j->end = (off_t)end;
	j->old_size = (off_t)old_size;
	journal_place(j);
	if (j->data > len || journal_size(j) != size || !take_mark(j, head))
		return false;
	put_hash(head + AT_HEAD_HASH, none);
	is = head_hash(head, j->data);
	j->unread = get64(head + AT_FLAGS) & FLAG_UNREAD;
	j->shortens = get64(head + AT_FLAGS) & FLAG_SHORTENS;
	j->tail = get_hash(head + AT_TAIL);
	j->payload = get_hash(head + AT_PAYLOAD);
	j->table = get_hash(head + AT_TABLE);
	return is.low == want.low && is.high == want.high;
}

enum journal_result
journal_read_head(struct journal *j)
{
	unsigned char head[HEAD_MAX] = { 0 };
	struct stat st;
	off_t len;

	if (!file_look(j->fd, &st))
		return JOURNAL_ERROR;
	if (!S_ISREG(st.st_mode))
		return JOURNAL_DAMAGED;
	len = st.st_size < HEAD_MAX ? st.st_size : HEAD_MAX;
	if (!file_read(j->fd, head, (size_t)len, 0))
		return JOURNAL_ERROR;
	if (steps_is_head(head))
		return JOURNAL_STEPS;
	return parse_head(j, head, len, st.st_size) ? JOURNAL_OK
						    : JOURNAL_DAMAGED;
}

bool
journal_mark(struct journal *j)
{
	j->marked = true;
	return file_write(j->fd, mark, sizeof(mark), AT_MARK) &&
	       file_sync_data(j->fd);
}
