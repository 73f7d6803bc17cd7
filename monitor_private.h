/*
 * What the monitor is made of, shared by its loop (monitor.c) and by those who
 * check logins for it (monitor_login.c).
 */
#ifndef MONITOR_PRIVATE_H
#define MONITOR_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "account.h"
#include "auth_pam.h"
#include "boundary.h"
#include "connection.h"
#include "keeper.h"
#include "options.h"

/* Who is on the other side of the boundary, and what it has achieved. */
enum phase { GREETER = 1, GREETER_LOGGED_IN = 2, MAILBOX = 4 };

struct monitor {
	const struct options *options;
	const struct connection *connection;
	enum phase phase;
	int boundary; /* our end, or -1 */
	pid_t child;
	unsigned tries;
	struct auth_pam *auth;
	struct account account;
	struct request request;
	bool handed_over, summed_up;
	struct handover handover;
	struct summary summary;
	struct keeper keeper;
	struct timespec start;
};

double monitor_seconds_since(const struct timespec *start);

/*
 * Handlers of what the greeter asks about logins: m->request is the request.
 * They answer it and wipe it; false when nothing more can follow.
 */
bool monitor_login(struct monitor *m);

#endif
