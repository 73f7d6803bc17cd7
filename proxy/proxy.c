/*
 * Reads and parses the header. What strangers might send in a proxy's name is
 * met by a process like the greeter: it can lie about the address, and that
 * is all that it can do.
 */
#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/wire.h"

enum {
	FIRST = 12,	   /* as long as version 2's signature; any header is */
	V1_MAX = 107,	   /* with its CRLF */
	V2_HEAD = 16,	   /* the signature and four bytes */
	V2_BODY_MAX = 4096 /* addresses, then what nobody reads */
};

static const char v2_signature[FIRST + 1] = "\r\n\r\n\0\r\nQUIT\n";

/* Exactly len bytes before the deadline. */
static bool
read_all(int fd, unsigned char *buf, size_t len, long long deadline)
{
	while (len > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = deadline - now_ms();
		struct timespec t = timespec_of_ms(left);

		if (left <= 0 || signals_terminated())
			return false;
		int n = ppoll(&p, 1, &t, signals_while_waiting());
		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		ssize_t got = read(fd, buf, len);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		if (got > 0) {
			buf += got;
			len -= (size_t)got;
		}
	}
	return true;
}

static void
take_v4(struct proxy_client *c, const void *v4)
{
	memset(c->address, 0, 10);
	memset(c->address + 10, 0xff, 2);
	memcpy(c->address + 12, v4, 4);
	c->origin = PROXY_IPV6;
}

/* ---- version 1: PROXY TCP4 source destination port port CRLF */

/* The word up to the next blank, which becomes a NUL. */
static char *
next_word(char **line)
{
	char *word = *line, *end = strchr(word, ' ');

	if (end == NULL) {
		*line = word + strlen(word);
	} else {
		*end = '\0';
		*line = end + 1;
	}
	return word;
}

static bool
is_port(const char *word)
{
	size_t len = strlen(word);

	return len >= 1 && len <= 5 && strspn(word, "0123456789") == len;
}

static bool
parse_v1(char *line, struct proxy_client *c)
{
	struct in_addr v4, v4_to;
	struct in6_addr v6, v6_to;

	next_word(&line); /* PROXY */
	const char *family = next_word(&line);
	if (strcmp(family, "UNKNOWN") == 0) {
		c->origin = PROXY_UNKNOWN;
		return true;
	}
	const char *from = next_word(&line), *to = next_word(&line);
	const char *from_port = next_word(&line);
	if (!is_port(from_port) || !is_port(line))
		return false;
	if (strcmp(family, "TCP4") == 0 && inet_pton(AF_INET, from, &v4) == 1 &&
	    inet_pton(AF_INET, to, &v4_to) == 1) {
		take_v4(c, &v4);
		return true;
	}
	if (strcmp(family, "TCP6") != 0 ||
	    inet_pton(AF_INET6, from, &v6) != 1 ||
	    inet_pton(AF_INET6, to, &v6_to) != 1)
		return false;
	memcpy(c->address, &v6, sizeof(c->address));
	c->origin = PROXY_IPV6;
	return true;
}

static bool
read_v1(int fd, const unsigned char *first, long long deadline,
	struct proxy_client *c)
{
	char line[V1_MAX + 1];
	size_t len = FIRST;

	memcpy(line, first, FIRST);
	while (line[len - 1] != '\n') {
		if (len == V1_MAX ||
		    !read_all(fd, (unsigned char *)line + len, 1, deadline))
			return false;
		len++;
	}
	if (line[len - 2] != '\r' || memchr(line, '\0', len) != NULL)
		return false;
	line[len - 2] = '\0';
	return parse_v1(line, c);
}

/* ---- version 2: signature, version and command, family, length, addresses */

static bool
parse_v2(const unsigned char *head, const unsigned char *body, size_t len,
	 struct proxy_client *c)
{
	enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
	enum { TCP4 = 0x11, TCP6 = 0x21, TCP4_SIZE = 12, TCP6_SIZE = 36 };

	if (head[12] == V2_LOCAL) {
		c->origin = PROXY_LOCAL;
		return true;
	}
	if (head[12] != V2_PROXY)
		return false;
	c->origin = PROXY_UNKNOWN;
	if (head[13] == TCP4) {
		if (len < TCP4_SIZE)
			return false;
		take_v4(c, body);
	} else if (head[13] == TCP6) {
		if (len < TCP6_SIZE)
			return false;
		memcpy(c->address, body, sizeof(c->address));
		c->origin = PROXY_IPV6;
	}
	return true;
}

static bool
read_v2(int fd, const unsigned char *first, long long deadline,
	struct proxy_client *c)
{
	unsigned char head[V2_HEAD], body[V2_BODY_MAX];

	memcpy(head, first, FIRST);
	if (!read_all(fd, head + FIRST, V2_HEAD - FIRST, deadline))
		return false;
	size_t len = (size_t)head[14] << 8 | head[15];
	return len <= sizeof(body) && read_all(fd, body, len, deadline) &&
	       parse_v2(head, body, len, c);
}

bool
proxy_read(int fd, struct proxy_client *client)
{
	long long deadline = now_ms() + PROXY_WAIT_MS;
	unsigned char first[FIRST];

	*client = (struct proxy_client){ .origin = 0 };
	if (!read_all(fd, first, FIRST, deadline))
		return false;
	if (memcmp(first, v2_signature, FIRST) == 0)
		return read_v2(fd, first, deadline, client);
	return memcmp(first, "PROXY ", 6) == 0 &&
	       read_v1(fd, first, deadline, client);
}
