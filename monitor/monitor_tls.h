/* The TLS relay, as the monitor sees it. */
#ifndef MONITOR_TLS_H
#define MONITOR_TLS_H

#include <stdbool.h>

#include "monitor/monitor_private.h"

/*
 * Whether STLS can be offered: there is a certificate, and its key fits. False,
 * logged, where that was to be expected but is not so.
 */
bool monitor_tls_possible(const struct options *o);

/*
 * Puts the TLS relay before the connection, which is the relay's from then on:
 * m->connection becomes the plain socket. False, logged, where there can be
 * none; the connection is then as it was.
 */
bool monitor_tls_start(struct monitor *m);

/* Handlers of what the greeter asks about TLS. */
bool monitor_stls(struct monitor *m);
bool monitor_handshake(struct monitor *m);

/* Lets the relay send what it has, and waits for its end. */
void monitor_tls_end(struct monitor *m);

#endif
