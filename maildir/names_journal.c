/*
 * In the mailbox process and where a commit is recovered. The file: a header,
 * then for each message 24 bytes, the length of its name and its name.
 */
#include "maildir/names_journal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"
#include "maildir/index.h"

static const char journal_name[] = "journal.maildir";
static const char draft_name[] = "journal.maildir.tmp";
static const char magic[8] = "pop3djm";

/* Whoever holds the lock works: it is waited for some seconds. */
enum { VERSION = 1, LOCK_TRIES = 250, LOCK_STEP_MS = 20 };

/* A larger file is no work of ours, and memory is the host's. */
static const off_t largest = 4LL * 1024 * 1024 * 1024;

struct header {
	char magic[8];
	uint64_t low, high; /* hash of all that follows */
	uint32_t version, count;
};

struct entry {
	uint64_t ino, size, mtime;
	uint8_t name_len;
	char name[];
} __attribute__((packed));
static_assert(sizeof(struct entry) == 25, "a file's layout");

static const size_t unsummed = offsetof(struct header, version);

static void
put_checksum(const char *file, size_t size, struct header *h)
{
	XXH128_hash_t hash = XXH3_128bits(file + unsummed, size - unsummed);

	h->low = htole64(hash.low64);
	h->high = htole64(hash.high64);
}

bool
names_journal_waits(int state_dir)
{
	struct stat st;

	return fstatat(state_dir, journal_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
names_journal_remove(int state_dir)
{
	return unlinkat(state_dir, journal_name, 0) == 0 || errno == ENOENT;
}

/* ---- writing */

static bool
is_to_go(const struct maildir_message *m)
{
	return (m->flags & (IS_MARKED | IS_GONE)) == IS_MARKED;
}

static char *
put_entry(char *at, const struct maildir_list *l,
	  const struct maildir_message *m)
{
	struct entry *e = (void *)at;

	e->ino = htole64(m->ino);
	e->size = htole64((uint64_t)m->size);
	e->mtime = htole64((uint64_t)m->mtime);
	e->name_len = (uint8_t)m->unique_len;
	memcpy(e->name, maildir_name(l, m), m->unique_len);
	return at + sizeof(*e) + m->unique_len;
}

static char *
pack(const struct maildir_list *l, size_t *size)
{
	uint32_t count = 0;

	*size = sizeof(struct header);
	for (size_t i = 0; i < l->count; i++)
		if (is_to_go(&l->messages[i])) {
			*size +=
			    sizeof(struct entry) + l->messages[i].unique_len;
			count++;
		}
	char *file = malloc(*size);
	if (file == NULL)
		return NULL;
	struct header *h = (void *)file;
	char *at = file + sizeof(*h);
	*h = (struct header){ .version = htole32(VERSION),
			      .count = htole32(count) };
	memcpy(h->magic, magic, sizeof(magic));
	for (size_t i = 0; i < l->count; i++)
		if (is_to_go(&l->messages[i]))
			at = put_entry(at, l, &l->messages[i]);
	put_checksum(file, *size, h);
	return file;
}

static bool
is_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* A new file, or the index, which has its room already. */
static int
open_draft(int state_dir, bool anew, off_t size)
{
	static const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	struct stat st;

	/* Anybody may have left anything there, a FIFO or a link to mail. */
	if (unlinkat(state_dir, draft_name, 0) != 0 && errno != ENOENT)
		return -1;
	if (anew)
		return openat(state_dir, draft_name, flags | O_CREAT | O_EXCL,
			      0600);
	if (renameat(state_dir, maildir_index_name, state_dir, draft_name) !=
	    0) {
		if (errno == ENOENT)
			errno = ENOSPC; /* no index, no room */
		return -1;
	}
	int fd = openat(state_dir, draft_name, flags);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && st.st_size >= size)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = ENOSPC;
	return -1;
}

/* Durable and locked, under its last name. */
static bool
publish(int state_dir, int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 ||
	    renameat(state_dir, draft_name, state_dir, journal_name) != 0)
		return false;
	if (file_sync(state_dir))
		return true;
	int saved = errno;
	names_journal_remove(state_dir);
	errno = saved;
	return false;
}

