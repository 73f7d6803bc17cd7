/* The end of a process that the monitor has started. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sandbox/role.h"

/*
 * How long a process may take to end, once it has had its last word. The tests
 * are built with a shorter one.
 */
#ifndef ENDING_SECONDS
#define ENDING_SECONDS 10
#endif

/*
 * Waits for the child's end, so many seconds at most. Whether it has come to
 * it; its status is still there to be waited for.
 */
bool child_ends(pid_t child, unsigned seconds);

/*
 * Waits for the child; after so many seconds it is killed. Returns its status
 * as waitpid(2) has it.
 */
int child_wait(pid_t child, unsigned seconds);

/* The same, however long it takes. */
int child_wait_long(pid_t child);

/*
 * Receives what a child has to tell, size octets in one message. False when it
 * tells something else or nothing: it is gone, so many seconds are over, or a
 * signal says that it is time to go.
 */
bool child_told(int fd, void *report, size_t size, unsigned seconds);

/*
 * Whether it came to its end by itself, and in order. Logs what else there is
 * to say of it.
 */
bool child_was_orderly(enum role role, int status);

#endif
