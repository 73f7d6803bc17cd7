/*
 * System calls that we make ourselves: the oldest C libraries we are built
 * with (glibc 2.34, musl) have no function for them, or a library's function
 * does more than the call. In every process.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h> /* glibc's macro */

/* statx(2), which musl has from 1.2.4 on. */
#ifndef STATX_BASIC_STATS
#define COMPAT_STATX
#include <linux/stat.h>
int statx(int dir, const char *restrict name, int flags, unsigned mask,
	  struct statx *restrict st);
#endif

/* Makes the call again where a signal broke it off; musl has no macro. */
#ifndef TEMP_FAILURE_RETRY
#define TEMP_FAILURE_RETRY(call)                        \
	(__extension__({                                \
		ssize_t result;                         \
		do                                      \
			result = (call);                \
		while (result == -1 && errno == EINTR); \
		result;                                 \
	}))
#endif

/* pidfd_open(2); glibc has it from 2.36 on, musl has not. -1, with errno. */
int compat_pidfd_open(pid_t pid);

/* close_range(2) without flags; musl has none. -1, with errno. */
int compat_close_range(unsigned first, unsigned last);

/*
 * renameat2(2), never in the place of another file; musl has none for long. -1,
 * with errno: EINVAL or ENOSYS where the file system or the kernel cannot.
 */
int compat_rename_new(int from_dir, const char *from, int to_dir,
		      const char *to);

/*
 * Fills dst by getrandom(2). From glibc 2.41 on its function makes no system
 * call but maps memory for the vDSO's generator and blocks signals meanwhile.
 */
bool compat_random(void *dst, size_t size);

#endif
