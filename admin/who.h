/* pop3d --who: the sessions that are open on this host. */
#ifndef WHO_H
#define WHO_H

#include "base/options.h"

/*
 * Prints a line for each session of root's pop3d on stdout, or with o->json an
 * array. Returns the exit status; what is wrong has been said on stderr.
 */
int who_run(const struct options *o);

#endif
