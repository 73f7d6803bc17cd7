/*
 * Linked into the program where make coverage builds it, with --wrap=_exit:
 * what a process has run is written where it ends, also by _exit().
 */
#include <gcov.h>
#include <stdlib.h>
#include <sys/stat.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

/* Standard error is what tests read. */
static void __attribute__((constructor))
be_quiet(void)
{
	setenv("GCOV_ERROR_FILE", "/dev/null", 1);
}

/* Other users' processes add to the same files; before libgcov's destructor. */
static void __attribute__((destructor))
be_open(void)
{
	umask(0);
}

_Noreturn void
__wrap__exit(int status)
{
	be_open();
	__gcov_dump();
	__real__exit(status);
}
