/* Which descriptors a process holds. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Closes all but these, which may repeat and need no order; numbers below 0
 * stand for none. The log's own goes too: log_restart(). Those of standard
 * input, output and error are /dev/null where they are not among these. False,
 * with errno, when it cannot be done.
 */
bool descriptors_keep(const int *fds, size_t n);

/* Closes all from this one on; for the rest as above. */
bool descriptors_close_from(int first);

#endif
