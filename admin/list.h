/* pop3d --list USER: what a client would be told, for a help desk. */
#ifndef LIST_H
#define LIST_H

#include "base/options.h"

/*
 * Prints a line for each message of o->user's on stdout: number, octets, UIDL,
 * From, Date and Subject, with a tab between them. Returns the exit status;
 * what is wrong has been said on stderr.
 */
int list_run(const struct options *o);

#endif
