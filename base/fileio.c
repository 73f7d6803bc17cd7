/*
 * System calls on regular files, carried through. In every process that has
 * files. Must not know what is in them.
 */
#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"

/* Of the kernel's clock for files; some file systems count whole seconds. */
enum { GRAIN_MS = 20, COARSE_GRAIN_MS = 2000 };

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

static struct timespec
time_of(const struct statx_timestamp *t)
{
	return (struct timespec){ .tv_sec = t->tv_sec,
				  .tv_nsec = (long)t->tv_nsec };
}

static bool
look(int dir, const char *name, int flags, struct stat *st)
{
	struct statx x;

	if (statx(dir, name, flags | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
		  &x) != 0)
		return false;
	*st = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.st_ino = x.stx_ino,
		.st_mode = x.stx_mode,
		.st_nlink = x.stx_nlink,
		.st_uid = x.stx_uid,
		.st_gid = x.stx_gid,
		.st_size = (off_t)x.stx_size,
		.st_atim = time_of(&x.stx_atime),
		.st_mtim = time_of(&x.stx_mtime),
		.st_ctim = time_of(&x.stx_ctime),
	};
	return true;
}

bool
file_look(int fd, struct stat *st)
{
	return look(fd, "", AT_EMPTY_PATH, st);
}

bool
file_look_at(int dir, const char *name, struct stat *st)
{
	return look(dir, name, AT_SYMLINK_NOFOLLOW, st);
}

uint64_t
file_disk(const struct stat *st)
{
	return major(st->st_dev) == 0 ? 0 : st->st_dev;
}

bool
file_time_is_fresh(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	long long age_ms = (now.tv_sec - t->tv_sec) * 1000LL +
			   (now.tv_nsec - t->tv_nsec) / 1000000;
	return age_ms < (t->tv_nsec == 0 ? COARSE_GRAIN_MS : GRAIN_MS);
}

int
file_begin_draft(int dir, const char *draft)
{
	if (unlinkat(dir, draft, 0) != 0 && errno != ENOENT)
		return -1;
	return openat(dir, draft,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600);
}

bool
file_end_draft(int fd, bool ok, int dir, const char *draft, const char *name)
{
	int saved = errno;

	if (close(fd) != 0 && ok) {
		saved = errno;
		ok = false;
	}
	if (ok && renameat(dir, draft, dir, name) == 0)
		return true;
	if (ok)
		saved = errno;
	unlinkat(dir, draft, 0);
	errno = saved;
	return false;
}

bool
file_truncate(int fd, off_t size)
{
	return TEMP_FAILURE_RETRY(ftruncate(fd, size)) == 0;
}

bool
file_sync(int fd)
{
	return TEMP_FAILURE_RETRY(fsync(fd)) == 0;
}

bool
file_sync_data(int fd)
{
	return TEMP_FAILURE_RETRY(fdatasync(fd)) == 0;
}
