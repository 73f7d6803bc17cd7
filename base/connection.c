/*
 * Where the connection comes from. Runs before anything is forked; reads the
 * environment and the socket's addresses, never a byte from the client.
 */
#include "base/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "base/systemd.h"

/* Dead peers are found in 90 + 3 * 30 seconds. */
enum { KEEPALIVE_IDLE = 90, KEEPALIVE_INTERVAL = 30, KEEPALIVE_COUNT = 3 };

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

bool
connection_secure_stdio(void)
{
	struct stat st;
	bool open_before = fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (null >= 0 && null <= 2)
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		(void)fcntl(fd, F_SETFD, 0);
	if (null >= 0 && fstat(2, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    (same_file(0, 2) || same_file(1, 2)))
		dup2(null, 2);
	if (null >= 0)
		close(null);
	return open_before;
}

static bool
is_loopback(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, address, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return false;
}

static void
peer_from_address(struct connection *c, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	if (addr->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, c->peer, sizeof(c->peer));
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], c->peer,
			  sizeof(c->peer));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, c->peer, sizeof(c->peer));
	c->local = is_loopback(c->peer);
}

/* What tcpserver, stunnel and their like say of the other end of a pipe. */
static void
peer_from_environment(struct connection *c)
{
	static const char *const names[] = { "REMOTE_ADDR", "TCPREMOTEIP",
					     "REMOTE_HOST" };

	c->local = true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value == NULL || *value == '\0')
			continue;
		snprintf(c->peer, sizeof(c->peer), "%s", value);
		c->local = is_loopback(c->peer);
		return;
	}
}

/* The connection is left as it is where an option cannot be set. */
static void
tune_tcp(int fd)
{
	static const struct {
		int level, name, value;
	} settings[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		setsockopt(fd, settings[i].level, settings[i].name,
			   &settings[i].value, sizeof(settings[i].value));
}

void
connection_from_socket(struct connection *c, int fd,
		       const struct sockaddr_storage *addr)
{
	*c = (struct connection){ .in = fd, .out = fd, .local = true };
	arrival_look(&c->arrival, fd);
	if (addr->ss_family != AF_INET && addr->ss_family != AF_INET6)
		return;
	peer_from_address(c, addr);
	tune_tcp(fd);
}

bool
connection_get(struct connection *c, int passed)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	*c = (struct connection){ .in = 0, .out = 1 };
	if (passed > 1) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "%d descriptors were passed, not one", passed);
		return false;
	}
	if (passed == 1)
		c->in = c->out = SYSTEMD_FIRST_FD;
	if (fcntl(c->in, F_GETFD) < 0 || fcntl(c->out, F_GETFD) < 0) {
		log_line(LOG_ERR, EVENT_SETUP, "no connection: %s",
			 strerror(errno));
		return false;
	}
	arrival_look(&c->arrival, c->in);
	errno = 0;
	if (getpeername(c->in, (struct sockaddr *)&addr, &len) == 0 &&
	    (addr.ss_family == AF_INET || addr.ss_family == AF_INET6)) {
		peer_from_address(c, &addr);
		tune_tcp(c->in);
	} else if (errno == ENOTCONN) {
		log_line(LOG_ERR, EVENT_SETUP, "the socket is not connected");
		return false;
	} else {
		peer_from_environment(c);
	}
	return true;
}

void
connection_leave(const struct connection *c)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = c->in;; fd = c->out) {
		if (null >= 0 && fd <= 2)
			dup2(null, fd);
		else
			close(fd);
		if (fd == c->out)
			break;
	}
	if (null >= 0)
		close(null);
}

bool
connection_keeps_passwords(const struct connection *c, const struct options *o)
{
	return c->tls || o->plaintext == PLAINTEXT_ALWAYS ||
	       (o->plaintext == PLAINTEXT_LOCAL && c->local);
}