static bool
write_draft(int state_dir, const char *file, size_t size, bool anew, int *fd)
{
	*fd = open_draft(state_dir, anew, (off_t)size);
	if (*fd >= 0 && file_write(*fd, file, size, 0) &&
	    (anew || file_truncate(*fd, (off_t)size)) && file_sync(*fd) &&
	    publish(state_dir, *fd))
		return true;
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	unlinkat(state_dir, draft_name, 0);
	errno = saved;
	return false;
}

enum names_result
names_journal_write(int state_dir, const struct maildir_list *l, int *fd)
{
	size_t size;
	char *file = pack(l, &size);

	*fd = -1;
	if (file == NULL) {
		errno = ENOMEM;
		return NAMES_FAILED;
	}
	/* One that waits must not be lost under the new one. */
	errno = EBUSY;
	bool ok = !names_journal_waits(state_dir) &&
		  (write_draft(state_dir, file, size, true, fd) ||
		   (is_no_room(errno) &&
		    write_draft(state_dir, file, size, false, fd)));
	int saved = errno;
	free(file);
	errno = saved;
	if (ok)
		return NAMES_OK;
	return is_no_room(saved) ? NAMES_NO_ROOM : NAMES_FAILED;
}

/* ---- reading */

static bool
is_named(int state_dir, int fd)
{
	struct stat named, open;

	return fstatat(state_dir, journal_name, &named, AT_SYMLINK_NOFOLLOW) ==
		   0 &&
	       fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

/* With its lock, and while it is still the journal. */
static enum names_result
open_locked(int state_dir, int *fd)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };

	for (int i = 0; i < LOCK_TRIES; i++) {
		*fd = openat(state_dir, journal_name,
			     O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (*fd < 0)
			return errno == ENOENT	? NAMES_NONE
			       : errno == ELOOP ? NAMES_DAMAGED
						: NAMES_FAILED;
		bool locked = flock(*fd, LOCK_EX | LOCK_NB) == 0;
		bool failed = !locked && errno != EWOULDBLOCK && errno != EINTR;
		if (locked && is_named(state_dir, *fd))
			return NAMES_OK;
		close(*fd);
		*fd = -1;
		if (failed)
			return NAMES_FAILED;
		if (!locked)
			nanosleep(&step, NULL);
	}
	errno = EBUSY;
	return NAMES_FAILED;
}

static enum names_result
unpack(const char *file, size_t size, struct maildir_list *l)
{
	const struct header *h = (const void *)file;
	struct header sum = *h;
	size_t at = sizeof(*h);
	char name[UINT8_MAX + 1];

	put_checksum(file, size, &sum);
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 ||
	    le32toh(h->version) != VERSION || sum.low != h->low ||
	    sum.high != h->high)
		return NAMES_DAMAGED;
	for (uint32_t n = le32toh(h->count); n > 0; n--) {
		const struct entry *e = (const void *)(file + at);

		if (size - at < sizeof(*e) ||
		    size - at - sizeof(*e) < e->name_len)
			return NAMES_DAMAGED;
		memcpy(name, e->name, e->name_len);
		name[e->name_len] = '\0';
		at += sizeof(*e) + e->name_len;
		struct maildir_message *m = maildir_list_add(l, name);
		if (m == NULL) {
			errno = ENOMEM;
			return NAMES_FAILED;
		}
		m->ino = le64toh(e->ino);
		m->size = (off_t)le64toh(e->size);
		m->mtime = (int64_t)le64toh(e->mtime);
		m->flags = IS_MARKED;
	}
	return NAMES_OK;
}

static enum names_result
read_all(int fd, struct maildir_list *l)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return NAMES_FAILED;
	if (!S_ISREG(st.st_mode) || st.st_size > largest ||
	    (size_t)st.st_size < sizeof(struct header))
		return NAMES_DAMAGED;
	char *file = malloc((size_t)st.st_size);
	enum names_result r = NAMES_FAILED;
	if (file == NULL)
		errno = ENOMEM;
	else if (file_read(fd, file, (size_t)st.st_size, 0))
		r = unpack(file, (size_t)st.st_size, l);
	int saved = errno;
	free(file);
	errno = saved;
	return r;
}

enum names_result
names_journal_read(int state_dir, struct maildir_list *l, int *fd)
{
	*fd = -1;
	enum names_result r = open_locked(state_dir, fd);

	if (r == NAMES_OK)
		r = read_all(*fd, l);
	if (r == NAMES_FAILED && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return r;
}
