/*
 * Sessions, found by what their monitors show of themselves and what the kernel
 * says of these. Run as root, by nobody who serves.
 */
#ifndef WHO_FIND_H
#define WHO_FIND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/live.h"

enum { WHO_UNIT_SIZE = 256 };

struct who {
	pid_t pid; /* the monitor's, which a signal ends the session by */
	struct live_facts facts;
	struct live_counts counts;
	char unit[WHO_UNIT_SIZE]; /* systemd's, or "" */
};

/*
 * Calls found for each session, in the order of their pids. Only a process of
 * root's is believed to be a monitor. False, with errno, where /proc cannot be
 * read.
 */
bool who_find(void (*found)(void *arg, const struct who *w), void *arg);

#endif
