/* Asks libsystemd. Runs before anything is forked. */
#include "base/systemd.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#ifndef WITHOUT_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/library.h"

#ifdef WITHOUT_SYSTEMD

int
systemd_listen_fds(bool *listening)
{
	*listening = false;
	if (getenv("LISTEN_FDS") == NULL)
		return 0;
	errno = ENOTSUP; /* a listener that nobody would listen on */
	return -1;
}

#else

static_assert(SYSTEMD_FIRST_FD == SD_LISTEN_FDS_START, "as systemd has it");

int
systemd_listen_fds(bool *listening)
{
	__typeof__(sd_listen_fds) *listen_fds;
	__typeof__(sd_is_socket) *is_socket;
	const struct library_function functions[] = {
		{ "sd_listen_fds", &listen_fds },
		{ "sd_is_socket", &is_socket },
	};

	*listening = false;
	if (getenv("LISTEN_FDS") == NULL)
		return 0;
	void *library = library_load("libsystemd.so.0", RTLD_LAZY, functions,
				     sizeof(functions) / sizeof(functions[0]));
	if (library == NULL) {
		errno = ELIBACC;
		return -1;
	}
	int n = listen_fds(1);
	if (n > 0)
		*listening =
		    is_socket(SYSTEMD_FIRST_FD, AF_UNSPEC, SOCK_STREAM, 1) > 0;
	dlclose(library);
	if (n < 0)
		errno = -n;
	return n;
}

#endif
