/* pop3d --list-secrets */
#ifndef SECRET_LIST_H
#define SECRET_LIST_H

#include "base/options.h"

/*
 * A line for each user in the secrets file: the name, a tab, and SCRAM or
 * "SCRAM APOP". Without a file there are none. Returns the exit status.
 */
int secret_list(const struct options *o);

#endif
