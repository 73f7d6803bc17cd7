/*
 * Reads and writes of files that are carried through: an interrupted call is
 * repeated and a short one goes on. errno tells why one failed.
 */
#ifndef FILEIO_H
#define FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Exactly len bytes at offset `at`; ENODATA where the file ends before. */
bool file_read(int fd, void *buf, size_t len, off_t at);

/* Exactly len bytes at offset `at`. */
bool file_write(int fd, const void *buf, size_t len, off_t at);

bool file_truncate(int fd, off_t size);

/* All that was done to the file or directory is on the disk. */
bool file_sync(int fd);

/* The same without what only says when it was done. */
bool file_sync_data(int fd);

#endif
