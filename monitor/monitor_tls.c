/*
 * TLS as the monitor sees it: starts the relay, hands its plain socket to the
 * others, and keeps what binds a login to the encrypted connection. Reads
 * neither keys nor a byte from the network.
 */
#include "monitor/monitor_tls.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "monitor/monitor_answer.h"
#include "sandbox/child.h"
#include "sandbox/sandbox.h"
#include "tls/tls_fit.h"
#include "tls/tls_tickets.h"

/*
 * Seconds that an honest relay may take for its next report, and a stranger to
 * hear the last reply. The tests are built with shorter ones.
 */
#ifndef REPORT_SECONDS
#define REPORT_SECONDS (TLS_HANDSHAKE_MS / 1000 + 5)
#define STRANGER_SECONDS 10
#endif

enum { CHECK_SECONDS = 10 };

/* ---- in the relay's process, and where the files are checked before */

static SSL_CTX *
load(const struct options *o)
{
	static struct tls_files files;
	const char *wrong = NULL;
	SSL_CTX *ctx = NULL;

	if (!openssl_load())
		wrong = "OpenSSL's library libssl.so.3 is missing";
	else if (!tls_files_find(&files, o))
		wrong = "there is no certificate that can be read";
	else
		ctx = tls_context_new(&files, &wrong);
	if (ctx == NULL)
		log_line(LOG_ERR, EVENT_SETUP, "TLS: %s", wrong);
	return ctx;
}

static _Noreturn void
be_the_relay(const struct monitor *m, const struct tls_ends *ends)
{
	const struct tls_report ready = { .stage = TLS_READY };
	const struct sandbox_needs needs = {
		.uid = m->greeter_uid,
		.gid = m->greeter_gid,
		.fds = { ends->client.in, ends->client.out, ends->plain,
			 ends->report },
		.fds_count = 4,
	};
	SSL_CTX *ctx = load(m->options);

	if (ctx == NULL)
		_exit(EX_CONFIG);
	tls_tickets_share(ctx);
	if (!sandbox_enter(ROLE_RELAY, &needs)) {
		log_line(LOG_ERR, EVENT_SETUP, "the TLS relay's sandbox: %s",
			 strerror(errno));
		_exit(EX_OSERR);
	}
	if (tls_report_send(ends->report, &ready))
		tls_relay(ctx, ends);
	_exit(EX_OK);
}

/* ---- in the monitor */

/* False when it does not come, or a signal says that it is time to go. */
static bool
receive_report(const struct relay_link *l, struct tls_report *r)
{
	if (!child_told(l->report, r, sizeof(*r), REPORT_SECONDS))
		return false;
	r->text[TLS_TEXT_SIZE - 1] = '\0';
	return true;
}

static void
end_relay(pid_t relay, unsigned seconds)
{
	int status = child_wait(relay, seconds);

	/* which child_wait sends to one that is late */
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		child_was_orderly(ROLE_RELAY, status);
}

static void
forget(struct relay_link *l)
{
	close(l->report);
	l->report = -1;
	if (l->pid > 0)
		end_relay(l->pid, 0);
	l->pid = 0;
}

/* Logs errno. */
static bool
no_relay(void)
{
	log_line(LOG_ERR, EVENT_SETUP, "TLS relay: %s", strerror(errno));
	return false;
}

/* Forks the relay; false, logged, without one. plain[0] is left to us. */
static bool
fork_relay(struct monitor *m, int plain[2])
{
	int report[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) != 0)
		return no_relay();
	pid_t pid = fork();
	if (pid == 0) {
		const struct tls_ends ends = { m->connection, plain[1],
					       report[1] };

		close(plain[0]);
		close(report[0]);
		be_the_relay(m, &ends);
	}
	bool forked = pid > 0 || no_relay();
	close(report[1]);
	if (forked) {
		m->relay.pid = pid;
		m->relay.report = report[0];
	} else {
		close(report[0]);
	}
	return forked;
}

