/*
 * What a running session shows of itself: two pages of memory that have a name
 * for as long as its monitor lives, and no longer. Whoever may look into the
 * monitor by /proc finds them; nobody has to ask the session.
 *
 * The facts are the monitor's, and its children have no part in that page. The
 * counts are written by the process that talks to the client, which may be
 * hijacked: they are numbers, and nothing is done by them.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arrival.h"

/* As /proc/PID/fd tells it. */
#define LIVE_LINK "/memfd:pop3d-session"

enum { LIVE_PAGE = 4096, LIVE_NAME_SIZE = 256, LIVE_TEXT_SIZE = 64 };

enum live_state { LIVE_AUTHORIZATION, LIVE_TRANSACTION };

struct live_facts {
	uint32_t version; /* LIVE_VERSION */
	uint32_t state;	  /* enum live_state */
	int32_t pid;	  /* the monitor's */
	int64_t since;	  /* seconds since 1970 */
	int64_t since_ms; /* of now_ms */
	struct arrival arrival;
	char user[LIVE_NAME_SIZE];  /* who came in or tried last, or "" */
	char rhost[LIVE_TEXT_SIZE]; /* or "" */
	char tls[LIVE_TEXT_SIZE];   /* version and cipher, or "" */
};

struct live_counts {
	int64_t heard_ms; /* of now_ms: the last line; 0: none yet */
	uint64_t retrieved, deleted;
	uint32_t updating; /* QUIT has come, and what was deleted goes */
};

enum { LIVE_VERSION = 1 };

/* What is given to everybody who writes: never without a place to write to. */
struct live {
	int fd; /* of the pages, or -1 */
	struct live_facts *facts;
	struct live_counts *counts;
};

/* Both pages, zero. Where they cannot be had, what is written is not shown. */
void live_open(struct live *l);

/* Copies a text into one of the facts, cut where it is full. */
void live_set(char *dst, size_t size, const char *text);

/* Reads both from a descriptor of the pages; false where they are not ours. */
bool live_read(int fd, struct live_facts *facts, struct live_counts *counts);

#endif
