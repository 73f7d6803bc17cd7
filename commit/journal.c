/*
 * The journal's format: written in one pass over the mailbox, checked, and
 * compared with the mailbox. In the mailbox process and wherever a commit is
 * finished. Must not know when a journal is to be carried out: commit.c does.
 */
#include "commit/journal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/compat.h"
#include "base/fileio.h"

/* Tests make it small, so that everything happens at its borders too. */
#ifndef JOURNAL_BLOCK
#define JOURNAL_BLOCK (1024 * 1024)
#endif

enum { BLOCK = JOURNAL_BLOCK, TABLE_BLOCK = BLOCK / SECTOR * ENTRY };

/* Octets before the change that tell the mailbox, where none are kept after. */
enum { WITNESS = 4096 };

static const char journal_name[] = "journal";
static const char draft_name[] = "journal.tmp";

/* What one pass over a mailbox works with. */
struct pass {
	const struct journal *j;
	int mailbox;
	unsigned char *in;    /* bytes of the mailbox */
	unsigned char *out;   /* bytes of the payload */
	unsigned char *table; /* the sector table's part for one block */
	off_t filled;	      /* to here the payload is in `out` */
	off_t flushed;	      /* to here it is in the journal */
	XXH3_state_t payload_hash, table_hash, tail_hash;
};

static off_t
min_off(off_t a, off_t b)
{
	return a < b ? a : b;
}

static off_t
max_off(off_t a, off_t b)
{
	return a > b ? a : b;
}

/* Where the block ends that holds the byte at pos, or the range before it. */
static off_t
block_end(off_t pos, off_t limit)
{
	return min_off(pos - pos % BLOCK + BLOCK, limit);
}

/* Of the n bytes at p, the part from offset `from` to `to` of a file. */
static void
hash_part(XXH3_state_t *h, const unsigned char *p, off_t pos, off_t from,
	  off_t to)
{
	if (from < to)
		(void)XXH3_128bits_update(h, p + (from - pos),
					  (size_t)(to - from));
}

static struct journal_hash
hash_end(const XXH3_state_t *h)
{
	XXH128_hash_t digest = XXH3_128bits_digest(h);
	struct journal_hash hash = { digest.low64, digest.high64 };

	return hash;
}

static bool
hash_equal(const struct journal_hash *a, const struct journal_hash *b)
{
	return a->low == b->low && a->high == b->high;
}

static void
sector_hash(unsigned char entry[ENTRY], const unsigned char *sector, off_t n)
{
	uint64_t hash = htole64(XXH3_64bits(sector, (size_t)n));

	memcpy(entry, &hash, ENTRY);
}

static bool
pass_begin(struct pass *p, const struct journal *j, int mailbox)
{
	memset(p, 0, sizeof(*p));
	p->j = j;
	p->mailbox = mailbox;
	p->filled = p->flushed = j->first;
	(void)XXH3_128bits_reset(&p->payload_hash);
	(void)XXH3_128bits_reset(&p->table_hash);
	(void)XXH3_128bits_reset(&p->tail_hash);
	/* pages of the mailbox are pages of the buffers: a write that is cut
	 * within the kernel then ends where a sector ends */
	p->in = aligned_alloc(PAGE, BLOCK);
	p->out = aligned_alloc(PAGE, BLOCK);
	p->table = aligned_alloc(PAGE, TABLE_BLOCK);
	return p->in && p->out && p->table;
}

static void
pass_end(struct pass *p)
{
	int saved = errno;

	free(p->in);
	free(p->out);
	free(p->table);
	errno = saved;
}

/* Writing */

