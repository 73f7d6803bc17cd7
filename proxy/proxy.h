/*
 * proxy/: HAProxy's PROXY protocol, versions 1 and 2. A proxy that is trusted
 * says before the client's first byte where that client is; a process with the
 * greeter's rights reads it and tells the monitor an address, no more. See
 * https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/connection.h"

enum { PROXY_ADDRESS_SIZE = 16, PROXY_WAIT_MS = 30000 /* for the header */ };

enum proxy_origin {
	PROXY_LOCAL = 1, /* the proxy itself, to see whether we live */
	PROXY_UNKNOWN,	 /* a client whose address the proxy cannot tell */
	PROXY_IPV6	 /* a client; IPv4 is mapped */
};

struct proxy_client {
	uint32_t origin; /* enum proxy_origin */
	unsigned char address[PROXY_ADDRESS_SIZE];
};

/*
 * Reads the header from fd, and not a byte more. Runs with the rights of the
 * greeter. False when there is none, none that is right, or not in time.
 */
bool proxy_read(int fd, struct proxy_client *client);

/*
 * In the monitor: reads the header in a process with the uid, gid and root of
 * the greeter, and sets c's peer from it. A peer that a proxy told is local
 * only where its address is a loopback address. False, logged, when the
 * connection is to be closed without a word.
 */
bool proxy_ask(struct connection *c, uid_t uid, gid_t gid);

#endif
