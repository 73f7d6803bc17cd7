/* Fills the table of Linux-PAM's functions. For PAM's process and --check. */
#include "base/libpam.h"

#include <dlfcn.h>

#include "base/library.h"

struct libpam libpam;

bool
libpam_load(void)
{
#define FUNCTION(name) { #name, &libpam.name },
	static const struct library_function functions[] = { LIBPAM_FUNCTIONS(
	    FUNCTION) };
#undef FUNCTION
	static bool loaded;

	/* Modules may look for its functions. */
	loaded = loaded ||
		 library_load("libpam.so.0", RTLD_NOW | RTLD_GLOBAL, functions,
			      sizeof(functions) / sizeof(functions[0])) != NULL;
	return loaded;
}

int
libpam_start(const char *service, const char *user, const char *confdir,
	     const struct pam_conv *conv, pam_handle_t **pam)
{
	if (confdir != NULL)
		return libpam.pam_start_confdir(service, user, conv, confdir,
						pam);
	return libpam.pam_start(service, user, conv, pam);
}
