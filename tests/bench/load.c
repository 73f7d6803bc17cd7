/*
 * The clients of the benchmark, in C so that they are not what is measured.
 *
 *   load fetch USER PASSWORD [N] <SOCKET RETR of every message, one at a time;
 *                                        or of the first N
 *   load drain <SOCKET                   reads to the end
 *   load serve REPLY COUNT <SOCKET       the other side of fetch, from memory
 *   load greet <SOCKET                   greets, waits and ends
 *   load sessions PORT CLIENTS SECONDS USER PASSWORD     as USER0, USER1, ...
 *   load greetings PORT CLIENTS SECONDS
 *
 * fetch and drain print seconds, the last two connections a second and the
 * median and 99th percentile of their seconds.
 */
#include <arpa/inet.h>
#include <err.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 20, CLIENTS_MAX = 1024, SAMPLES_MAX = 1 << 20 };

static char buffer[PIECE];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
say(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send");
}

/* Reads until what was read ends in `end`; returns how much it was. */
static size_t
hear(int fd, const char *end)
{
	char tail[8] = "";
	size_t total = 0, n = strlen(end);

	while (total < n || memcmp(tail + sizeof(tail) - n, end, n) != 0) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

		if (got <= 0)
			errx(1, "the server hangs up");
		size_t new =
		    (size_t)got < sizeof(tail) ? (size_t)got : sizeof(tail);
		memmove(tail, tail + new, sizeof(tail) - new);
		memcpy(tail + sizeof(tail) - new, buffer + (size_t)got - new,
		       new);
		total += (size_t)got;
	}
	return total;
}

static void
ask(int fd, const char *format, const char *argument)
{
	char line[300];
	int n = snprintf(line, sizeof(line), format, argument);

	say(fd, line, (size_t)n);
	hear(fd, "\r\n");
	if (memcmp(buffer, "+OK", 3) != 0)
		errx(1, "the server refuses: %.60s", buffer);
}

/* Logs in and returns how many messages there are. */
static unsigned long
log_in(int fd, char **names)
{
	hear(fd, "\r\n");
	ask(fd, "USER %s\r\n", names[0]);
	ask(fd, "PASS %s\r\n", names[1]);
	ask(fd, "STAT%s\r\n", "");
	return strtoul(buffer + 4, NULL, 10);
}

static void
say_retr(int fd, unsigned long n)
{
	char line[40];

	say(fd, line, (size_t)snprintf(line, sizeof(line), "RETR %lu\r\n", n));
}

static void
fetch(int fd, char **names, unsigned long most)
{
	unsigned long count = log_in(fd, names);
	double start = now();

	if (count > most)
		count = most;

	for (unsigned long n = 1; n <= count; n++) {
		say_retr(fd, n);
		hear(fd, "\r\n.\r\n");
	}
	printf("%.6f\n", now() - start);
	ask(fd, "QUIT%s\r\n", "");
}

static void
drain(int fd)
{
	double start = now();

	while (recv(fd, buffer, sizeof(buffer), 0) > 0)
		;
	printf("%.6f\n", now() - start);
}

/* Answers whatever is asked with the same reply: what no server can beat. */
static void
serve(int fd, const char *file, unsigned long count)
{
	FILE *f = fopen(file, "r");
	size_t len = f == NULL ? 0 : fread(buffer, 1, sizeof(buffer), f);
	char line[300];

	if (len == 0)
		err(1, "%s", file);
	fclose(f);
	say(fd, "+OK ready\r\n", 11);
	for (int i = 0; i < 3 && recv(fd, line, sizeof(line), 0) > 0; i++) {
		int n = snprintf(line, sizeof(line), "+OK %lu 1\r\n", count);
		say(fd, line, (size_t)n);
	}
	while (count-- > 0 && recv(fd, line, sizeof(line), 0) > 0)
		say(fd, buffer, len);
	if (recv(fd, line, sizeof(line), 0) > 0)
		say(fd, "+OK bye\r\n", 9);
}

/* ---- many sessions at once */

struct client {
	int fd, number;
	int step; /* commands sent */
	double start;
	size_t got;
	char reply[512];
};

static const char *user, *password;
static int steps; /* commands of a session; 0: the greeting is all */
static double samples[SAMPLES_MAX];
static size_t sampled;
static unsigned long refused;

static void
begin(struct client *c, const struct sockaddr_in *to, int poll_fd)
{
	int one = 1;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	*c = (struct client){ .number = c->number, .start = now() };
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) != 0)
		err(1, "connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
		err(1, "epoll_ctl");
}

static void
end(struct client *c, bool done)
{
	close(c->fd);
	c->fd = -1;
	if (!done)
		refused++;
	else if (sampled < SAMPLES_MAX)
		samples[sampled++] = now() - c->start;
}

static void
say_step(const struct client *c)
{
	char line[300];
	int n = 0;

	if (c->step == 0)
		n = snprintf(line, sizeof(line), "USER %s%d\r\n", user,
			     c->number);
	else if (c->step == 1)
		n = snprintf(line, sizeof(line), "PASS %s\r\n", password);
	else
		n = snprintf(line, sizeof(line), "QUIT\r\n");
	say(c->fd, line, (size_t)n);
}

/* Takes what came; false when the session is over. */
static bool
go_on(struct client *c)
{
	ssize_t n =
	    recv(c->fd, c->reply + c->got, sizeof(c->reply) - c->got, 0);

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

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
load(unsigned port, int count, double seconds)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static struct client clients[CLIENTS_MAX];
	struct epoll_event events[64];
	int poll_fd = epoll_create1(EPOLL_CLOEXEC),
	    open = count < CLIENTS_MAX ? count : CLIENTS_MAX;
	double start = now(), stop = start + seconds;

	for (int i = 0; i < open; i++) {
		clients[i].number = i;
		begin(&clients[i], &to, poll_fd);
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
				begin(c, &to, poll_fd);
			else
				open--;
		}
	}
	double took = now() - start;
	qsort(samples, sampled, sizeof(*samples), by_size);
	if (sampled == 0)
		errx(1, "no session succeeded, %lu failed", refused);
	printf("%.2f %.6f %.6f %lu\n", (double)sampled / took,
	       samples[sampled / 2], samples[sampled * 99 / 100], refused);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "fetch") == 0 && (argc == 4 || argc == 5)) {
		fetch(0, argv + 2,
		      argc == 5 ? strtoul(argv[4], NULL, 10) : ULONG_MAX);
	} else if (strcmp(what, "drain") == 0) {
		drain(0);
	} else if (strcmp(what, "serve") == 0 && argc == 4) {
		serve(0, argv[2], strtoul(argv[3], NULL, 10));
	} else if (strcmp(what, "greet") == 0) {
		say(0, "+OK ready\r\n", 11);
		recv(0, buffer, sizeof(buffer), 0);
	} else if (argc >= 5 && (strcmp(what, "sessions") == 0 ||
				 strcmp(what, "greetings") == 0)) {
		if (argc == 7) {
			user = argv[5];
			password = argv[6];
			steps = 3;
		}
		load((unsigned)strtoul(argv[2], NULL, 10),
		     (int)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
	} else {
		errx(64, "see the beginning of load.c");
	}
	return 0;
}
