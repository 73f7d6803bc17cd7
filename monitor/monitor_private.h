/*
 * What the monitor is made of, shared by its loop (monitor.c), by what checks
 * logins for it (monitor_login.c), by what starts TLS (monitor_tls.c) and by
 * how all three answer (monitor_answer.c).
 */
#ifndef MONITOR_PRIVATE_H
#define MONITOR_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/boundary.h"
#include "base/connection.h"
#include "base/live.h"
#include "base/offers.h"
#include "base/options.h"
#include "monitor/account.h"
#include "monitor/authenticator_ask.h"
#include "monitor/keeper.h"
#include "tls/tls.h"

/* Who is on the other side of the boundary, and what it has achieved. */
enum phase {
	GREETER = 1,
	GREETER_SCRAM = 2, /* with a challenge that was not answered yet */
	GREETER_LOGGED_IN = 4,
	MAILBOX = 8
};

/* The TLS relay, where there is one. */
struct relay_link {
	pid_t pid;  /* 0: none */
	int report; /* what it tells us, until the handshake has ended */
	bool bound; /* there is an exporter's value */
	uint8_t exporter[TLS_EXPORTER_SIZE];
};

struct monitor {
	const struct options *options;
	struct connection connection; /* as the others are to use it */
	uid_t greeter_uid;
	gid_t greeter_gid;
	struct relay_link relay;
	struct live live; /* shown by --who */
	enum phase phase;
	int boundary; /* our end, or -1 */
	pid_t child;
	unsigned tries;
	bool failed; /* one of them, with a line in the log */
	struct offers offers;
	struct authenticator_link authenticator;
	struct account account;
	struct attributes attributes; /* of the user's session */
	struct request request;
	bool handed_over, returned, summed_up;
	struct handover handover;
	struct summary summary;
	struct keeper keeper;
	long long start;       /* in now_ms */
	long long greeter_end; /* in now_ms: until when it may take */
};

#endif
