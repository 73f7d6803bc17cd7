/*
 * Names a connection by what the kernel knows of it. In the monitor, or in the
 * acceptor on its behalf; reads nothing from the client.
 */
#include "base/arrival.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/compat.h"

/* A session without random numbers is served too: its lines link by the pid. */
static void
make_id(char id[ARRIVAL_ID_SIZE])
{
	uint64_t bits = 0;

	if (compat_random(&bits, sizeof(bits)))
		snprintf(id, ARRIVAL_ID_SIZE, "%012" PRIx64, bits >> 16);
	else
		snprintf(id, ARRIVAL_ID_SIZE, "-");
}

/* A path has no NUL at its end where it is as long as can be. */
static void
name_unix(struct arrival *a, const struct sockaddr_un *addr, socklen_t len)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);

	if (len <= offsetof(struct sockaddr_un, sun_path))
		snprintf(a->port, sizeof(a->port), "pipe");
	else if (addr->sun_path[0] == '\0')
		snprintf(a->port, sizeof(a->port), "@%.*s", (int)n - 1,
			 addr->sun_path + 1);
	else
		snprintf(a->port, sizeof(a->port), "%.*s", (int)n,
			 addr->sun_path);
}

void
arrival_look(struct arrival *a, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	const struct sockaddr_in *v4 = (const void *)&addr;
	const struct sockaddr_in6 *v6 = (const void *)&addr;

	make_id(a->id);
	snprintf(a->port, sizeof(a->port), "pipe");
	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
		return;
	if (addr.ss_family == AF_INET)
		snprintf(a->port, sizeof(a->port), "%u",
			 (unsigned)ntohs(v4->sin_port));
	else if (addr.ss_family == AF_INET6)
		snprintf(a->port, sizeof(a->port), "%u",
			 (unsigned)ntohs(v6->sin6_port));
	else if (addr.ss_family == AF_UNIX)
		name_unix(a, (const void *)&addr, len);
}

void
arrival_add_stls(struct arrival *a)
{
	size_t n = strlen(a->port);

	snprintf(a->port + n, sizeof(a->port) - n, "/STLS");
}
