/* Fills the table of OpenSSL's functions. In the TLS relay and in --check. */
#include "tls/openssl.h"

#include <dlfcn.h>
#include <string.h>

#include "base/library.h"

struct openssl openssl;

bool
openssl_load(void)
{
#define FUNCTION(name) { #name, &openssl.name },
	static const struct library_function functions[] = { OPENSSL_FUNCTIONS(
	    FUNCTION) };
#undef FUNCTION
	static bool loaded;

	loaded = loaded ||
		 library_load("libssl.so.3", RTLD_NOW | RTLD_LOCAL, functions,
			      sizeof(functions) / sizeof(functions[0])) != NULL;
	return loaded;
}

const char *
openssl_error(void)
{
	unsigned long code = openssl.ERR_peek_error();
	/* Of the system's errors OpenSSL has no text. */
	const char *reason = ERR_SYSTEM_ERROR(code)
				 ? strerror(ERR_GET_REASON(code))
				 : openssl.ERR_reason_error_string(code);

	openssl.ERR_clear_error();
	return reason != NULL ? reason : "unknown error";
}
