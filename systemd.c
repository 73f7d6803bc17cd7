/* The table of libsystemd's functions. Runs before anything is forked. */
#include "systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "library.h"

static struct {
	__typeof__(sd_listen_fds) *listen_fds;
	__typeof__(sd_is_socket) *is_socket;
} sd;

static bool
load(void)
{
	static const struct library_function functions[] = {
		{ "sd_listen_fds", &sd.listen_fds },
		{ "sd_is_socket", &sd.is_socket },
	};
	static bool loaded;

	loaded =
	    loaded || library_load("libsystemd.so.0", RTLD_LAZY, functions,
				   sizeof(functions) / sizeof(functions[0]));
	return loaded;
}

int
systemd_listen_fds(void)
{
	if (getenv("LISTEN_FDS") == NULL)
		return 0;
	if (!load()) {
		errno = ELIBACC;
		return -1;
	}
	int n = sd.listen_fds(1);
	if (n < 0)
		errno = -n;
	return n;
}

bool
systemd_is_listening(int fd)
{
	return load() && sd.is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}
