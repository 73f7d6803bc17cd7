/*
 * The directory is written by whoever had the name before: its names are only
 * removed, never opened, and what comes into it meanwhile keeps it.
 */
#include "monitor/old_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What each store, and the session lock, make again; and their drafts. */
static const char *const caches[] = {
	"lock",
	"index",
	"index.tmp",
	"index.maildir",
	"index.maildir.tmp",
	"journal.tmp",
	"journal.maildir.tmp",
	"uidvalidity.tmp",
};

enum { CACHES = sizeof(caches) / sizeof(caches[0]) };

static bool
is_cache(const char *name)
{
	for (size_t i = 0; i < CACHES; i++)
		if (strcmp(name, caches[i]) == 0)
			return true;
	return false;
}

/* A stream of its own, so that dir stays open. */
static DIR *
open_list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (list == NULL && fd >= 0)
		close(fd);
	return list;
}

bool
old_state_matters(int dir, char what[NAME_MAX + 1])
{
	const struct dirent *entry;
	DIR *list = open_list(dir);
	bool matters = list == NULL;

	snprintf(what, NAME_MAX + 1, "%s", matters ? "?" : "");
	while (!matters && (errno = 0, entry = readdir(list)) != NULL) {
		const char *name = entry->d_name;

		matters = strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			  !is_cache(name);
		if (matters)
			snprintf(what, NAME_MAX + 1, "%s", name);
	}
	if (list != NULL && !matters)
		matters = errno != 0;
	if (list != NULL)
		closedir(list);
	return matters;
}

bool
old_state_remove(int base, const char *name, char what[NAME_MAX + 1])
{
	int dir =
	    openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return false;
	bool ok = !old_state_matters(dir, what);
	if (!ok)
		errno = EPERM;
	for (size_t i = 0; ok && i < CACHES; i++)
		ok = unlinkat(dir, caches[i], 0) == 0 || errno == ENOENT;
	int saved = errno;
	close(dir);
	errno = saved;
	return ok && unlinkat(base, name, AT_REMOVEDIR) == 0;
}