/* Asks OpenSSL, in a process of its own, which logs what it says. */
static bool
files_fit(const struct options *o)
{
	pid_t pid = fork();

	if (pid < 0)
		return no_relay();
	if (pid == 0)
		_exit(load(o) != NULL ? EX_OK : EX_CONFIG);
	return child_was_orderly(ROLE_RELAY, child_wait(pid, CHECK_SECONDS));
}

bool
monitor_tls_possible(const struct options *o)
{
	static struct tls_files files;
	struct tls_files_seen seen;

	if (o->tls == TLS_OFF || o->tls == TLS_IMPLICIT)
		return false;
	if (!tls_files_find(&files, o)) {
		if (o->tls == TLS_STARTTLS)
			log_line(LOG_ERR, EVENT_SETUP,
				 "no STLS: there is no certificate that can be "
				 "read");
		return false;
	}
	bool complete = tls_fit_look(&seen, &files);
	if (complete && tls_fit_known(&seen))
		return true;
	if (!files_fit(o)) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "no STLS: certificate and key cannot be used");
		return false;
	}
	if (complete)
		tls_fit_remember(&seen);
	return true;
}

bool
monitor_tls_start(struct monitor *m)
{
	const struct connection encrypted = m->connection;
	struct tls_report report;
	int plain[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, plain) != 0)
		return no_relay();
	bool forked = fork_relay(m, plain);
	close(plain[1]);
	if (!forked || !receive_report(&m->relay, &report) ||
	    report.stage != TLS_READY) {
		close(plain[0]);
		if (forked)
			forget(&m->relay);
		return false;
	}
	m->connection.in = m->connection.out = plain[0];
	m->connection.tls = true;
	connection_leave(&encrypted);
	return true;
}

bool
monitor_stls(struct monitor *m)
{
	struct reply reply = { .result = TLS_REFUSED };

	if (!m->offers.stls || m->connection.tls)
		return monitor_answer(m, &reply);
	const struct arrival plain = m->connection.arrival;
	arrival_add_stls(&m->connection.arrival);
	log_arrival(&m->connection.arrival);
	m->live.facts->arrival = m->connection.arrival;
	if (!monitor_tls_start(m)) {
		m->connection.arrival = plain;
		log_arrival(&plain);
		m->live.facts->arrival = plain;
		reply.result = TLS_BROKEN;
		return monitor_answer(m, &reply);
	}
	reply.result = TLS_OK;
	return monitor_answer_with(m, &reply, m->connection.in);
}

bool
monitor_handshake(struct monitor *m)
{
	struct relay_link *l = &m->relay;
	struct reply reply = { .result = TLS_REFUSED };
	struct tls_report report = { .stage = 0 };

	if (l->pid == 0 || l->report < 0)
		return monitor_answer(m, &reply);
	if (receive_report(l, &report) && report.stage == TLS_ESTABLISHED) {
		log_tls(report.text);
		live_set(m->live.facts->tls, sizeof(m->live.facts->tls),
			 report.text);
		l->bound = m->offers.bound = report.bound != 0;
		memcpy(l->exporter, report.exporter, sizeof(l->exporter));
		reply.result = TLS_OK;
		reply.bound = l->bound;
	} else {
		log_line(LOG_NOTICE, EVENT_PROTOCOL,
			 "no login: the TLS handshake failed: %s",
			 report.stage == TLS_FAILED ? report.text
						    : "the relay has told "
						      "nothing");
		m->failed = true;
	}
	close(l->report);
	l->report = -1;
	return monitor_answer(m, &reply);
}

void
monitor_tls_end(struct monitor *m)
{
	if (m->relay.pid == 0)
		return;
	if (m->relay.report >= 0)
		close(m->relay.report);
	close(m->connection.in);
	end_relay(m->relay.pid, m->phase == MAILBOX ? m->options->idle_timeout
						    : STRANGER_SECONDS);
}
