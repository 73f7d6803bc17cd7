/*
 * The index file: a header, 40 bytes a message, the X-UIDL values; all
 * numbers little-endian. A message ends where the next one begins.
 */
#include "mbox/index.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"

const char index_name[] = "index";
static const char index_temporary[] = "index.tmp";
static const char magic[8] = "pop3dix";

enum {
	VERSION = 2,
	SEPARATOR_MASK = 3,
	NO_NEWLINE = 4,
	FLAGS_SHIFT = 3,
	FLAGS_MASK = 31,
	BITS_SHIFT = 56,  /* above the octets */
	LINE_END_MAX = 2, /* octets that one byte of the file may become */
	/*
	 * An index is smaller than its mailbox, but for one of a few messages.
	 * A larger file is no work of ours, and memory is the host's.
	 */
	SMALL_INDEX = 1024 * 1024
};

struct header {
	char magic[8];
	uint64_t checksum; /* of all that follows */
	uint32_t version, kind;
	uint64_t count, uidls_len;
	uint64_t internal, scanned;
	uint64_t dev, ino, size;
	uint64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint32_t racy, last_known;
	unsigned char last_id[MBOX_ID_SIZE];
	uint32_t last_copy, has_copies;
};

struct record {
	uint64_t start;
	uint64_t octets_and_bits;
	unsigned char id[MBOX_ID_SIZE];
	uint32_t from_len, uidl;
};
static_assert(sizeof(struct record) == 40, "40 bytes a message");
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
read_file(int state_dir, off_t mailbox_size, size_t *size)
{
	int fd = openat(state_dir, index_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *file = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_size - SMALL_INDEX) / 2 <= mailbox_size &&
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
is_sound(const char *file, size_t size, enum uidl_kind kind)
{
	const struct header *h = (const void *)file;
	uint64_t room = size - sizeof(*h);
	uint64_t count = le64toh(h->count), uidls = le64toh(h->uidls_len);

	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	       le32toh(h->version) == VERSION &&
	       le32toh(h->kind) == (uint32_t)kind &&
	       count <= room / sizeof(struct record) &&
	       uidls == room - count * sizeof(struct record) &&
	       (uidls == 0 || file[size - 1] == '\0') &&
	       checksum(file, size) == h->checksum;
}

static bool
unpack(const struct record *r, off_t end, uint64_t uidls_len,
       struct mbox_message *msg)
{
	uint64_t octets = le64toh(r->octets_and_bits);
	unsigned bits = (unsigned)(octets >> BITS_SHIFT);

	*msg = (struct mbox_message){
		.start = (off_t)le64toh(r->start),
		.octets = (off_t)(octets & ((1ULL << BITS_SHIFT) - 1)),
		.from_len = le32toh(r->from_len),
		.separator = bits & SEPARATOR_MASK,
		.no_newline = (bits & NO_NEWLINE) != 0,
		.flags = (uint8_t)((bits >> FLAGS_SHIFT) & FLAGS_MASK),
		.uidl = le32toh(r->uidl),
	};
	memcpy(msg->id, r->id, sizeof(msg->id));
	/* It may be any number: compared before it is subtracted. */
	if (msg->start < 0 || msg->start > end)
		return false;
	msg->size = end - msg->start;
	return (uint64_t)msg->from_len + msg->separator <=
		   (uint64_t)msg->size &&
	       msg->octets / LINE_END_MAX <= msg->size + 1 &&
	       (msg->uidl == 0 || msg->uidl < uidls_len);
}

static bool
unpack_all(const char *file, struct mbox *m)
{
	const struct header *h = (const void *)file;
	const struct record *records = (const void *)(file + sizeof(*h));
	off_t end = (off_t)le64toh(h->scanned);

	m->count = (size_t)le64toh(h->count);
	m->uidls_len = (size_t)le64toh(h->uidls_len);
	m->size = end;
	m->internal = (off_t)le64toh(h->internal);
	m->has_copies = h->has_copies != 0;
	m->capacity = m->count;
	m->uidls_capacity = m->uidls_len;
	m->messages = malloc((m->count + 1) * sizeof(*m->messages));
	m->uidls = malloc(m->uidls_len + 1);
	if (m->messages == NULL || m->uidls == NULL)
		return false;
	memcpy(m->uidls, records + m->count, m->uidls_len);
	for (size_t i = m->count; i-- > 0; end = m->messages[i].start)
		if (!unpack(&records[i], end, m->uidls_len, &m->messages[i]))
			return false;
	return true;
}

static void
unpack_header(const struct header *h, struct snapshot *s,
	      struct index_last *last)
{
	*s = (struct snapshot){
		.dev = le64toh(h->dev),
		.ino = le64toh(h->ino),
		.size = (int64_t)le64toh(h->size),
		.mtime_sec = (int64_t)le64toh(h->mtime_sec),
		.mtime_nsec = (int32_t)le32toh(h->mtime_nsec),
		.ctime_sec = (int64_t)le64toh(h->ctime_sec),
		.ctime_nsec = (int32_t)le32toh(h->ctime_nsec),
		.racy = h->racy != 0,
	};
	last->known = h->last_known != 0;
	last->copy = le32toh(h->last_copy);
	memcpy(last->id, h->last_id, sizeof(last->id));
}

bool
index_load(int state_dir, enum uidl_kind kind, off_t mailbox_size,
	   struct mbox *m, struct snapshot *s, struct index_last *last)
{
	size_t size = 0;
	char *file = read_file(state_dir, mailbox_size, &size);
	bool ok = file != NULL && is_sound(file, size, kind);

	if (ok) {
		unpack_header((const void *)file, s, last);
		ok = unpack_all(file, m);
	}
	if (!ok) {
		mbox_free(m);
		last->known = false;
	}
	free(file);
	return ok;
}

/* ---- writing */

static void
pack(const struct mbox_message *msg, struct record *r)
{
	unsigned bits = msg->separator | (msg->no_newline ? NO_NEWLINE : 0u) |
			(unsigned)msg->flags << FLAGS_SHIFT;

	*r = (struct record){
		.start = htole64((uint64_t)msg->start),
		.octets_and_bits = htole64((uint64_t)msg->octets |
					   (uint64_t)bits << BITS_SHIFT),
		.from_len = htole32(msg->from_len),
		.uidl = htole32(msg->uidl),
	};
	memcpy(r->id, msg->id, sizeof(r->id));
}

static void
pack_header(struct header *h, enum uidl_kind kind, const struct mbox *m,
	    const struct snapshot *s, const struct index_last *last)
{
	*h = (struct header){
		.version = htole32(VERSION),
		.kind = htole32((uint32_t)kind),
		.count = htole64(m->count),
		.uidls_len = htole64(m->uidls_len),
		.internal = htole64((uint64_t)m->internal),
		.scanned = htole64((uint64_t)m->size),
		.dev = htole64(s->dev),
		.ino = htole64(s->ino),
		.size = htole64((uint64_t)s->size),
		.mtime_sec = htole64((uint64_t)s->mtime_sec),
		.mtime_nsec = htole32((uint32_t)s->mtime_nsec),
		.ctime_sec = htole64((uint64_t)s->ctime_sec),
		.ctime_nsec = htole32((uint32_t)s->ctime_nsec),
		.racy = htole32(s->racy),
		.last_known = htole32(last->known),
		.last_copy = htole32(last->copy),
		.has_copies = htole32(m->has_copies),
	};
	memcpy(h->magic, magic, sizeof(magic));
	memcpy(h->last_id, last->id, sizeof(h->last_id));
}

static char *
pack_all(enum uidl_kind kind, const struct mbox *m, const struct snapshot *s,
	 const struct index_last *last, size_t *size)
{
	*size = sizeof(struct header) + m->count * sizeof(struct record) +
		m->uidls_len;
	char *file = malloc(*size);
	if (file == NULL)
		return NULL;
	struct header *h = (void *)file;
	struct record *records = (void *)(file + sizeof(*h));
	pack_header(h, kind, m, s, last);
	for (size_t i = 0; i < m->count; i++)
		pack(&m->messages[i], &records[i]);
	if (m->uidls_len > 0)
		memcpy(records + m->count, m->uidls, m->uidls_len);
	h->checksum = checksum(file, *size);
	return file;
}

/* Not synced: after a crash it is whole, or found damaged and built anew. */
static bool
write_file(int state_dir, const char *file, size_t size)
{
	int fd = file_begin_draft(state_dir, index_temporary);

	return fd >= 0 &&
	       file_end_draft(fd, file_write(fd, file, size, 0), state_dir,
			      index_temporary, index_name);
}

bool
index_save(int state_dir, enum uidl_kind kind, const struct mbox *m,
	   const struct snapshot *s, const struct index_last *last)
{
	size_t size;
	char *file = pack_all(kind, m, s, last, &size);

	if (file == NULL)
		return false;
	bool ok = write_file(state_dir, file, size);
	free(file);
	return ok;
}
