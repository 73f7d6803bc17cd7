/* Fills the table of Linux-PAM's functions. In the monitor and in --check. */
#include "libpam.h"

#include <dlfcn.h>
#include <stddef.h>

struct libpam libpam;

bool
libpam_load(void)
{
	static bool loaded;
	void *library =
	    loaded ? NULL : dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);

	if (library == NULL)
		return loaded;
#define FIND(name)                                      \
	*(void **)&libpam.name = dlsym(library, #name); \
	if (libpam.name == NULL)                        \
		return false;
	LIBPAM_FUNCTIONS(FIND)
#undef FIND
	loaded = true;
	return true;
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
