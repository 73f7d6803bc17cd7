/* The end of a process that the monitor has started. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

/*
 * Waits for the child; after so many seconds it is killed. Returns its status
 * as waitpid(2) has it.
 */
int child_wait(pid_t child, unsigned seconds);

#endif
