/* Parsed before anything is forked, looked into by the monitor. */
#include "base/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"

enum { BITS_V4 = 32, BITS_V6 = 128, MAPPED_BITS = 96 };

static void
map_v4(unsigned char v6[NETWORK_ADDRESS_SIZE], const struct in_addr *v4)
{
	static const unsigned char prefix[] = { 0, 0, 0, 0, 0,	  0,
						0, 0, 0, 0, 0xff, 0xff };

	memcpy(v6, prefix, sizeof(prefix));
	memcpy(v6 + sizeof(prefix), v4, sizeof(*v4));
}

/* One of the list, of len bytes. */
static bool
parse_one(struct networks *s, const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN + sizeof("/128")];
	struct in_addr v4;
	unsigned long long bits;

	if (len >= sizeof(address) || s->count == NETWORKS_MAX)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	char *slash = strchr(address, '/');
	if (slash != NULL)
		*slash++ = '\0';
	unsigned char *to = s->list[s->count].address;
	bool is_v4 = inet_pton(AF_INET, address, &v4) == 1;
	if (is_v4)
		map_v4(to, &v4);
	else if (inet_pton(AF_INET6, address, to) != 1)
		return false;
	bits = is_v4 ? BITS_V4 : BITS_V6;
	if (slash != NULL && !parse_number(slash, bits, &bits))
		return false;
	s->list[s->count++].bits = (unsigned)bits + (is_v4 ? MAPPED_BITS : 0);
	return true;
}

bool
networks_parse(struct networks *s, const char *list)
{
	s->count = 0;
	for (;;) {
		size_t len = strcspn(list, ",");

		if (!parse_one(s, list, len))
			return false;
		if (list[len] == '\0')
			return true;
		list += len + 1;
	}
}

static bool
begins_alike(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	return memcmp(a, b, bits / 8) == 0 &&
	       (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

bool
networks_have_peer(const struct networks *s, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	unsigned char peer[NETWORK_ADDRESS_SIZE];
	bool trusted = false;

	if (s->count == 0 ||
	    getpeername(fd, (struct sockaddr *)&addr, &len) != 0)
		return false;
	if (addr.ss_family == AF_INET)
		map_v4(peer, &((const struct sockaddr_in *)(const void *)&addr)
				  ->sin_addr);
	else if (addr.ss_family == AF_INET6)
		memcpy(peer,
		       &((const struct sockaddr_in6 *)(const void *)&addr)
			    ->sin6_addr,
		       sizeof(peer));
	else
		return false;
	for (unsigned i = 0; i < s->count && !trusted; i++)
		trusted =
		    begins_alike(s->list[i].address, peer, s->list[i].bits);
	return trusted;
}
