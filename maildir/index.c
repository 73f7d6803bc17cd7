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
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"

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

static uint64_t
checksum(const char *file, size_t size)
{
	return htole64(XXH3_64bits(file + unsummed, size - unsummed));
}

/* ---- reading */

static char *
read_file(int state_dir, size_t *size)
{
	int fd = openat(state_dir, maildir_index_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *file = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= largest &&
	    (size_t)st.st_size >= sizeof(struct header)) {
		*size = (size_t)st.st_size;
		file = malloc(*size);
	}
	if (file != NULL && !file_read(fd, file, *size, 0)) {
		free(file);
		file = NULL;
	}
	close(fd);
	return file;
}

static bool
is_sound(const char *file, size_t size, enum uidl_kind kind, uint64_t dev)
{
	const struct header *h = (const void *)file;
	uint64_t room = size - sizeof(*h);
	uint64_t count = le64toh(h->count), names = le64toh(h->names_len);

	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	       le32toh(h->version) == VERSION &&
	       le32toh(h->kind) == (uint32_t)kind && le64toh(h->dev) == dev &&
	       count <= room / sizeof(struct record) && count < UINT32_MAX &&
	       names == room - count * sizeof(struct record) &&
	       (names == 0 || file[size - 1] == '\0') &&
	       checksum(file, size) == h->checksum;
}

static bool
unpack(const struct record *r, const char *names, uint64_t names_len,
       struct maildir_list *l)
{
	uint32_t name = le32toh(r->name);

	if (name >= names_len)
		return false;
	struct maildir_message *m = maildir_list_add(l, names + name);
	if (m == NULL)
		return false;
	m->octets = (off_t)le64toh(r->octets);
	m->size = (off_t)le64toh(r->size);
	m->ino = le64toh(r->ino);
	m->mtime = (int64_t)le64toh(r->mtime);
	m->ctime = (int64_t)le64toh(r->ctime);
	m->flags = (uint16_t)((le32toh(r->flags) & KEPT_FLAGS) | IS_INDEXED);
	return m->unique_len <= NAME_MAX && m->size >= 0 &&
	       m->octets >= m->size && m->octets / LINE_END_MAX <= m->size + 1;
}

void
maildir_index_load(int state_dir, enum uidl_kind kind, uint64_t dev,
		   struct maildir_list *l)
{
	size_t size = 0;
	char *file = read_file(state_dir, &size);
	bool ok = file != NULL && is_sound(file, size, kind, dev);

	if (ok) {
		const struct header *h = (const void *)file;
		const struct record *records =
		    (const void *)(file + sizeof(*h));
		size_t count = (size_t)le64toh(h->count);
		const char *names = (const char *)(records + count);

		for (size_t i = 0; ok && i < count; i++)
			ok = unpack(&records[i], names, le64toh(h->names_len),
				    l);
	}
	if (!ok)
		maildir_list_free(l);
	free(file);
}

/* ---- writing */

static void
pack(const struct maildir_message *m, uint32_t name, struct record *r)
{
	*r = (struct record){
		.octets = htole64((uint64_t)m->octets),
		.size = htole64((uint64_t)m->size),
		.ino = htole64(m->ino),
		.mtime = htole64((uint64_t)m->mtime),
		.ctime = htole64((uint64_t)m->ctime),
		.name = htole32(name),
		.flags = htole32(m->flags & KEPT_FLAGS),
	};
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

static char *
pack_all(enum uidl_kind kind, uint64_t dev, const struct maildir_list *l,
	 size_t *size)
{
	size_t names_len, count = count_kept(l, &names_len), n = 0, at = 0;

	*size =
	    sizeof(struct header) + count * sizeof(struct record) + names_len;
	char *file = malloc(*size);
	if (file == NULL)
		return NULL;
	struct header *h = (void *)file;
	struct record *records = (void *)(file + sizeof(*h));
	char *names = (char *)(records + count);
	*h = (struct header){
		.version = htole32(VERSION),
		.kind = htole32((uint32_t)kind),
		.count = htole64(count),
		.names_len = htole64(names_len),
		.dev = htole64(dev),
	};
	memcpy(h->magic, magic, sizeof(magic));
	for (size_t i = 0; i < l->count; i++) {
		const struct maildir_message *m = &l->messages[i];
		const char *name = maildir_name(l, m);
		size_t len = strlen(name) + 1;

		if (m->flags & IS_GONE)
			continue;
		pack(m, (uint32_t)at, &records[n++]);
		memcpy(names + at, name, len);
		at += len;
	}
	h->checksum = checksum(file, *size);
	return file;
}

/* Not synced: after a crash it is whole, or found damaged and built anew. */
static bool
write_file(int state_dir, const char *file, size_t size)
{
	/* Anybody may have left anything there, a FIFO or a link to mail. */
	if (unlinkat(state_dir, temporary, 0) != 0 && errno != ENOENT)
		return false;
	int fd =
	    openat(state_dir, temporary,
		   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool ok = file_write(fd, file, size, 0);
	ok = close(fd) == 0 && ok;
	if (ok &&
	    renameat(state_dir, temporary, state_dir, maildir_index_name) == 0)
		return true;
	int saved = errno;
	unlinkat(state_dir, temporary, 0);
	errno = saved;
	return false;
}

bool
maildir_index_save(int state_dir, enum uidl_kind kind, uint64_t dev,
		   const struct maildir_list *l)
{
	size_t size;
	char *file = pack_all(kind, dev, l, &size);

	if (file == NULL)
		return false;
	bool ok = write_file(state_dir, file, size);
	free(file);
	return ok;
}
