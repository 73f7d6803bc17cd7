/*
 * System calls on regular files, carried through. In every process that has
 * files. Must not know what is in them.
 */
#include "base/fileio.h"

#include <errno.h>
#include <unistd.h>

bool
file_read(int fd, void *buf, size_t len, off_t at)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENODATA;
		if (n <= 0)
			return false;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
file_write(int fd, const void *buf, size_t len, off_t at)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
file_truncate(int fd, off_t size)
{
	int r;

	do
		r = ftruncate(fd, size);
	while (r != 0 && errno == EINTR);
	return r == 0;
}

bool
file_sync(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r != 0 && errno == EINTR);
	return r == 0;
}

bool
file_sync_data(int fd)
{
	int r;

	do
		r = fdatasync(fd);
	while (r != 0 && errno == EINTR);
	return r == 0;
}
