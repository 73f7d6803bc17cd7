/*
 * For busy hosts: given listening sockets (systemd's Accept=no), pop3d accepts
 * connections itself and forks a session for each.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "base/connection.h"
#include "base/options.h"

/* What a session's process runs; its result is the exit status. */
typedef int (*accept_serve_fn)(const struct options *o,
			       const struct connection *c);

/*
 * Serves the connections that come to the listening sockets first to
 * first + count - 1, at most --max-sessions at once and --max-per-source from
 * one IPv4 address or IPv6 /64. Returns the exit status: after --idle-exit
 * seconds without a session; after SIGTERM or SIGHUP, when the running
 * sessions have come to their ends. In a session's process it does not return.
 */
int accept_run(const struct options *o, int first, int count,
	       accept_serve_fn serve);

#endif
