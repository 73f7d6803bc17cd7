/*
 * The monitor's side of the PROXY protocol: has the header read, and believes
 * of it nothing but an address.
 */
#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/child.h"
#include "sandbox/sandbox.h"

/*
 * Seconds that an honest reader may take. The tests are built with a shorter
 * one.
 */
#ifndef REPORT_SECONDS
#define REPORT_SECONDS (PROXY_WAIT_MS / 1000 + 5)
#endif

static _Noreturn void
be_the_reader(int connection, int pair, uid_t uid, gid_t gid)
{
	const struct sandbox_needs needs = {
		.uid = uid,
		.gid = gid,
		.fds = { connection, pair },
		.fds_count = 2,
	};
	struct proxy_client client;

	if (!sandbox_enter(ROLE_PROXY, &needs)) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "the sandbox of the PROXY header's reader: %s",
			 strerror(errno));
		_exit(EX_OSERR);
	}
	if (!proxy_read(connection, &client))
		_exit(EX_PROTOCOL);
	_exit(send(pair, &client, sizeof(client), MSG_NOSIGNAL) ==
		      (ssize_t)sizeof(client)
		  ? EX_OK
		  : EX_OSERR);
}

/* False when the reader has not told. */
static bool
read_by_child(int connection, uid_t uid, gid_t gid, struct proxy_client *client)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		close(pair[0]);
		be_the_reader(connection, pair[1], uid, gid);
	}
	close(pair[1]);
	bool told = child > 0 && child_told(pair[0], client, sizeof(*client),
					    REPORT_SECONDS);
	close(pair[0]);
	if (child > 0)
		child_was_orderly(ROLE_PROXY,
				  child_wait(child, ENDING_SECONDS));
	return told;
}

static void
take_address(struct connection *c, const unsigned char *address)
{
	struct in6_addr v6;

	memcpy(&v6, address, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		inet_ntop(AF_INET, &v6.s6_addr[12], c->peer, sizeof(c->peer));
		c->local = v6.s6_addr[12] == 127;
	} else {
		inet_ntop(AF_INET6, &v6, c->peer, sizeof(c->peer));
		c->local = IN6_IS_ADDR_LOOPBACK(&v6);
	}
}

bool
proxy_ask(struct connection *c, uid_t uid, gid_t gid)
{
	struct proxy_client client;

	if (!read_by_child(c->in, uid, gid, &client)) {
		log_line(LOG_NOTICE, EVENT_PROTOCOL,
			 "no PROXY header from a source that is to send one");
		return false;
	}
	switch (client.origin) {
	case PROXY_LOCAL:
		return true;
	case PROXY_UNKNOWN:
		c->local = false;
		return true;
	case PROXY_IPV6:
		take_address(c, client.address);
		log_session(NULL, c->peer);
		return true;
	default:
		return false;
	}
}
