/* The table of libsystemd's functions. Runs before anything is forked. */
#include "systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static struct {
	void *library;
	__typeof__(sd_listen_fds) *listen_fds;
	__typeof__(sd_is_socket) *is_socket;
} sd;

static bool
load(void)
{
	if (sd.library != NULL)
		return true;
	void *library = dlopen("libsystemd.so.0", RTLD_LAZY);
	if (library == NULL)
		return false;
	/* C has no cast from dlsym's result; POSIX has the representation. */
	*(void **)&sd.listen_fds = dlsym(library, "sd_listen_fds");
	*(void **)&sd.is_socket = dlsym(library, "sd_is_socket");
	if (sd.listen_fds == NULL || sd.is_socket == NULL) {
		dlclose(library);
		return false;
	}
	sd.library = library;
	return true;
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
