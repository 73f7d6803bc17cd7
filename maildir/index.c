/*
 * In the mailbox process. The file: a header, 48 bytes a message, and the
 * names; all numbers little-endian.
 */
#include "maildir/index.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"
#include "maildir/name.h"

const char maildir_index_name[] = "index.maildir";
static const char temporary[] = "index.maildir.tmp";
static const char magic[8] = "pop3dmd";

enum { VERSION = 1, LINE_END_MAX = 2 };

/* A larger file is no work of ours, and memory is the host's. */
static const off_t largest = 4LL * 1024 * 1024 * 1024;

struct header {
	char magic[8];
	uint64_t checksum; /* of all that follows */
	uint32_t version, kind;
	uint64_t count, names_len;
	uint64_t dev;
};

struct record {
	uint64_t octets, size, ino, mtime, ctime;
	uint32_t name, flags;
};
static_assert(sizeof(struct record) == 48, "48 bytes a message");
static_assert(sizeof(struct header) % 8 == 0, "no padding at the end");

static const size_t unsummed =
    offsetof(struct header, checksum) + sizeof(uint64_t);

enum { RECORDS_AT_ONCE = 1024 };

/* ---- reading */

static int
open_file(int state_dir, off_t *size)
{
	int fd = openat(state_dir, maildir_index_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= largest &&
	    st.st_size >= (off_t)sizeof(struct header)) {
		*size = st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

static bool
is_ours(const struct header *h, off_t size, enum uidl_kind kind, uint64_t dev)
{
	uint64_t room = (uint64_t)size - sizeof(*h);
	uint64_t count = le64toh(h->count), names = le64toh(h->names_len);

	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	       le32toh(h->version) == VERSION &&
	       le32toh(h->kind) == (uint32_t)kind && le64toh(h->dev) == dev &&
	       count <= room / sizeof(struct record) && count < UINT32_MAX &&
	       names == room - count * sizeof(struct record) &&
	       (count == 0 || names > 0);
}

static bool
unpack(const struct record *r, const struct maildir_list *l,
       struct maildir_message *m)
{
	uint32_t name = le32toh(r->name);

	if (name >= l->names.len)
		return false;
	size_t unique_len = maildir_unique_length(l->names.text + name);
	*m = (struct maildir_message){
		.octets = (off_t)le64toh(r->octets),
		.size = (off_t)le64toh(r->size),
		.ino = le64toh(r->ino),
		.mtime = (int64_t)le64toh(r->mtime),
		.ctime = (int64_t)le64toh(r->ctime),
		.name = name,
		.unique_len = (uint16_t)unique_len,
		.flags =
		    (uint16_t)((le32toh(r->flags) & KEPT_FLAGS) | IS_INDEXED),
	};
	return unique_len <= NAME_MAX && m->size >= 0 && m->octets >= m->size &&
	       m->octets / LINE_END_MAX <= m->size + 1;
}

static bool
read_names(int fd, off_t size, size_t len, struct maildir_list *l)
{
	l->names.text = malloc(len + 1);
	if (l->names.text == NULL ||
	    !file_read(fd, l->names.text, len, size - (off_t)len))
		return false;
	l->names.text[len] = '\0';
	l->names.len = len;
	l->names.capacity = len + 1;
	return len == 0 || l->names.text[len - 1] == '\0';
}

static bool
read_all(int fd, off_t size, enum uidl_kind kind, uint64_t dev,
	 struct maildir_list *l)
{
	struct record records[RECORDS_AT_ONCE];
	XXH3_state_t sum;
	struct header h;
	off_t at = sizeof(h);

	if (!file_read(fd, &h, sizeof(h), 0) || !is_ours(&h, size, kind, dev) ||
	    !read_names(fd, size, (size_t)le64toh(h.names_len), l))
		return false;
	size_t count = (size_t)le64toh(h.count);
	XXH3_64bits_reset(&sum);
	XXH3_64bits_update(&sum, (char *)&h + unsummed, sizeof(h) - unsummed);
	l->messages = malloc((count + 1) * sizeof(*l->messages));
	l->capacity = count + 1;
	while (l->messages != NULL && l->count < count) {
		size_t n = count - l->count < RECORDS_AT_ONCE ? count - l->count
							      : RECORDS_AT_ONCE;
		if (!file_read(fd, records, n * sizeof(records[0]), at))
			return false;
		XXH3_64bits_update(&sum, records, n * sizeof(records[0]));
		at += (off_t)(n * sizeof(records[0]));
		for (size_t i = 0; i < n; i++)
			if (!unpack(&records[i], l, &l->messages[l->count++]))
				return false;
	}
	XXH3_64bits_update(&sum, l->names.text, l->names.len);
	return l->messages != NULL &&
	       htole64(XXH3_64bits_digest(&sum)) == h.checksum;
}

void
maildir_index_load(int state_dir, enum uidl_kind kind, uint64_t dev,
		   struct maildir_list *l)
{
	off_t size;
	int fd = open_file(state_dir, &size);

	if (fd < 0)
		return;
	if (!read_all(fd, size, kind, dev, l))
		maildir_list_free(l);
	close(fd);
}

/* ---- writing */

/* What is written goes through a buffer, and into the checksum. */
struct writer {
	int fd;
	bool failed;
	off_t at;
	size_t len;
	XXH3_state_t sum;
	char buf[64 * 1024];
};

static void
flush(struct writer *w)
{
	if (!w->failed && !file_write(w->fd, w->buf, w->len, w->at))
		w->failed = true;
	XXH3_64bits_update(&w->sum, w->buf, w->len);
	w->at += (off_t)w->len;
	w->len = 0;
}

static void
put(struct writer *w, const void *data, size_t len)
{
	if (len > sizeof(w->buf) - w->len)
		flush(w);
	memcpy(w->buf + w->len, data, len);
	w->len += len;
}

static void
put_record(struct writer *w, const struct maildir_message *m, size_t name)
{
	const struct record r = {
		.octets = htole64((uint64_t)m->octets),
		.size = htole64((uint64_t)m->size),
		.ino = htole64(m->ino),
		.mtime = htole64((uint64_t)m->mtime),
		.ctime = htole64((uint64_t)m->ctime),
		.name = htole32((uint32_t)name),
		.flags = htole32(m->flags & KEPT_FLAGS),
	};

	put(w, &r, sizeof(r));
}

/* How many there are to write, and the room that their names take. */
static size_t
count_kept(const struct maildir_list *l, size_t *names_len)
{
	size_t kept = 0;

	*names_len = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct maildir_message *m = &l->messages[i];

		if (m->flags & IS_GONE)
			continue;
		kept++;
		*names_len += strlen(maildir_name(l, m)) + 1;
	}
	return kept;
}

static bool
write_all(struct writer *w, enum uidl_kind kind, uint64_t dev,
	  const struct maildir_list *l)
{
	size_t names_len, at = 0;
	struct header h = {
		.version = htole32(VERSION),
		.kind = htole32((uint32_t)kind),
		.count = htole64(count_kept(l, &names_len)),
		.names_len = htole64(names_len),
		.dev = htole64(dev),
	};

	memcpy(h.magic, magic, sizeof(magic));
	w->failed = false;
	w->len = 0;
	w->at = (off_t)unsummed;
	XXH3_64bits_reset(&w->sum);
	put(w, (char *)&h + unsummed, sizeof(h) - unsummed);
	for (size_t i = 0; i < l->count; i++) {
		const struct maildir_message *m = &l->messages[i];

		if (m->flags & IS_GONE)
			continue;
		put_record(w, m, at);
		at += strlen(maildir_name(l, m)) + 1;
	}
	for (size_t i = 0; i < l->count; i++) {
		const struct maildir_message *m = &l->messages[i];
		const char *name = maildir_name(l, m);

		if ((m->flags & IS_GONE) == 0)
			put(w, name, strlen(name) + 1);
	}
	flush(w);
	h.checksum = htole64(XXH3_64bits_digest(&w->sum));
	return !w->failed && file_write(w->fd, &h, unsummed, 0);
}

/* Not synced: after a crash it is whole, or found damaged and built anew. */
bool
maildir_index_save(int state_dir, enum uidl_kind kind, uint64_t dev,
		   const struct maildir_list *l)
{
	/* The hash's state has to stand where its vectors can be loaded. */
	struct writer *w = aligned_alloc(alignof(struct writer), sizeof(*w));

	if (w == NULL)
		return false;
	w->fd = file_begin_draft(state_dir, temporary);
	bool ok = w->fd >= 0 &&
		  file_end_draft(w->fd, write_all(w, kind, dev, l), state_dir,
				 temporary, maildir_index_name);
	int saved = errno;
	free(w);
	errno = saved;
	return ok;
}
