/* By syscall(2), whatever the C library has. */
#include "base/compat.h"

#include <assert.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A file or a moment that does not fit its type would be another one: the
 * Makefile asks for the wide types where a machine has narrow ones too.
 */
static_assert(sizeof(off_t) == 8, "build with -D_FILE_OFFSET_BITS=64");
static_assert(sizeof(time_t) == 8, "build with -D_TIME_BITS=64");

int
compat_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

#ifdef COMPAT_STATX
int
statx(int dir, const char *restrict name, int flags, unsigned mask,
      struct statx *restrict st)
{
	return (int)syscall(SYS_statx, dir, name, flags, mask, st);
}
#endif

int
compat_close_range(unsigned first, unsigned last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

int
compat_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	const unsigned no_replace = 1;

	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to,
			    no_replace);
}

bool
compat_random(void *dst, size_t size)
{
	/* Up to 256 octets come at once, or none do. */
	return syscall(SYS_getrandom, dst, size, 0) == (long)size;
}
