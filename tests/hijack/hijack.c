/*
 * Code that an attacker has brought into a process: linked with --wrap into the
 * program that make hijack builds, and into no other. Who connects to it says
 * "ATTACK name [password]" and learns what came of it: "did", or "failed" and
 * why; or nothing more, where the process or the session was ended for it.
 *
 * The greeter, the TLS relay and the reader of PROXY headers do so when this is
 * the first line, the mailbox process with the line behind the login.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "authorization.h"
#include "proxy/proxy.h"
#include "tls/tls.h"
#include "transaction.h"

#include "hijack.h"

static void say(const struct victim *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const struct victim *v, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0 && write(v->out, text, (size_t)n) != n)
		_exit(1);
}

static const struct attack *
find_attack(const struct attack *list, const char *name)
{
	while (list->name != NULL && strcmp(list->name, name) != 0)
		list++;
	return list->name != NULL ? list : NULL;
}

static void
obey(struct victim *v, char *line)
{
	const char *order = strsep(&line, " \r\n");
	const char *name = strsep(&line, " \r\n");
	const struct attack *a = NULL;

	if (name != NULL && strcmp(order, "ATTACK") == 0) {
		a = find_attack(kernel_attacks, name);
		if (a == NULL)
			a = find_attack(monitor_attacks, name);
	}
	v->password = strsep(&line, "\r\n");
	if (a == NULL) {
		say(v, "did not know that\r\n");
		return;
	}
	say(v, "began\r\n");
	errno = 0;
	if (a->run(v))
		say(v, "did\r\n");
	else
		say(v, "failed: %s\r\n", strerrorname_np(errno));
}

/* One line, of which `line` may hold the beginning. */
static void
read_line(int fd, char line[LINE_SIZE])
{
	size_t n = strlen(line);

	while (n + 1 < LINE_SIZE && strchr(line, '\n') == NULL &&
	       read(fd, line + n, 1) == 1)
		line[++n] = '\0';
}

int __real_authorization_run(const struct session_start *start,
			     const struct handover *returned);
int __wrap_authorization_run(const struct session_start *start,
			     const struct handover *returned);
int
__wrap_authorization_run(const struct session_start *start,
			 const struct handover *returned)
{
	const struct connection *c = start->connection;
	struct victim v = { c->in, c->out, start->monitor, NULL };
	char line[LINE_SIZE] = "";

	/* With TLS from the start, it is the relay that the attacker has. */
	if (c->tls || recv(c->in, line, 1, MSG_PEEK) != 1 || *line != 'A')
		return __real_authorization_run(start, returned);
	*line = '\0';
	read_line(c->in, line);
	obey(&v, line);
	return 0;
}

int __wrap_transaction_run(const struct session_start *start,
			   const struct maildrop_owner *owner,
			   const struct handover *h);
int
__wrap_transaction_run(const struct session_start *start,
		       const struct maildrop_owner *owner,
		       const struct handover *h)
{
	const struct connection *c = start->connection;
	struct victim v = { c->in, c->out, start->monitor, NULL };
	char line[LINE_SIZE] = "";

	(void)owner;
	snprintf(line, sizeof(line), "%.*s", (int)h->input_len, h->input);
	read_line(c->in, line);
	obey(&v, line);
	return 0;
}

void __wrap_tls_relay(SSL_CTX *ctx, const struct tls_ends *ends);
void
__wrap_tls_relay(SSL_CTX *ctx, const struct tls_ends *ends)
{
	struct victim v = { ends->client.in, ends->client.out, ends->report,
			    NULL };
	char line[LINE_SIZE] = "";

	(void)ctx;
	read_line(v.in, line);
	obey(&v, line);
}

bool __wrap_proxy_read(int fd, struct proxy_client *client);
bool
__wrap_proxy_read(int fd, struct proxy_client *client)
{
	struct victim v = { fd, fd, -1, NULL };
	char line[LINE_SIZE] = "";

	(void)client;
	read_line(fd, line);
	obey(&v, line);
	return false;
}
