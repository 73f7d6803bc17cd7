/*
 * SIGTERM and SIGHUP end a session between two steps, never inside one: they
 * are blocked but while a process waits.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Blocks both, ignores SIGPIPE and SIGXFSZ: their calls fail instead. */
void signals_setup(void);

/* The mask for ppoll(2) in which both may arrive. */
const sigset_t *signals_while_waiting(void);

/* Whether one of them has arrived. */
bool signals_terminated(void);

#endif
