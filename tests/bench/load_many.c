#include "load_many.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

enum { CLIENTS_MAX = 1024, SAMPLES_MAX = 1 << 20, COMMANDS = 3 };

struct client {
	struct link link;
	int number;
	int step; /* commands sent */
	double start;
	size_t got;
	char reply[512];
};

static const struct many *many;
static int steps; /* commands of a session */
static double samples[SAMPLES_MAX];
static size_t sampled;
static unsigned long refused;

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
take_sample(double value)
{
	if (sampled < SAMPLES_MAX)
		samples[sampled++] = value;
}

static double
percentile(size_t p)
{
	qsort(samples, sampled, sizeof(*samples), by_size);
	return samples[sampled * p / 100];
}

static int
connect_to(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		err(1, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* ---- many sessions at once */

static void
begin(struct client *c, int poll_fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	*c = (struct client){ .number = c->number, .start = now() };
	c->link.fd = connect_to(many->port);
	if (many->tls) {
		fcntl(c->link.fd, F_SETFL, O_NONBLOCK);
		link_secure(&c->link, NULL);
	}
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->link.fd, &e) != 0)
		err(1, "epoll_ctl");
}

static void
end(struct client *c, bool done)
{
	link_close(&c->link);
	if (done)
		take_sample(now() - c->start);
	else
		refused++;
}

static void
say_step(struct client *c)
{
	char line[300];
	int n = 0;

	if (c->step == 0)
		n = snprintf(line, sizeof(line), "USER %s%d\r\n", many->user,
			     c->number);
	else if (c->step == 1)
		n = snprintf(line, sizeof(line), "PASS %s\r\n", many->password);
	else
		n = snprintf(line, sizeof(line), "QUIT\r\n");
	link_say(&c->link, line, (size_t)n);
}

/* Takes what came; false when the session is over. */
static bool
go_on(struct client *c)
{
	ssize_t n =
	    link_recv(&c->link, c->reply + c->got, sizeof(c->reply) - c->got);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		end(c, c->step > steps);
		return false;
	}
	c->got += (size_t)n;
	if (c->step > steps)
		return true;
	if (c->reply[c->got - 1] != '\n')
		return true;
	if (memcmp(c->reply, "+OK", 3) != 0) {
		end(c, false);
		return false;
	}
	c->got = 0;
	if (c->step == steps) {
		/* the server closes first, as it does after QUIT */
		c->step++;
		if (steps > 0)
			return true;
		end(c, true);
		return false;
	}
	say_step(c);
	c->step++;
	return true;
}

void
load_many(const struct many *m)
{
	static struct client clients[CLIENTS_MAX];
	struct epoll_event events[64];
	int poll_fd = epoll_create1(EPOLL_CLOEXEC),
	    open = m->clients < CLIENTS_MAX ? m->clients : CLIENTS_MAX;
	double start = now(), stop = start + m->seconds;

	many = m;
	steps = m->user != NULL ? COMMANDS : 0;
	for (int i = 0; i < open; i++) {
		clients[i].number = i;
		begin(&clients[i], poll_fd);
	}
	while (open > 0) {
		int n = epoll_wait(poll_fd, events, 64, 30000);

		if (n <= 0)
			errx(1, "nothing happens any more");
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			if (go_on(c))
				continue;
			if (now() < stop)
				begin(c, poll_fd);
			else
				open--;
		}
	}
	double took = now() - start;
	if (sampled == 0)
		errx(1, "no session succeeded, %lu failed", refused);
	printf("%.2f %.6f %.6f %lu\n", (double)sampled / took, percentile(50),
	       percentile(99), refused);
}

/* ---- handshakes */

/* What it takes to be sent the tickets of TLS 1.3, and to be let go. */
static void
take_leave(struct link *l, bool stls)
{
	if (stls)
		link_say(l, "QUIT\r\n", 6);
	else
		link_say(l, "GET /none HTTP/1.0\r\n\r\n", 22);
	while (link_recv(l, link_buffer, PIECE) > 0)
		;
	link_close(l);
}

/* The seconds of one handshake; *reply those of the reply to STLS. */
static double
shake_hands(unsigned port, bool stls, SSL_SESSION *session, double *reply)
{
	struct link l = { .fd = connect_to(port) };
	double start = now();

	if (stls) {
		link_hear(&l, "\r\n");
		start = now();
		link_ask(&l, "STLS%s\r\n", "");
	}
	*reply = now() - start;
	start = now();
	link_secure(&l, session);
	double took = now() - start;
	if (SSL_session_reused(l.ssl) != (session != NULL))
		errx(1, "resumed, or not, against what was to be measured");
	take_leave(&l, stls);
	return took;
}

void
load_handshakes(unsigned port, int count, bool stls)
{
	double reply, median_reply = 0;

	for (int i = 0; i < count; i++) {
		shake_hands(port, stls, NULL, &reply);
		take_sample(reply);
		SSL_SESSION_free(link_session());
	}
	median_reply = percentile(50);
	for (int resumed = 0; resumed < 2; resumed++) {
		sampled = 0;
		for (int i = 0; i < count; i++) {
			SSL_SESSION *s = link_session();

			take_sample(shake_hands(port, stls, resumed ? s : NULL,
						&reply));
			SSL_SESSION_free(s);
		}
		if (!resumed)
			printf("%.6f %.6f", median_reply, percentile(50));
	}
	printf(" %.6f\n", percentile(50));
}
