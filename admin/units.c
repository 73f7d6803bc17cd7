/* Which they are, and which of them are in use. */
#include "admin/units.h"

#include <stdio.h>
#include <string.h>

#include "admin/systemctl.h"

const struct unit_socket unit_sockets[UNIT_SOCKETS] = {
	{ "pop3d.socket", 110, "pop3d@.service", "pop3d.service" },
	{ "pop3ds.socket", 995, "pop3ds@.service", "pop3ds.service" },
};

bool
unit_serves(const struct unit_socket *s)
{
	return systemctl_says("is-enabled", s->name) ||
	       systemctl_says("is-active", s->name);
}

bool
unit_any_serves(void)
{
	for (size_t i = 0; i < UNIT_SOCKETS; i++)
		if (unit_serves(&unit_sockets[i]))
			return true;
	return false;
}

const char *
unit_service(const struct unit_socket *s)
{
	char accept[8];

	systemctl_show(s->name, "Accept", accept, sizeof(accept));
	return strcmp(accept, "no") == 0 ? s->accept_no : s->accept_yes;
}

void
unit_instance(const char *service, char name[UNIT_NAME_SIZE])
{
	const char *at = strchr(service, '@');

	if (at == NULL)
		snprintf(name, UNIT_NAME_SIZE, "%s", service);
	else
		snprintf(name, UNIT_NAME_SIZE, "%.*scheck%s",
			 (int)(at + 1 - service), service, at + 1);
}
