/*
 * The privileged side: starts the greeter, checks logins for it, starts the
 * mailbox process as the user, and cleans up after both. Parses nothing but
 * the boundary's fixed-size messages; touches no mail itself.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "base/connection.h"
#include "base/options.h"

/* Serves the connection to its end. Returns the exit status. */
int monitor_run(const struct options *o, const struct connection *c);

#endif
