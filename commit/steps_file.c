/*
 * Writes and reads the journal of a commit in steps. In the mailbox process and
 * wherever a commit is finished. Must not know what is in the mailbox.
 */
#include "commit/steps_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"
#include "commit/steps_magic.h"

enum { STEPS_VERSION = 1, STEP_LIMIT = 64 * 1024 * 1024 };

enum {
	IN_VERSION = 8,
	IN_OLD_SIZE = 16,
	IN_ROOM = 24,
	IN_STEP_MAX = 32,
	IN_COUNT = 40,
	IN_FLAGS = 48,
	IN_RANGES_HASH = 56,
	IN_HEAD_HASH = 72,
	HEAD_SIZE = 88,
	IN_RECORDS = 512, /* each in a sector of its own */
	RECORD_ROOM = 512,
	IN_RANGES = IN_RECORDS + 2 * RECORD_ROOM,
	RANGE_SIZE = 16
};

enum {
	R_NUMBER = 0,
	R_TO = 8,
	R_FROM = 16,
	R_LEN = 24,
	R_NEXT = 32,
	R_KEPT = 40,
	R_HASHES = 48,
	R_HASH = R_HASHES + 5 * 16,
	RECORD_SIZE = R_HASH + 16
};

enum { STEPS_UNREAD = 1 };

/* Hashes */

struct journal_hash
steps_hash(const unsigned char *p, off_t len, uint64_t seed)
{
	XXH128_hash_t digest = XXH3_128bits_withSeed(p, (size_t)len, seed);
	struct journal_hash hash = { digest.low64, digest.high64 };

	return hash;
}

bool
steps_hash_equal(struct journal_hash a, struct journal_hash b)
{
	return a.low == b.low && a.high == b.high;
}

static bool
hash_is_at(const unsigned char *at, struct journal_hash is)
{
	return steps_hash_equal(get_hash(at), is);
}

/* The head and the ranges */

off_t
steps_kept_at(const struct steps_file *f)
{
	off_t end = IN_RANGES + (off_t)f->plan.n * RANGE_SIZE;

	return (end + RECORD_ROOM - 1) / RECORD_ROOM * RECORD_ROOM;
}

static struct journal_hash
hash_of_head(const unsigned char *head)
{
	static const struct journal_hash none;
	unsigned char copy[HEAD_SIZE];

	memcpy(copy, head, HEAD_SIZE);
	put_hash(copy + IN_HEAD_HASH, none);
	return steps_hash(copy, HEAD_SIZE, 0);
}

static void
put_head(unsigned char *head, const struct steps_file *f)
{
	memcpy(head, steps_magic, STEPS_MAGIC_SIZE);
	put32(head + IN_VERSION, STEPS_VERSION);
	put64(head + IN_OLD_SIZE, (uint64_t)f->plan.old_size);
	put64(head + IN_ROOM, (uint64_t)f->plan.room);
	put64(head + IN_STEP_MAX, (uint64_t)f->plan.step_max);
	put64(head + IN_COUNT, f->plan.n);
	put64(head + IN_FLAGS, f->unread ? STEPS_UNREAD : 0);
}

bool
steps_write_head(const struct steps_file *f)
{
	size_t len = (size_t)steps_kept_at(f);
	unsigned char *head = calloc(1, len);

	if (head == NULL)
		return false;
	put_head(head, f);
	for (size_t i = 0; i < f->plan.n; i++) {
		unsigned char *at = head + IN_RANGES + i * RANGE_SIZE;

		put64(at, (uint64_t)f->ranges[i].start);
		put64(at + 8, (uint64_t)f->ranges[i].end);
	}
	put_hash(
	    head + IN_RANGES_HASH,
	    steps_hash(head + IN_RANGES, (off_t)f->plan.n * RANGE_SIZE, 0));
	put_hash(head + IN_HEAD_HASH, hash_of_head(head));
	bool ok = file_write(f->fd, head, len, 0);
	free(head);
	return ok;
}

/* In order, not touching, within the mailbox, and not all of it. */
static bool
ranges_are_right(const struct steps_file *f)
{
	off_t at = -1;

	for (size_t i = 0; i < f->plan.n; i++) {
		const struct commit_range *r = &f->ranges[i];

		if (r->start <= at || r->end <= r->start ||
		    r->end > f->plan.old_size)
			return false;
		at = r->end;
	}
	return f->plan.n > 0;
}

static enum journal_result
read_ranges(struct steps_file *f, const unsigned char *head)
{
	size_t len = f->plan.n * RANGE_SIZE;
	unsigned char *bytes = malloc(len);
	enum journal_result result = JOURNAL_ERROR;

	f->ranges = calloc(f->plan.n, sizeof(*f->ranges));
	f->plan.ranges = f->ranges;
	if (bytes == NULL || f->ranges == NULL ||
	    !file_read(f->fd, bytes, len, IN_RANGES))
		goto out;
	for (size_t i = 0; i < f->plan.n; i++) {
		const unsigned char *at = bytes + i * RANGE_SIZE;

		f->ranges[i].start = (off_t)get64(at);
		f->ranges[i].end = (off_t)get64(at + 8);
	}
	result = hash_is_at(head + IN_RANGES_HASH,
			    steps_hash(bytes, (off_t)len, 0)) &&
			 ranges_are_right(f)
		     ? JOURNAL_OK
		     : JOURNAL_DAMAGED;
out:
	free(bytes);
	return result;
}

