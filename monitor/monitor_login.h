/* Logins, as the monitor decides them for the greeter. */
#ifndef MONITOR_LOGIN_H
#define MONITOR_LOGIN_H

#include <stdbool.h>

#include "monitor/monitor_private.h"

/* Finds out what the greeter may offer; before there is one. */
void monitor_prepare_offers(struct monitor *m);

/*
 * Handlers of what the greeter asks about logins: m->request is the request.
 * They answer it and wipe it; false when nothing more can follow.
 */
bool monitor_login(struct monitor *m);
bool monitor_token(struct monitor *m);
bool monitor_apop(struct monitor *m);
bool monitor_scram_start(struct monitor *m);
bool monitor_scram_proof(struct monitor *m);

#endif
