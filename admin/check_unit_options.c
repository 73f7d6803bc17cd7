/*
 * pop3d --check: the options of the units that serve, because what they run is
 * what is to be checked; and what goes wrong where they are written.
 */
#include "admin/check_parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/systemctl.h"
#include "admin/unit_options.h"
#include "admin/units.h"

static const char recovery[] = "pop3d-recover.service";

/* ---- what is in the files */

struct lines {
	struct check *check;
	const char *unit;
	int commands;
};

/*
 * A directive of --mailbox with one percent sign: systemd reads it as one of
 * its own. Elsewhere in the line that may be what is meant.
 */
static bool
has_single_percent(const char *value)
{
	static const char *const names[] = { "--mailbox", " -m" };
	const char *s = NULL;

	for (size_t i = 0; s == NULL && i < 2; i++)
		if ((s = strstr(value, names[i])) != NULL)
			s += strlen(names[i]) +
			     strspn(s + strlen(names[i]), "= ");
	for (; s != NULL && *s != '\0' && *s != ' '; s++) {
		if (*s != '%')
			continue;
		if (s[1] != '%')
			return true;
		s++;
	}
	return false;
}

static void
check_line(void *arg, const char *path, const char *key, const char *value)
{
	struct lines *l = arg;

	if (strcmp(key, "ExecStart") != 0)
		return;
	l->commands = *value == '\0' ? 0 : l->commands + 1;
	if (l->commands > 1)
		check_say(l->check, CHECK_ERROR,
			  "%s: a second command for %s, which systemd refuses: "
			  "no connection is served: put a line ExecStart= with "
			  "nothing behind it before this one",
			  path, l->unit);
	if (has_single_percent(value))
		check_say(l->check, CHECK_ERROR,
			  "%s: systemd replaces %%u, %%h and the like in "
			  "ExecStart= itself: write %%%%u, %%%%h in --mailbox, "
			  "then systemctl daemon-reload",
			  path);
}

static void
check_loaded(struct check *c, const char *unit, const char *instance)
{
	char state[32], why[256];

	systemctl_show(instance, "LoadState", state, sizeof(state));
	if (strcmp(state, "loaded") == 0 || strcmp(state, "masked") == 0)
		return;
	systemctl_show(instance, "LoadError", why, sizeof(why));
	check_say(c, CHECK_ERROR,
		  "%s: systemd cannot use it: %s: see systemd-analyze verify "
		  "and systemctl cat %s",
		  unit, why[0] != '\0' ? why : state, unit);
}

/* ---- the options themselves */

/* False where they are of no use; then it has been said why. */
static bool
read_unit(struct check *c, const char *unit, struct unit_options *u)
{
	char instance[UNIT_NAME_SIZE];
	struct lines lines = { .check = c, .unit = unit };

	unit_instance(unit, instance);
	check_loaded(c, unit, instance);
	unit_files_read(instance, check_line, &lines);
	unit_options_read(u, instance);
	if (!u->runs_pop3d)
		check_say(c, CHECK_WARNING,
			  "%s: what it starts is not pop3d, or cannot be "
			  "read; its options are not known",
			  unit);
	else if (!u->valid)
		check_say(c, CHECK_ERROR,
			  "%s: the options of %s: %s: no connection is served",
			  u->path, unit, u->error);
	return u->runs_pop3d && u->valid;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The first option of those that all units have to agree on. */
static const char *
find_difference(const struct options *a, const struct options *b)
{
	if (!same(a->mailbox, b->mailbox))
		return "--mailbox";
	if (!same(a->virtual_user, b->virtual_user))
		return "--virtual-user";
	if (!same(a->state_dir, b->state_dir))
		return "--state-dir";
	if (a->min_uid != b->min_uid)
		return "--min-uid";
	if (memcmp(a->locks, b->locks, sizeof(a->locks)) != 0)
		return "--locks";
	return NULL;
}

/* Whether this unit serves the same mail as the first. */
static void
compare(struct check *c, const char *first, const struct unit_options *taken,
	const char *unit)
{
	static struct unit_options other;

	if (!read_unit(c, unit, &other))
		return;
	const char *option = find_difference(&taken->options, &other.options);
	if (option != NULL)
		check_say(c, CHECK_WARNING,
			  "%s: its %s is not that of %s: give both the same "
			  "(systemctl edit %s)",
			  unit, option, first, unit);
}

static void
take(struct check *c, const char *unit, const struct unit_options *u)
{
	const struct options *given = c->options;
	static struct options taken;

	taken = u->options;
	taken.task = given->task;
	taken.user = given->user;
	c->options = &taken;
	c->unit = unit;
	check_say(c, CHECK_OK, "options: those of %s: %s (%s)", unit,
		  u->text[0] != '\0' ? u->text : "none", u->path);
}

void
check_unit_options(struct check *c)
{
	static struct unit_options unit;
	const char *first = NULL;

	if (c->options->given) {
		check_say(c, CHECK_OK,
			  "options: as given here; those of the units are not "
			  "looked at");
		return;
	}
	if (geteuid() != 0 || !systemctl_is_there())
		return;
	for (size_t i = 0; i < UNIT_SOCKETS; i++) {
		const struct unit_socket *s = &unit_sockets[i];
		const char *service;

		if (!unit_serves(s))
			continue;
		service = unit_service(s);
		if (first != NULL) {
			compare(c, first, &unit, service);
		} else if (read_unit(c, service, &unit)) {
			first = service;
			take(c, service, &unit);
		}
	}
	if (first != NULL && !systemctl_is_masked(recovery))
		compare(c, first, &unit, recovery);
}
