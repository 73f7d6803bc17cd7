/* The table of libsystemd's functions. Runs in every process but the greeter.
 */
#include "systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

static struct {
	void *library;
	__typeof__(sd_listen_fds) *listen_fds;
	__typeof__(sd_is_socket) *is_socket;
	__typeof__(sd_journal_sendv) *journal_sendv;
} sd;

bool
systemd_load(void)
{
	if (sd.library != NULL)
		return true;
	void *library = dlopen("libsystemd.so.0", RTLD_LAZY);
	if (library == NULL)
		return false;
	/* C has no cast from dlsym's result; POSIX has the representation. */
	*(void **)&sd.listen_fds = dlsym(library, "sd_listen_fds");
	*(void **)&sd.is_socket = dlsym(library, "sd_is_socket");
	*(void **)&sd.journal_sendv = dlsym(library, "sd_journal_sendv");
	if (sd.listen_fds == NULL || sd.is_socket == NULL ||
	    sd.journal_sendv == NULL) {
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
	if (!systemd_load()) {
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
	return systemd_load() &&
	       sd.is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}

bool
systemd_journal_send(const struct iovec *fields, int count)
{
	if (!systemd_load())
		return false;
	sd.journal_sendv(fields, count);
	return true;
}
