/*
 * The clients of the benchmark, in C so that they are not what is measured.
 *
 *   load [tls] fetch USER PASSWORD [N] <SOCKET
 *                        RETR of every message, one at a time; or of the first
 *                        N. Prints seconds.
 *   load [tls] check USER PASSWORD <SOCKET
 *                        The same. Prints a checksum of all that was heard.
 *   load [tls] drain <SOCKET
 *                        GET /mail/big, read to its end. Prints seconds.
 *   load serve REPLY COUNT <SOCKET   the other side of fetch, from memory
 *   load [tls] sessions PORT CLIENTS SECONDS USER PASSWORD
 *   load [tls] greetings PORT CLIENTS SECONDS
 *   load handshakes PORT COUNT       with a server of HTTPS
 *   load stls PORT COUNT             with a server of POP3
 *
 * load_many.h says what the last four print.
 */
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "link.h"
#include "load_many.h"

/* Logs in and returns how many messages there are. */
static unsigned long
log_in(struct link *l, char **names)
{
	link_hear(l, "\r\n");
	link_ask(l, "USER %s\r\n", names[0]);
	link_ask(l, "PASS %s\r\n", names[1]);
	link_ask(l, "STAT%s\r\n", "");
	return strtoul(link_buffer + 4, NULL, 10);
}

static void
say_retr(struct link *l, unsigned long n)
{
	char line[40];

	link_say(l, line,
		 (size_t)snprintf(line, sizeof(line), "RETR %lu\r\n", n));
}

static void
fetch(struct link *l, char **names, unsigned long most)
{
	unsigned long count = log_in(l, names);
	double start = now();

	if (count > most)
		count = most;
	for (unsigned long n = 1; n <= count; n++) {
		say_retr(l, n);
		link_hear(l, "\r\n.\r\n");
	}
	if (link_sums)
		printf("%016llx\n", link_checksum());
	else
		printf("%.6f\n", now() - start);
	link_ask(l, "QUIT%s\r\n", "");
}

/* Asks and reads to the end; seconds from the first octet on. */
static void
drain(struct link *l)
{
	link_say(l, "GET /mail/big HTTP/1.0\r\n\r\n", 26);
	if (link_recv(l, link_buffer, 1) <= 0)
		errx(1, "the server hangs up");
	double start = now();
	while (link_recv(l, link_buffer, PIECE) > 0)
		;
	printf("%.6f\n", now() - start);
}

/* Answers whatever is asked with the same reply: what no server can beat. */
static void
serve(struct link *l, const char *file, unsigned long count)
{
	FILE *f = fopen(file, "r");
	size_t len = f == NULL ? 0 : fread(link_buffer, 1, PIECE, f);
	char line[300];

	if (len == 0)
		err(1, "%s", file);
	fclose(f);
	link_say(l, "+OK ready\r\n", 11);
	for (int i = 0; i < 3 && link_recv(l, line, sizeof(line)) > 0; i++) {
		int n = snprintf(line, sizeof(line), "+OK %lu 1\r\n", count);
		link_say(l, line, (size_t)n);
	}
	while (count-- > 0 && link_recv(l, line, sizeof(line)) > 0)
		link_say(l, link_buffer, len);
	if (link_recv(l, line, sizeof(line)) > 0)
		link_say(l, "+OK bye\r\n", 9);
}

static unsigned long
number(const char *text)
{
	return strtoul(text, NULL, 10);
}

/* With the connection that we were given. False: it is no such work. */
static bool
work_with_stdin(const char *what, int argc, char **argv, bool tls)
{
	struct link l = { .fd = 0 };

	bool check = strcmp(what, "check") == 0;
	bool fetches = check || strcmp(what, "fetch") == 0;

	link_sums = check;
	if (tls && (fetches || strcmp(what, "drain") == 0))
		link_secure(&l, NULL);
	if (fetches && argc >= 2)
		fetch(&l, argv, argc > 2 ? number(argv[2]) : ULONG_MAX);
	else if (strcmp(what, "drain") == 0)
		drain(&l);
	else if (strcmp(what, "serve") == 0 && argc == 2)
		serve(&l, argv[0], number(argv[1]));
	else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	bool tls = argc > 1 && strcmp(argv[1], "tls") == 0;
	const char *what;

	argc -= 1 + tls;
	argv += 1 + tls;
	if (argc < 1)
		errx(64, "see the beginning of load.c");
	what = argv[0];
	argc--;
	argv++;
	if (work_with_stdin(what, argc, argv, tls))
		return 0;
	if (argc >= 3 &&
	    (strcmp(what, "sessions") == 0 || strcmp(what, "greetings") == 0)) {
		const struct many m = {
			.port = (unsigned)number(argv[0]),
			.clients = (int)number(argv[1]),
			.seconds = strtod(argv[2], NULL),
			.user = argc > 4 ? argv[3] : NULL,
			.password = argc > 4 ? argv[4] : NULL,
			.tls = tls,
		};
		load_many(&m);
	} else if (argc == 2 && (strcmp(what, "handshakes") == 0 ||
				 strcmp(what, "stls") == 0)) {
		load_handshakes((unsigned)number(argv[0]), (int)number(argv[1]),
				strcmp(what, "stls") == 0);
	} else {
		errx(64, "see the beginning of load.c");
	}
	return 0;
}
