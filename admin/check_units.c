/*
 * pop3d --check: whether pop3d's units serve now and after the next boot.
 * Either socket alone makes a good host.
 */
#include "admin/check_parts.h"

#include <stdio.h>
#include <string.h>

#include "admin/systemctl.h"
#include "admin/units.h"

enum { LIST_SIZE = 4096 };

static const char recovery[] = "pop3d-recover.service";

static void
say_masked(struct check *c, enum verdict v, const char *unit, const char *so)
{
	check_say(c, v, "%s: masked, %s: systemctl unmask %s", unit, so, unit);
}

static void
check_socket(struct check *c, const struct unit_socket *s)
{
	const char *service;

	if (!systemctl_says("is-enabled", s->name))
		check_say(c, CHECK_WARNING,
			  "%s: not enabled, it is not started at the next "
			  "boot: systemctl enable %s",
			  s->name, s->name);
	else if (!systemctl_says("is-active", s->name))
		check_say(c, CHECK_WARNING,
			  "%s: enabled, but not started: systemctl start %s",
			  s->name, s->name);
	else
		check_say(c, CHECK_OK, "%s: enabled", s->name);
	service = unit_service(s);
	if (systemctl_is_masked(service))
		say_masked(c, CHECK_ERROR, service, "no connection is served");
}

/* None of them is to serve: is one that the administrator wanted masked? */
static void
check_no_socket(struct check *c)
{
	const char *first = unit_sockets[0].name;
	bool masked = false;

	for (size_t i = 0; i < UNIT_SOCKETS; i++) {
		const char *name = unit_sockets[i].name;

		if (!systemctl_is_masked(name))
			continue;
		say_masked(c, CHECK_WARNING, name, "it cannot be started");
		masked = true;
	}
	if (!masked)
		check_say(c, CHECK_WARNING,
			  "%s: not enabled, it is not started at the next "
			  "boot: systemctl enable %s",
			  first, first);
}

/* Sockets that are enabled want it, whether it is enabled itself or not. */
static bool
recovery_is_wanted(void)
{
	char list[LIST_SIZE];
	bool wanted = systemctl_says("is-enabled", recovery);

	for (size_t i = 0; i < UNIT_SOCKETS && !wanted; i++) {
		const char *name = unit_sockets[i].name;

		systemctl_show(name, "Wants", list, sizeof(list));
		wanted = strstr(list, recovery) != NULL &&
			 systemctl_says("is-enabled", name);
	}
	return wanted;
}

static void
check_recovery(struct check *c)
{
	if (systemctl_is_masked(recovery))
		say_masked(c, CHECK_WARNING, recovery,
			   "deletions that a crash interrupts wait for the "
			   "user's next login");
	else if (recovery_is_wanted())
		check_say(c, CHECK_OK, "%s: started at boot", recovery);
	else
		check_say(c, CHECK_WARNING,
			  "%s: not enabled, it is not started at the next "
			  "boot: systemctl enable %s",
			  recovery, recovery);
}

void
check_units(struct check *c)
{
	bool serves = false;

	if (!systemctl_is_there())
		return;
	for (size_t i = 0; i < UNIT_SOCKETS; i++) {
		const struct unit_socket *s = &unit_sockets[i];
		bool enabled = systemctl_says("is-enabled", s->name);

		/* One that was only started may be on its way out. */
		if (enabled)
			check_socket(c, s);
		serves |= enabled;
	}
	for (size_t i = 0; i < UNIT_SOCKETS && !serves; i++)
		if (systemctl_says("is-active", unit_sockets[i].name)) {
			check_socket(c, &unit_sockets[i]);
			serves = true;
		}
	if (!serves)
		check_no_socket(c);
	check_recovery(c);
}
