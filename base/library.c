/* dlopen(3). Must not know what is loaded. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

void *
library_load(const char *file, int flags,
	     const struct library_function *functions, size_t n)
{
	void *handle = dlopen(file, flags);

	if (handle == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		/* The libraries that it depends on are searched as well. */
		void *found = dlsym(handle, functions[i].name);

		if (found == NULL) {
			dlclose(handle);
			return NULL;
		}
		/* C has no cast to a function; POSIX has the representation. */
		memcpy(functions[i].pointer, &found, sizeof(found));
	}
	return handle;
}
