/* The one connection that this process serves, and who is at its other end. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>

#include "base/arrival.h"

enum { PEER_MAX = 64 };

struct connection {
	int in, out; /* the same socket, or two pipes */
	bool tls;    /* over the TLS relay */
	bool local;  /* loopback, AF_UNIX or a pipe: nobody listens in */
	char peer[PEER_MAX]; /* address or host name; "" where there is none */
	struct arrival arrival;
};

/*
 * Makes sure that descriptors 0 to 2 exist and that 2 is not the connection:
 * what a library prints must not reach the client. To be called before anything
 * is opened. False where 0 or 1 was closed, so that it is no connection.
 */
bool connection_secure_stdio(void);

struct options;
struct sockaddr_storage;

/* A connection that was accepted: fd, whose peer is at addr. */
void connection_from_socket(struct connection *c, int fd,
			    const struct sockaddr_storage *addr);

/*
 * Closes it; where it was one of descriptors 0 to 2, /dev/null takes its
 * place.
 */
void connection_leave(const struct connection *c);

/* Whether a password, or what is as good as one, may be sent over it. */
bool connection_keeps_passwords(const struct connection *c,
				const struct options *o);

/*
 * Finds the connection: the descriptor that systemd passed, else 0 and 1;
 * passed is how many there were.
 * The peer's address comes from the socket, else from REMOTE_ADDR,
 * TCPREMOTEIP or REMOTE_HOST. Returns false, with a line in the log, where
 * there is no usable connection.
 */
bool connection_get(struct connection *c, int passed);

#endif