/* Room for all of it, so that a full disk is noticed before it matters. */
static bool
reserve(const struct journal *j)
{
	off_t need = journal_size(j);
	struct rlimit limit;
	struct statvfs fs;

	/* The limit holds for writes inside the mailbox too. */
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	if (limit.rlim_cur != RLIM_INFINITY &&
	    (uint64_t)max_off(need, j->end + 1) > limit.rlim_cur) {
		errno = EFBIG;
		return false;
	}
	if (TEMP_FAILURE_RETRY(fallocate(j->fd, 0, 0, need)) == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	if (fstatvfs(j->fd, &fs) != 0)
		return false;
	if ((uint64_t)need / fs.f_frsize < fs.f_bavail)
		return true;
	errno = ENOSPC;
	return false;
}

/* What `out` holds goes into the journal. */
static bool
flush(struct pass *p)
{
	const struct journal *j = p->j;
	const unsigned char *from = p->out + p->flushed % BLOCK;
	size_t len = (size_t)(p->filled - p->flushed);

	if (!file_write(j->fd, from, len, j->data + p->flushed - j->first))
		return false;
	(void)XXH3_128bits_update(&p->payload_hash, from, len);
	p->flushed = p->filled;
	return true;
}

static bool
keep(struct pass *p, const unsigned char *bytes, off_t len)
{
	while (len > 0) {
		off_t n = block_end(p->filled, p->filled + len) - p->filled;

		memcpy(p->out + p->filled % BLOCK, bytes, (size_t)n);
		p->filled += n;
		bytes += n;
		len -= n;
		if (p->filled % BLOCK == 0 && !flush(p))
			return false;
	}
	return true;
}

/* The old bytes from pos to `to`, a part of one block, go into the table. */
static bool
tabulate(struct pass *p, off_t pos, off_t to)
{
	const struct journal *j = p->j;
	const unsigned char *bytes = p->in;
	off_t at = journal_entry(j, pos);
	size_t len = 0;

	to = min_off(to, j->end);
	if (pos >= to)
		return true;
	while (pos < to) {
		off_t n = min_off(pos - pos % SECTOR + SECTOR, to) - pos;

		sector_hash(p->table + len, bytes, n);
		len += ENTRY;
		bytes += n;
		pos += n;
	}
	(void)XXH3_128bits_update(&p->table_hash, p->table, len);
	return file_write(j->fd, p->table, len, at);
}

/* One pass over the mailbox; *r moves through its ranges. */
static bool
write_body(struct pass *p, const struct commit_range *r, size_t n)
{
	const struct journal *j = p->j;
	const struct commit_range *last = r + n;
	off_t pos, to;

	for (pos = j->first; pos < j->old_size; pos = to) {
		off_t done = pos;

		to = block_end(pos, j->old_size);
		if (!file_read(p->mailbox, p->in, (size_t)(to - pos), pos) ||
		    !tabulate(p, pos, to))
			return false;
		hash_part(&p->tail_hash, p->in, pos, max_off(pos, j->end + 1),
			  to);
		for (; r < last && r->start < to; r++) {
			if (r->start > done &&
			    !keep(p, p->in + (done - pos), r->start - done))
				return false;
			done = max_off(done, min_off(r->end, to));
			if (r->end > to)
				break;
		}
		if (!keep(p, p->in + (done - pos), to - done))
			return false;
	}
	return p->filled == p->flushed || flush(p);
}

/* Anybody may have left anything there, or have a second name for it. */
static int
open_spare(int dir)
{
	int fd = openat(dir, draft_name,
			O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && file_look(fd, &st) && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int
journal_create_draft(int dir, const char *spare)
{
	int fd;

	/* Whatever an interrupted commit, or anybody, left there. */
	if (!journal_remove_draft(dir))
		return -1;
	if (spare != NULL && renameat(dir, spare, dir, draft_name) == 0) {
		fd = open_spare(dir);
		if (fd >= 0 || !journal_remove_draft(dir))
			return fd;
	}
	return openat(dir, draft_name,
		      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      S_IRUSR | S_IWUSR);
}

static bool
write_draft(struct journal *j, int mailbox, const struct commit_range *ranges,
	    size_t n)
{
	struct pass p;
	bool ok = pass_begin(&p, j, mailbox) && reserve(j) &&
		  write_body(&p, ranges, n);

	j->payload = hash_end(&p.payload_hash);
	j->table = hash_end(&p.table_hash);
	j->tail = hash_end(&p.tail_hash);
	pass_end(&p);
	return ok && journal_write_head(j) && file_sync(j->fd);
}

static void
lay_out(struct journal *j, off_t size, const struct commit_range *ranges,
	size_t n)
{
	memset(j, 0, sizeof(*j));
	j->first = ranges[0].start;
	j->end = j->old_size = size;
	for (size_t i = 0; i < n; i++)
		j->end -= ranges[i].end - ranges[i].start;
	assert(j->end > 0);
	j->shortens = j->first == j->end;
	if (j->shortens)
		j->first -= min_off(j->first, WITNESS);
	journal_place(j);
}

off_t
journal_need(off_t size, const struct commit_range *ranges, size_t n)
{
	struct journal j;

	lay_out(&j, size, ranges, n);
	return journal_size(&j);
}

bool
journal_write(struct journal *j, int dir, int mailbox, off_t size,
	      const struct commit_range *ranges, size_t n, bool unread)
{
	int saved;

	lay_out(j, size, ranges, n);
	j->unread = unread;
	j->fd = journal_create_draft(dir, NULL);
	if (j->fd < 0)
		return false;
	if (write_draft(j, mailbox, ranges, n))
		return true;
	saved = errno;
	(void)journal_close(j);
	/* One that stays behind decides nothing and is removed later. */
	(void)journal_remove_draft(dir);
	errno = saved;
	return false;
}

bool
journal_publish(int dir)
{
	return renameat(dir, draft_name, dir, journal_name) == 0;
}

/* Reading */

static bool
exists(int dir, const char *name)
{
	struct stat st;

	/*
	 * That there was none may be remembered from before another host made
	 * it, until the directory is seen to have changed.
	 */
	if (!file_look(dir, &st))
		return true;
	/* Where it cannot be told, opening it will say why. */
	return file_look_at(dir, name, &st) || errno != ENOENT;
}

bool
journal_waits(int dir)
{
	return exists(dir, journal_name);
}

bool
journal_draft_waits(int dir)
{
	return exists(dir, draft_name);
}

enum journal_result
journal_open(struct journal *j, int dir)
{
	enum journal_result result;
	int saved;

	memset(j, 0, sizeof(*j));
	j->fd = openat(dir, journal_name,
		       O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (j->fd < 0 && errno == ENOENT)
		return JOURNAL_NONE;
	if (j->fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO
			   ? JOURNAL_DAMAGED
			   : JOURNAL_ERROR;
	result = journal_read_head(j);
	if (result != JOURNAL_OK && result != JOURNAL_STEPS) {
		saved = errno;
		(void)journal_close(j);
		errno = saved;
	}
	return result;
}

/* One block of both, which is in memory, from pos on. */
static void
compare_block(const struct pass *p, off_t pos, off_t to,
	      struct journal_view *view)
{
	const unsigned char *is = p->in, *new = p->out, *entry = p->table;
	unsigned char hash[ENTRY];

	while (pos < to) {
		off_t n = min_off(pos - pos % SECTOR + SECTOR, to) - pos;

		if (memcmp(is, new, (size_t)n) != 0) {
			view->all_new = false;
			sector_hash(hash, is, n);
			if (memcmp(hash, entry, ENTRY) != 0)
				view->old_or_new = false;
		}
		is += n;
		new += n;
		entry += ENTRY;
		pos += n;
	}
}

/* The journal is read whole, also where the mailbox is another one. */
static bool
compare_payload(struct pass *p, struct journal_view *view)
{
	const struct journal *j = p->j;
	off_t pos, to;

	for (pos = j->first; pos < j->end; pos = to) {
		size_t len, table_len;

		to = block_end(pos, j->end);
		len = (size_t)(to - pos);
		table_len =
		    (size_t)(journal_entry(j, to - 1) - journal_entry(j, pos)) +
		    ENTRY;
		if (!file_read(j->fd, p->out, len, j->data + pos - j->first) ||
		    !file_read(j->fd, p->table, table_len,
			       journal_entry(j, pos)))
			return false;
		(void)XXH3_128bits_update(&p->payload_hash, p->out, len);
		(void)XXH3_128bits_update(&p->table_hash, p->table, table_len);
		if (!view->old_or_new)
			continue;
		if (!file_read(p->mailbox, p->in, len, pos))
			return false;
		compare_block(p, pos, to, view);
	}
	return true;
}

static bool
compare_tail(struct pass *p, struct journal_view *view)
{
	const struct journal *j = p->j;
	struct journal_hash is;
	off_t pos, to;

	for (pos = j->end + 1; pos < j->old_size; pos = to) {
		to = block_end(pos, j->old_size);
		if (!file_read(p->mailbox, p->in, (size_t)(to - pos), pos))
			return false;
		hash_part(&p->tail_hash, p->in, pos, pos, to);
	}
	is = hash_end(&p->tail_hash);
	view->old_tail = hash_equal(&is, &j->tail);
	return true;
}

enum journal_result
journal_compare(const struct journal *j, int mailbox, off_t size,
		struct journal_view *view)
{
	enum journal_result result = JOURNAL_ERROR;
	struct journal_hash payload, table;
	struct pass p;

	view->all_new = view->old_or_new = size >= j->end;
	view->old_tail = false;
	if (!pass_begin(&p, j, mailbox) || !compare_payload(&p, view))
		goto out;
	if (view->old_or_new && size >= j->old_size && !compare_tail(&p, view))
		goto out;
	payload = hash_end(&p.payload_hash);
	table = hash_end(&p.table_hash);
	result =
	    hash_equal(&payload, &j->payload) && hash_equal(&table, &j->table)
		? JOURNAL_OK
		: JOURNAL_DAMAGED;
out:
	pass_end(&p);
	return result;
}

bool
journal_copy(const struct journal *j, int to, off_t at)
{
	unsigned char *buf = aligned_alloc(PAGE, BLOCK);
	bool ok = buf != NULL;
	off_t pos, next;

	for (pos = j->first; ok && pos < j->end; pos = next) {
		unsigned char *p = buf + pos % BLOCK;
		size_t len;

		next = block_end(pos, j->end);
		len = (size_t)(next - pos);
		ok = file_read(j->fd, p, len, j->data + pos - j->first) &&
		     file_write(to, p, len, at + pos - j->first);
	}
	free(buf);
	return ok;
}

/* Changing */

static bool
remove_name(int dir, const char *name)
{
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT;
}

bool
journal_is_named(const struct journal *j, int dir)
{
	struct stat named, open;

	if (!file_look(j->fd, &open))
		return false;
	if (!file_look_at(dir, journal_name, &named)) {
		if (errno == ENOENT)
			errno = ESTALE;
		return false;
	}
	errno = ESTALE;
	return named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

bool
journal_remove(int dir)
{
	return remove_name(dir, journal_name);
}

bool
journal_remove_draft(int dir)
{
	return remove_name(dir, draft_name);
}

bool
journal_set_aside(int dir, const char *name)
{
	return renameat(dir, journal_name, dir, name) == 0;
}

bool
journal_close(struct journal *j)
{
	int fd = j->fd;

	j->fd = -1;
	return fd < 0 || close(fd) == 0 || errno == EINTR;
}
