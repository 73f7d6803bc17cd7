/* The greeter: AUTHORIZATION state, for strangers. */
#ifndef AUTHORIZATION_H
#define AUTHORIZATION_H

#include "connection.h"
#include "options.h"

/*
 * Greets and serves the connection until a login succeeds, and hands what it
 * had read ahead to the monitor, or until the session ends. Runs with no
 * privileges; monitor is the boundary. Returns the exit status.
 */
int authorization_run(const struct options *o, const struct connection *c,
                      int monitor);

#endif
