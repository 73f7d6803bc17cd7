/* In the TLS relay before it gives up its privileges, and in the monitor. */
#include "tls/tls_runtime.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

static bool
find_path(char path[PATH_MAX], const char *name)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	if (dir == NULL && geteuid() == 0)
		dir = "/run/pop3d";
	return dir != NULL &&
	       (size_t)snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

bool
tls_runtime_load(const char *name, void *buf, size_t size)
{
	char path[PATH_MAX];
	struct stat st;

	if (!find_path(path, name))
		return false;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
		    st.st_size == (off_t)size && file_read(fd, buf, size, 0);
	close(fd);
	return good;
}

bool
tls_runtime_save(const char *name, const void *buf, size_t size)
{
	char path[PATH_MAX], temporary[PATH_MAX];

	if (!find_path(path, name) ||
	    (size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
		sizeof(temporary))
		return false;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return false;
	bool made = file_write(fd, buf, size, 0);
	made = close(fd) == 0 && made && rename(temporary, path) == 0;
	if (!made)
		unlink(temporary);
	return made;
}
