/*
 * pop3d --check: whether the sandbox that the unit has from systemd lets a
 * session write where mail and state are. The rules are systemd.exec(5)'s.
 */
#include "admin/check_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "admin/systemctl.h"
#include "admin/units.h"

enum { LIST_SIZE = 4096 };

/* In the order of how strict they are. */
enum wall { WALL_NONE, WALL_READ_ONLY, WALL_HIDDEN };

/* What is known so far of a path: the longest of the settings that cover it. */
struct verdict_on {
	const char *path;
	size_t covered;
	enum wall wall;
	const char *setting;
};

static void
consider(struct verdict_on *v, const char *prefix, size_t len, enum wall wall,
	 const char *setting)
{
	while (len > 1 && prefix[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(v->path, prefix, len) != 0 ||
	    (len > 1 && v->path[len] != '/' && v->path[len] != '\0') ||
	    len < v->covered || (len == v->covered && wall < v->wall))
		return;
	v->covered = len;
	v->wall = wall;
	v->setting = setting;
}

/* Of a list of paths; a sign before one means nothing here. */
static void
consider_list(struct verdict_on *v, const char *unit, const char *setting,
	      enum wall wall)
{
	char list[LIST_SIZE];
	const char *s = list;

	systemctl_show(unit, setting, list, sizeof(list));
	for (size_t len; *(s += strspn(s, " -+")) != '\0'; s += len) {
		len = strcspn(s, " ");
		consider(v, s, len, wall, setting);
	}
}

/* What ProtectSystem= leaves to ProtectHome=. */
static const char *const homes[] = { "/home", "/root", "/run/user" };
enum { HOMES = sizeof(homes) / sizeof(homes[0]) };

static void
consider_home(struct verdict_on *v, const char *unit)
{
	char value[32];

	systemctl_show(unit, "ProtectHome", value, sizeof(value));
	if (strcmp(value, "no") == 0 || value[0] == '\0')
		return;
	for (size_t i = 0; i < HOMES; i++)
		consider(v, homes[i], strlen(homes[i]),
			 strcmp(value, "read-only") == 0 ? WALL_READ_ONLY
							 : WALL_HIDDEN,
			 "ProtectHome");
}

static void
consider_system(struct verdict_on *v, const char *unit)
{
	static const char *const dirs[] = { "/usr", "/boot", "/efi", "/etc",
					    "/" };
	char value[32];
	size_t n;

	systemctl_show(unit, "ProtectSystem", value, sizeof(value));
	n = strcmp(value, "strict") == 0 ? 5
	    : strcmp(value, "full") == 0 ? 4
	    : strcmp(value, "yes") == 0	 ? 3
					 : 0;
	for (size_t i = 0; i < n; i++)
		consider(v, dirs[i], strlen(dirs[i]), WALL_READ_ONLY,
			 "ProtectSystem");
	for (size_t i = 0; i < HOMES; i++)
		consider(v, homes[i], strlen(homes[i]), WALL_NONE,
			 "ProtectHome");
}

static void
consider_state(struct verdict_on *v, const char *unit)
{
	char name[PATH_MAX / 2], path[PATH_MAX];

	systemctl_show(unit, "StateDirectory", name, sizeof(name));
	snprintf(path, sizeof(path), "/var/lib/%s", name);
	if (name[0] != '\0')
		consider(v, path, strlen(path), WALL_NONE, "StateDirectory");
}

void
check_sandbox(struct check *c, const char *what, const char *path)
{
	struct verdict_on v = { .path = path };
	char unit[UNIT_NAME_SIZE];

	if (c->unit == NULL)
		return;
	unit_instance(c->unit, unit);
	consider_system(&v, unit);
	consider_home(&v, unit);
	consider_list(&v, unit, "ReadWritePaths", WALL_NONE);
	consider_list(&v, unit, "ReadOnlyPaths", WALL_READ_ONLY);
	consider_list(&v, unit, "InaccessiblePaths", WALL_HIDDEN);
	consider_state(&v, unit);
	if (v.wall == WALL_NONE)
		return;
	check_say(c, CHECK_ERROR,
		  "%s %s: the sandbox of %s %s (%s): systemctl edit %s, "
		  "[Service], %sReadWritePaths=%s",
		  what, path, c->unit,
		  v.wall == WALL_HIDDEN ? "hides it from sessions"
					: "lets sessions read it only",
		  v.setting, c->unit,
		  strcmp(v.setting, "ProtectHome") == 0 ? "ProtectHome=no, "
							: "",
		  path);
}
