/* Libraries that are loaded where they are needed, and in no other process. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stddef.h>

/* A function of the library's, and the pointer that is to lead to it. */
struct library_function {
	const char *name;
	void *pointer;
};

/*
 * Loads the library and fills in the pointers. flags as those of dlopen(3).
 * Returns what dlclose(3) takes, which nobody needs to call; NULL where the
 * library is missing or lacks one of the functions.
 */
void *library_load(const char *file, int flags,
		   const struct library_function *functions, size_t n);

#endif
