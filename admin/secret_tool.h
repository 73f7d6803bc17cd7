/* pop3d --set-secret and --remove-secret: the secrets file's only writers. */
#ifndef SECRET_TOOL_H
#define SECRET_TOOL_H

#include "base/options.h"

/*
 * Asks for o->user's password, twice on a terminal, else one line of
 * stdin, and puts what SCRAM needs of it into the secrets file, with
 * o->secret_apop also the password itself. Makes file and directory where they
 * are missing; replaces the file in one step. Returns the exit status; what is
 * wrong is said on stderr, and also that there is no such user, who may come
 * yet.
 */
int secret_set(const struct options *o);

/* Takes the user out of the file. EX_NOUSER where there is none. */
int secret_remove(const struct options *o);

#endif