/* What the head says is what the file has. */
static bool
take_head(struct steps_file *f, const unsigned char *head, off_t size)
{
	uint64_t old_size = get64(head + IN_OLD_SIZE);
	uint64_t room = get64(head + IN_ROOM);
	uint64_t step_max = get64(head + IN_STEP_MAX);
	uint64_t n = get64(head + IN_COUNT);

	if (!steps_is_head(head) || get32(head + IN_VERSION) != STEPS_VERSION ||
	    !hash_is_at(head + IN_HEAD_HASH, hash_of_head(head)) ||
	    old_size > INT64_MAX / 2 || step_max == 0 ||
	    step_max > STEP_LIMIT || room > step_max || n == 0 ||
	    n > (uint64_t)size / RANGE_SIZE)
		return false;
	f->plan.old_size = (off_t)old_size;
	f->plan.room = (off_t)room;
	f->plan.step_max = (off_t)step_max;
	f->plan.n = (size_t)n;
	f->unread = get64(head + IN_FLAGS) & STEPS_UNREAD;
	return steps_kept_at(f) + f->plan.room == size;
}

enum journal_result
steps_read_head(struct steps_file *f)
{
	unsigned char head[HEAD_SIZE];
	struct stat st;

	if (!file_look(f->fd, &st))
		return JOURNAL_ERROR;
	if (!S_ISREG(st.st_mode) || st.st_size < HEAD_SIZE)
		return JOURNAL_DAMAGED;
	if (!file_read(f->fd, head, sizeof(head), 0))
		return JOURNAL_ERROR;
	if (!take_head(f, head, st.st_size))
		return JOURNAL_DAMAGED;
	return read_ranges(f, head);
}

/* The records */

static void
put_record(unsigned char *p, const struct steps_record *r)
{
	put64(p + R_NUMBER, r->number);
	put64(p + R_TO, (uint64_t)r->move.to);
	put64(p + R_FROM, (uint64_t)r->move.from);
	put64(p + R_LEN, (uint64_t)r->move.len);
	put64(p + R_NEXT, (uint64_t)r->move.next);
	put64(p + R_KEPT, (uint64_t)r->move.kept);
	put_hash(p + R_HASHES, r->before);
	put_hash(p + R_HASHES + 16, r->after);
	put_hash(p + R_HASHES + 32, r->payload);
	put_hash(p + R_HASHES + 48, r->kept);
	put_hash(p + R_HASHES + 64, r->rest);
	put_hash(p + R_HASH, steps_hash(p, R_HASH, 0));
}

/* It is a step of the plan's ranges, and leaves a gap. */
static bool
is_step(const struct steps_file *f, const struct steps_record *r)
{
	const struct steps_move *m = &r->move;

	if (m->to < f->ranges[0].start || m->from <= m->to || m->len < 0 ||
	    m->len > f->plan.step_max || m->kept < 0 || m->kept > m->len ||
	    m->kept > f->plan.room || m->next < m->from ||
	    m->next > INT64_MAX / 2 || m->next - m->len <= m->to)
		return false;
	struct steps_cursor c = steps_cursor_at(&f->plan, m->from);
	return c.pos == m->from &&
	       steps_pass(&f->plan, &c, m->len, m->next) == m->len &&
	       c.pos == m->next;
}

static bool
get_record(const struct steps_file *f, const unsigned char *p,
	   struct steps_record *r)
{
	r->number = get64(p + R_NUMBER);
	r->move.to = (off_t)get64(p + R_TO);
	r->move.from = (off_t)get64(p + R_FROM);
	r->move.len = (off_t)get64(p + R_LEN);
	r->move.next = (off_t)get64(p + R_NEXT);
	r->move.kept = (off_t)get64(p + R_KEPT);
	r->before = get_hash(p + R_HASHES);
	r->after = get_hash(p + R_HASHES + 16);
	r->payload = get_hash(p + R_HASHES + 32);
	r->kept = get_hash(p + R_HASHES + 48);
	r->rest = get_hash(p + R_HASHES + 64);
	return r->number > 0 &&
	       hash_is_at(p + R_HASH, steps_hash(p, R_HASH, 0)) &&
	       is_step(f, r);
}

bool
steps_write_record(const struct steps_file *f, const struct steps_record *r,
		   const unsigned char *payload)
{
	unsigned char bytes[RECORD_SIZE];
	off_t at = IN_RECORDS + (off_t)(r->number % 2) * RECORD_ROOM;

	put_record(bytes, r);
	return file_write(f->fd, payload, (size_t)r->move.kept,
			  steps_kept_at(f)) &&
	       file_write(f->fd, bytes, sizeof(bytes), at) &&
	       file_sync_data(f->fd);
}

int
steps_read_records(const struct steps_file *f, struct steps_record records[2])
{
	unsigned char bytes[RECORD_SIZE];
	int n = 0;

	for (off_t i = 0; i < 2; i++) {
		if (!file_read(f->fd, bytes, sizeof(bytes),
			       IN_RECORDS + i * RECORD_ROOM))
			return -1;
		n += get_record(f, bytes, &records[n]);
	}
	if (n == 2 && records[0].number < records[1].number) {
		struct steps_record younger = records[1];

		records[1] = records[0];
		records[0] = younger;
	}
	return n;
}

bool
steps_read_kept(const struct steps_file *f, const struct steps_record *r,
		unsigned char *payload)
{
	return file_read(f->fd, payload, (size_t)r->move.kept,
			 steps_kept_at(f));
}
