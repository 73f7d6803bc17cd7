/*
 * What the log calls a connection: an id of its own, and where it came in.
 * Whoever gets a connection asks once, before anything is forked.
 */
#ifndef ARRIVAL_H
#define ARRIVAL_H

enum {
	ARRIVAL_ID_SIZE = 13, /* 48 random bits as digits, and a NUL */
	ARRIVAL_PORT_SIZE = 128
};

struct arrival {
	char id[ARRIVAL_ID_SIZE]; /* on all lines of the session */
	/* "110", "110/STLS", "995", a socket's path, or "pipe" */
	char port[ARRIVAL_PORT_SIZE];
};

/* Of the connection on this descriptor. */
void arrival_look(struct arrival *a, int fd);

/* The client has asked for STLS there. */
void arrival_add_stls(struct arrival *a);

#endif
