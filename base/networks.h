/* A list of IP networks, such as the proxies that are trusted. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include <stdbool.h>

enum { NETWORKS_MAX = 32, NETWORK_ADDRESS_SIZE = 16 };

/* Networks as IPv6; IPv4 is mapped. */
struct networks {
	unsigned count;
	struct {
		unsigned char address[NETWORK_ADDRESS_SIZE];
		unsigned bits; /* 0 to 128 */
	} list[NETWORKS_MAX];
};

/*
 * Parses a list of addresses and networks, ADDRESS or ADDRESS/BITS, separated
 * by commas. False when it is none.
 */
bool networks_parse(struct networks *s, const char *list);

/* Whether fd is a TCP connection from one of these. */
bool networks_have_peer(const struct networks *s, int fd);

#endif
