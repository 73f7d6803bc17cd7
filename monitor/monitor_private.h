/*
 * What the monitor is made of, shared by its loop (monitor.c), by what checks
 * logins for it (monitor_login.c) and by what starts TLS (monitor_tls.c).
 */
#ifndef MONITOR_PRIVATE_H
#define MONITOR_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "monitor/account.h"
#include "authorization.h"
#include "auth_pam.h"
#include "base/boundary.h"
#include "base/connection.h"
#include "monitor/keeper.h"
#include "base/options.h"
#include "tls/tls.h"

/* Who is on the other side of the boundary, and what it has achieved. */
enum phase {
	GREETER = 1,
	GREETER_SCRAM = 2, /* with a challenge that was not answered yet */
	GREETER_LOGGED_IN = 4,
	MAILBOX = 8
};

/* A SCRAM exchange, from its challenge to its answer. */
struct scram_pending {
	enum login_method method;
	char user[USER_MAX + 1];
	bool known; /* whether the keys are anyone's */
	struct scram_keys keys;
	struct scram_exchange exchange;
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
	enum phase phase;
	int boundary; /* our end, or -1 */
	pid_t child;
	unsigned tries;
	bool failed; /* one of them, with a line in the log */
	struct offers offers;
	struct scram_pending scram;
	struct auth_pam *auth;
	struct account account;
	struct request request;
	bool handed_over, returned, summed_up;
	struct handover handover;
	struct summary summary;
	struct keeper keeper;
	struct timespec start;
	long long greeter_end; /* in now_ms: until when it may take */
};

/* ---- monitor.c */

/*
 * Answers m->request, with a descriptor beside the answer where one was asked
 * for. Kills a process that has left so many answers that there is no room for
 * this one; false, as handlers return it, where no one is there to take it.
 */
bool monitor_answer(const struct monitor *m, const struct reply *reply);
bool monitor_answer_with(const struct monitor *m, const struct reply *reply,
			 int descriptor);

/* ---- monitor_login.c */

/* By the clock that nobody sets. */
double monitor_seconds_since(const struct timespec *start);

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

/* ---- monitor_tls.c */

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
