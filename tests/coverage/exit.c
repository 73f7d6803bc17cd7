/*
 * Linked into the program where make coverage builds it, with --wrap=_exit:
 * what a process has run is written where it ends, also by _exit().
 */
#include <gcov.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
