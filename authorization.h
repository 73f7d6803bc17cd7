/* The greeter: AUTHORIZATION state, for strangers. */
#ifndef AUTHORIZATION_H
#define AUTHORIZATION_H

#include <stdbool.h>

#include "base/boundary.h"
#include "base/connection.h"
#include "base/options.h"

enum { APOP_TIMESTAMP_SIZE = 320 };

/* Ways to log in, beside passwords, that this host is set up for. */
struct offers {
	bool scram;
	bool oauth;
	bool stls;  /* TLS, where it is not there yet */
	bool bound; /* SCRAM that is bound to TLS, once that is there */
	char apop[APOP_TIMESTAMP_SIZE]; /* the greeting's timestamp; "": none */
};

/*
 * Greets and serves the connection until a login succeeds, and hands what it
 * had read ahead to the monitor, or until the session ends. After a login whose
 * maildrop was refused, returned is what is to be read next, and there is no
 * greeting; else it is NULL. Runs with no privileges; monitor is the boundary.
 * Returns the exit status.
 */
int authorization_run(const struct options *o, const struct connection *c,
		      const struct offers *offers,
		      const struct handover *returned, int monitor);

#endif
