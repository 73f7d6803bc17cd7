/*
 * pop3d's units, for --check: one socket for each port, and what serves the
 * connections of each.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stddef.h>

struct unit_socket {
	const char *name;
	unsigned port;
	const char *accept_yes, *accept_no; /* what serves its connections */
};

enum { UNIT_SOCKETS = 2, UNIT_NAME_SIZE = 64 };

extern const struct unit_socket unit_sockets[UNIT_SOCKETS];

/* Whether the socket is, or will be at the next boot, one that serves. */
bool unit_serves(const struct unit_socket *s);

/* Whether one of them does. */
bool unit_any_serves(void);

/*
 * The unit of a session: a template's name ("pop3d@.service") where the socket
 * says Accept=yes, else a service's.
 */
const char *unit_service(const struct unit_socket *s);

/* Of a template, the name of an instance, as it can be asked about. */
void unit_instance(const char *service, char name[UNIT_NAME_SIZE]);

#endif
