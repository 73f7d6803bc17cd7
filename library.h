/* Libraries that are loaded where they are needed, and in no other process. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function of the library's, and the pointer that is to lead to it. */
struct library_function {
	const char *name;
	void *pointer;
};

/*
 * Loads the library, for good, and fills in the pointers. flags as those of
 * dlopen(3). False where it is missing or lacks one of the functions.
 */
bool library_load(const char *file, int flags,
		  const struct library_function *functions, size_t n);

#endif
