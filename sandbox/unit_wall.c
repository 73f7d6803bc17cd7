/* In the mailbox process, while it still has the monitor's rights. */
#include "sandbox/unit_wall.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum { LINE_SIZE = 8192 };

/* A line of /proc/self/mountinfo, as far as it is of use. */
struct mount {
	char root[PATH_MAX], point[PATH_MAX];
	char options[256], type[64], super[1024];
};

static bool
parse(const char *line, struct mount *m)
{
	const char *rest = strstr(line, " - ");

	return rest != NULL &&
	       sscanf(line, "%*s %*s %*s %4095s %4095s %255s", m->root,
		      m->point, m->options) == 3 &&
	       sscanf(rest, " - %63s %*s %1023s", m->type, m->super) == 2;
}

static bool
is_on(const char *path, const char *point)
{
	size_t len = strlen(point);

	return strcmp(point, "/") == 0 ||
	       (strncmp(path, point, len) == 0 &&
		(path[len] == '/' || path[len] == '\0'));
}

static bool
is_read_only(const char *options)
{
	return strncmp(options, "ro", 2) == 0 &&
	       (options[2] == ',' || options[2] == '\0');
}

/*
 * systemd mounts a directory that nobody may enter, or an empty file system,
 * over what it hides, and again, read-only, what it protects.
 */
static const char *
judge(const struct mount *m)
{
	if (strstr(m->root, "/systemd/inaccessible/") != NULL)
		return "hides it";
	if (strcmp(m->type, "tmpfs") == 0 &&
	    (strcmp(m->point, "/home") == 0 || strcmp(m->point, "/root") == 0))
		return "hides it";
	if (is_read_only(m->options) && !is_read_only(m->super))
		return "lets it be read only";
	return NULL;
}

static const char *
look_at_mounts(const char *path)
{
	static struct mount best, m;
	char line[LINE_SIZE];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	best.point[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (parse(line, &m) && is_on(path, m.point) &&
		    strlen(m.point) >= strlen(best.point))
			best = m;
	if (f != NULL)
		fclose(f);
	return best.point[0] == '\0' ? NULL : judge(&best);
}

const char *
unit_wall_at(const char *path)
{
	char dir[PATH_MAX];
	struct statvfs fs;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 1 && path[len - 1] != '/')
		len--;
	snprintf(dir, sizeof(dir), "%.*s", (int)len, path);
	if (statvfs(dir, &fs) == 0 && (fs.f_flag & ST_RDONLY) == 0)
		return NULL;
	return look_at_mounts(dir);
}
