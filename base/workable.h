/*
 * Whether options that make sense by themselves can work on this host. Runs
 * before anything is forked, with the privileges; reads no file's content.
 */
#ifndef WORKABLE_H
#define WORKABLE_H

#include <stdbool.h>

#include "base/options.h"

enum { UNWORKABLE_SIZE = 2 * 4096 };

/*
 * Says of each option that cannot work which it is, why, and what to do.
 * Returns whether all of them can.
 */
bool options_can_work(const struct options *o,
		      void (*say)(void *arg, const char *what), void *arg);

/* Whether a file that --tls-cert or --tls-key names cannot be read. */
bool options_lack_tls_file(const struct options *o);

#endif
