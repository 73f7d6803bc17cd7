/*
 * Closes what was inherited: from whoever started us, from libraries that
 * modules of PAM brought with them, from the process that forked us. Runs in
 * every process. Must not know what a descriptor is for.
 */
#include "sandbox/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"

static bool
close_between(unsigned first, unsigned last)
{
	if (first > last || compat_close_range(first, last) == 0)
		return true;
	if (errno != ENOSYS)
		return false;
	/* Linux before 5.9 */
	long limit = sysconf(_SC_OPEN_MAX);
	for (unsigned fd = first; fd <= last && (long)fd < limit; fd++)
		close((int)fd);
	return true;
}

/* The lowest that is `from` or higher, or INT_MAX. */
static int
next_kept(const int *fds, size_t n, int from)
{
	int next = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (fds[i] >= from && fds[i] < next)
			next = fds[i];
	return next;
}

/*
 * A descriptor that is opened or received later must not become standard
 * error, where the C library writes its last words.
 */
static void
take_low_numbers(const int *fds, size_t n)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (next_kept(fds, n, fd) != fd)
			(void)!open("/dev/null", O_RDWR);
}

bool
descriptors_keep(const int *fds, size_t n)
{
	int from = 0, kept;

	log_stop();
	while ((kept = next_kept(fds, n, from)) != INT_MAX) {
		if (kept > from &&
		    !close_between((unsigned)from, (unsigned)kept - 1))
			return false;
		from = kept + 1;
	}
	if (!close_between((unsigned)from, UINT_MAX))
		return false;
	take_low_numbers(fds, n);
	return true;
}

bool
descriptors_close_from(int first)
{
	log_stop();
	return close_between((unsigned)first, UINT_MAX);
}
