/* Fills the table of OpenSSL's functions. In the TLS relay and in --check. */
#include "openssl.h"

#include <dlfcn.h>

struct openssl openssl;

bool
openssl_load(void)
{
	static bool loaded;
	void *library =
	    loaded ? NULL : dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return loaded;
		/* Its dependency libcrypto is searched as well. */
#define FIND(name)                                       \
	*(void **)&openssl.name = dlsym(library, #name); \
	if (openssl.name == NULL)                        \
		return false;
	OPENSSL_FUNCTIONS(FIND)
#undef FIND
	loaded = true;
	return true;
}

const char *
openssl_error(void)
{
	const char *reason =
	    openssl.ERR_reason_error_string(openssl.ERR_peek_error());

	openssl.ERR_clear_error();
	return reason != NULL ? reason : "unknown error";
}
