/*
 * monitor/: what runs with privileges. Accepts connections (where systemd does
 * not), starts the greeter, has logins checked for it, starts the mailbox
 * process as the user, keeps the dotlock of root's spool, finishes what was cut
 * and cleans up. Parses nothing but the boundary's fixed-size messages; must
 * not know a byte that the client sent, nor touch mail.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "base/connection.h"
#include "base/options.h"

/* Serves the connection to its end. Returns the exit status. */
int monitor_run(const struct options *o, const struct connection *c);

/*
 * Tells the client, if it can be told, that this server is not set up. Returns
 * the exit status.
 */
int monitor_refuse(const struct options *o, const struct connection *c);

#endif
