/*
 * admin/: what serves nobody. pop3d --check says what an administrator would
 * otherwise find out the hard way; secret_tool.h writes the secrets file. Runs
 * by itself, as root or as anybody, in no session.
 */
#ifndef CHECK_H
#define CHECK_H

#include "base/options.h"

/*
 * Looks at this host's setup, or with options->user at that user's login, and
 * prints a line on stdout for each finding. Changes nothing but, for a user,
 * takes the mailbox's locks for a moment. Returns the worst verdict.
 */
int check_run(const struct options *o);

#endif
