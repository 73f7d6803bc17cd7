/* The mailbox process: TRANSACTION and UPDATE states, as the user. */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "monitor/account.h"
#include "authorization.h"
#include "base/boundary.h"
#include "base/connection.h"
#include "base/options.h"

/*
 * Opens the user's maildrop, answers the login, serves the session and
 * carries out what it deleted; tells the monitor what it did. h is what the
 * greeter had read ahead. Returns the exit status.
 */
int transaction_run(const struct options *o, const struct connection *c,
		    const struct offers *offers, const struct account *account,
		    const struct handover *h, int monitor);

#endif
