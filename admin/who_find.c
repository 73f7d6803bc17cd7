/*
 * Walks through /proc. Processes come and go meanwhile: what cannot be read of
 * one is a process that is gone.
 */
#include "admin/who_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

enum { STATUS_SIZE = 4096 };

/* A file of the process's directory; false where it is gone. */
static bool
read_text(int process, const char *name, char *text, size_t size)
{
	int fd = openat(process, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Whether it is root who runs it: any user can show what looks like a session.
 */
static bool
is_roots(const char *status)
{
	static const char roots[] = "\nUid:\t0\t";
	const char *uids = strstr(status, "\nUid:");

	return uids != NULL && strncmp(uids, roots, strlen(roots)) == 0;
}

/* Its pid as it knows it itself, be it in a container. */
static int32_t
own_pid(const char *status)
{
	const char *pids = strstr(status, "\nNSpid:");
	unsigned long long pid;
	char text[16];

	if (pids == NULL)
		return -1;
	pids += strlen("\nNSpid:");
	const char *end = pids + strcspn(pids, "\n");
	while (pids < end && strcspn(pids, "\t") < (size_t)(end - pids))
		pids += strcspn(pids, "\t") + 1;
	snprintf(text, sizeof(text), "%.*s", (int)(end - pids), pids);
	return parse_number(text, INT32_MAX, &pid) ? (int32_t)pid : -1;
}

/* The last part of its control group's path, if it is a unit's name. */
static void
find_unit(int process, char unit[WHO_UNIT_SIZE])
{
	static const char *const kinds[] = { ".service", ".scope" };
	char text[STATUS_SIZE];

	unit[0] = '\0';
	if (!read_text(process, "cgroup", text, sizeof(text)))
		return;
	const char *line = strstr(text, "0::");
	if (line == NULL)
		return;
	size_t len = strcspn(line, "\n");
	const char *name = line + len;
	while (name > line && name[-1] != '/')
		name--;
	snprintf(unit, WHO_UNIT_SIZE, "%.*s", (int)(line + len - name), name);
	const char *dot = strrchr(unit, '.');
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (dot != NULL && strcmp(dot, kinds[i]) == 0)
			return;
	unit[0] = '\0';
}

/* What it shows of itself, where it is a monitor. */
static bool
find_pages(int process, struct who *w)
{
	int dir = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *fds = dir >= 0 ? fdopendir(dir) : NULL;
	struct dirent *entry;
	bool found = false;

	while (fds != NULL && !found && (entry = readdir(fds)) != NULL) {
		char target[sizeof(LIVE_LINK)];

		if (readlinkat(dir, entry->d_name, target, sizeof(target)) !=
			(ssize_t)sizeof(target) ||
		    memcmp(target, LIVE_LINK " ", sizeof(LIVE_LINK)) != 0)
			continue;
		int fd = openat(dir, entry->d_name, O_RDONLY | O_CLOEXEC);
		found = fd >= 0 && live_read(fd, &w->facts, &w->counts);
		if (fd >= 0)
			close(fd);
	}
	if (fds != NULL)
		closedir(fds);
	else if (dir >= 0)
		close(dir);
	return found;
}

static bool
look_at(int proc, const char *name, struct who *w)
{
	int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char status[STATUS_SIZE];

	if (process < 0)
		return false;
	/* A child that was just forked has the pages for a moment, too. */
	bool found = read_text(process, "status", status, sizeof(status)) &&
		     is_roots(status) && find_pages(process, w) &&
		     w->facts.pid == own_pid(status);
	if (found)
		find_unit(process, w->unit);
	close(process);
	return found;
}

bool
who_find(void (*found)(void *arg, const struct who *w), void *arg)
{
	DIR *proc = opendir("/proc");
	unsigned long long pid;
	struct dirent *entry;
	static struct who w;

	if (proc == NULL)
		return false;
	/* The kernel lists them by their numbers. */
	while ((entry = readdir(proc)) != NULL) {
		if (!parse_number(entry->d_name, INT_MAX, &pid) ||
		    !look_at(dirfd(proc), entry->d_name, &w))
			continue;
		w.pid = (pid_t)pid;
		found(arg, &w);
	}
	closedir(proc);
	return true;
}
