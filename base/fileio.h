/*
 * Reads and writes of files that are carried through: an interrupted call is
 * repeated and a short one goes on. errno tells why one failed.
 */
#ifndef FILEIO_H
#define FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* Exactly len bytes at offset `at`; ENODATA where the file ends before. */
bool file_read(int fd, void *buf, size_t len, off_t at);

/* Exactly len bytes at offset `at`. */
bool file_write(int fd, const void *buf, size_t len, off_t at);

/*
 * What the file is now, asked of the host that has it: the kernel may remember
 * for seconds what another host has changed, also under a lock (FUSE).
 */
bool file_look(int fd, struct stat *st);

/* The same of a name in a directory; a symbolic link is not followed. */
bool file_look_at(int dir, const char *name, struct stat *st);

/*
 * What tells the file's disk from others: 0 where st_dev is only the next free
 * number, another at each mount and on each host (NFS, FUSE, Ceph, btrfs).
 */
uint64_t file_disk(const struct stat *st);

/*
 * Whether this time of a file is so near to now that a later change may bear
 * the same one.
 */
bool file_time_is_fresh(const struct timespec *t);

/*
 * Makes a file, mode 0600, that is to take another one's place in this
 * directory: whatever had the draft's name is removed first, for anybody may
 * have left a FIFO or a link to mail there. Returns a descriptor to write to,
 * or -1.
 */
int file_begin_draft(int dir, const char *draft);

/*
 * Closes the draft and, where `ok` says that all of it was written and closing
 * succeeds too, renames it to `name`; else removes it. Nothing is synced here.
 * Returns whether the file is in place; errno is that of the first failure.
 */
bool file_end_draft(int fd, bool ok, int dir, const char *draft,
		    const char *name);

bool file_truncate(int fd, off_t size);

/* All that was done to the file or directory is on the disk. */
bool file_sync(int fd);

/* The same without what only says when it was done. */
bool file_sync_data(int fd);

#endif
