/*
 * Which system call the filter has refused: written down by the process that
 * made it, in its last moment, and read by the monitor when that process has
 * died of SIGSYS. They share one page, which nothing else is ever read from.
 *
 * A hijacked process may write there what it likes: the monitor takes it for
 * a number and for nothing else. The handler makes the walls no lower: the
 * call it is told of was not made; where its signal is blocked the kernel
 * ends the process without it; and all it does is to write that number and
 * to make a call that is refused again, which then ends the process.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

#include <stdbool.h>

#include "sandbox/role.h"

enum { REFUSAL_SIZE = 64 };

/* For whoever forks such processes: before the first of them. */
void refusal_prepare(void);

/* When one has died of SIGSYS: the call and its number, as far as it told. */
void refusal_text(enum role role, char text[REFUSAL_SIZE]);

/* In the process itself, before its filter. False, with errno. */
bool refusal_watch(enum role role);

#endif
