/*
 * The monitor's loop: one table of what the others may ask for and when. Adding
 * a row is adding to what a hijacked greeter can reach.
 */
#include "monitor/monitor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "authorization.h"
#include "commands.h"
#include "transaction.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/wire.h"
#include "lock/holder.h"
#include "monitor/monitor_answer.h"
#include "monitor/monitor_login.h"
#include "monitor/monitor_private.h"
#include "monitor/monitor_tls.h"
#include "monitor/recover.h"
#include "proxy/proxy.h"
#include "sandbox/child.h"
#include "sandbox/environment.h"
#include "sandbox/privilege.h"
#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"
#include "sandbox/unit_wall.h"

enum { TOUCH_SECONDS = 60 };

/*
 * Longer than an honest greeter takes, without the checks of its logins. The
 * tests are built with a shorter one.
 */
#ifndef GREETER_SECONDS
#define GREETER_SECONDS 240
#endif

/* ---- what may be asked for */

/* The last word of a process that leaves the connection to the next one. */
static bool
take_handover(struct monitor *m, bool *taken)
{
	const struct handover *h = &m->request.handover;

	*taken = h->input_len <= sizeof(h->input) &&
		 h->output_len <= sizeof(h->output);
	if (*taken) {
		m->handover.input_len = h->input_len;
		m->handover.output_len = h->output_len;
		memcpy(m->handover.input, h->input, h->input_len);
		memcpy(m->handover.output, h->output, h->output_len);
	} else {
		log_line(LOG_CRIT, EVENT_PROTOCOL,
			 "a process handed over more than there is room for");
	}
	boundary_wipe(&m->request);
	return false;
}

static bool
on_handover(struct monitor *m)
{
	return take_handover(m, &m->handed_over);
}

static bool
on_return(struct monitor *m)
{
	return take_handover(m, &m->returned);
}

static bool
on_bye(struct monitor *m)
{
	struct bye *bye = &m->request.bye;
	uint32_t reason = bye->reason;

	/* Each failure has its line already; this one is no one's failure. */
	if (m->failed && reason != END_TOO_LONG)
		return false;
	bye->user[USER_MAX] = '\0';
	if (reason == END_PLAINTEXT)
		log_session(bye->user, NULL);
	log_line(LOG_INFO, EVENT_PROTOCOL, "no login: %s",
		 end_reason_name(reason));
	return false;
}

static bool
on_dotlock_try(struct monitor *m)
{
	struct reply reply = { .result = keeper_try(&m->keeper, &m->account,
						    m->child) };

	return monitor_answer(m, &reply);
}

static bool
on_dotlock_leave(struct monitor *m)
{
	struct reply reply = { .result = LOCK_OK };

	keeper_release(&m->keeper, &m->account);
	return monitor_answer(m, &reply);
}

/*
 * The mailbox process cannot see who has a lock: /proc is out of its reach.
 * Nothing is answered, and the words go to the log alone.
 */
static bool
on_lock_busy(struct monitor *m)
{
	struct lock_holder h = m->request.holder;

	lock_holder_find(&h);
	lock_holder_log(&h, m->account.mailbox);
	return true;
}

static bool
on_summary(struct monitor *m)
{
	m->summary = m->request.summary;
	m->summed_up = true;
	return false;
}

static const struct {
	unsigned phases;		    /* in which it is permitted */
	bool (*handler)(struct monitor *m); /* false: nothing more follows */
} handlers[REQUEST_TYPES] = {
	[REQUEST_LOGIN] = { GREETER | GREETER_SCRAM, monitor_login },
	[REQUEST_TOKEN] = { GREETER | GREETER_SCRAM, monitor_token },
	[REQUEST_APOP] = { GREETER | GREETER_SCRAM, monitor_apop },
	[REQUEST_SCRAM_START] = { GREETER | GREETER_SCRAM,
				  monitor_scram_start },
	[REQUEST_SCRAM_PROOF] = { GREETER_SCRAM, monitor_scram_proof },
	[REQUEST_STLS] = { GREETER | GREETER_SCRAM, monitor_stls },
	[REQUEST_HANDSHAKE] = { GREETER, monitor_handshake },
	[REQUEST_HANDOVER] = { GREETER_LOGGED_IN, on_handover },
	[REQUEST_BYE] = { GREETER | GREETER_SCRAM | GREETER_LOGGED_IN, on_bye },
	[REQUEST_DOTLOCK_TRY] = { MAILBOX, on_dotlock_try },
	[REQUEST_DOTLOCK_LEAVE] = { MAILBOX, on_dotlock_leave },
	[REQUEST_LOCK_BUSY] = { MAILBOX, on_lock_busy },
	[REQUEST_RETURN] = { MAILBOX, on_return },
	[REQUEST_SUMMARY] = { MAILBOX, on_summary },
};

/* ---- the loop */

static void
kill_late_greeter(const struct monitor *m)
{
	log_line(LOG_CRIT, EVENT_PROTOCOL,
		 "the greeter does not end: it is killed");
	kill(m->child, SIGKILL);
}

/* A signal arrives only in a wait, and in none for what is there already. */
static void
let_signals_arrive(void)
{
	static const struct timespec none = { .tv_sec = 0 };

	ppoll(NULL, 0, &none, signals_while_waiting());
}

/* Milliseconds until there is something to do without a request. */
static long long
time_to_wait(const struct monitor *m)
{
	long long touch = TOUCH_SECONDS * 1000LL;

	if (m->phase == MAILBOX)
		return touch;
	long long left = m->greeter_end - now_ms();
	return left < touch ? left : touch;
}

/* Tells the child that it is time to go; a greeter has nothing to finish. */
static void
pass_signal_on(struct monitor *m)
{
	long long end = now_ms() + ENDING_SECONDS * 1000LL;

	kill(m->child, SIGTERM);
	if (m->greeter_end > end)
		m->greeter_end = end;
}

/*
 * Waits for a request; meanwhile keeps the dotlock fresh, passes signals on and
 * kills a greeter whose time is over, however many requests it makes. False
 * when there is none to come.
 */
static bool
wait_for_request(struct monitor *m)
{
	struct pollfd p = { .fd = m->boundary, .events = POLLIN };
	bool told = false;

	let_signals_arrive();
	for (;;) {
		if (signals_terminated() && !told) {
			pass_signal_on(m);
			told = true;
		}
		long long ms = time_to_wait(m);
		if (ms <= 0) {
			kill_late_greeter(m);
			return false;
		}
		struct timespec t = timespec_of_ms(ms);
		int n = ppoll(&p, 1, &t, told ? NULL : signals_while_waiting());
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		keeper_touch(&m->keeper, &m->account);
	}
}

static void
serve_requests(struct monitor *m)
{
	bool more = true;

	while (more && wait_for_request(m)) {
		errno = 0;
		if (!boundary_receive(m->boundary, &m->request)) {
			more = false;
			if (errno == EPROTO) {
				log_line(LOG_CRIT, EVENT_PROTOCOL,
					 "a process sent what is no request");
				kill(m->child, SIGKILL);
			}
		} else if ((handlers[m->request.type].phases & m->phase) == 0) {
			log_line(LOG_CRIT, EVENT_PROTOCOL,
				 "a process made request %u out of its turn",
				 (unsigned)m->request.type);
			kill(m->child, SIGKILL);
			m->handed_over = m->returned = false;
			more = false;
		} else {
			more = handlers[m->request.type].handler(m);
		}
	}
	close(m->boundary);
	m->boundary = -1;
}

/*
 * Waits for the child's end: a greeter's not for long, but a mailbox process
 * may have a commit to finish. True when it came to it by itself.
 */
static bool
reap(struct monitor *m)
{
	if (m->phase != MAILBOX && !child_ends(m->child, ENDING_SECONDS))
		kill_late_greeter(m);
	int status = child_wait_long(m->child);

	m->child = 0;
	return child_was_orderly(
	    m->phase == MAILBOX ? ROLE_MAILBOX : ROLE_GREETER, status);
}

/*
 * Forks with a fresh boundary. Returns its end in the child, -1 in the
 * monitor, -2 on failure.
 */
static int
fork_with_boundary(struct monitor *m)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -2;
	m->child = fork();
	if (m->child < 0) {
		close(pair[0]);
		close(pair[1]);
		return -2;
	}
	if (m->child == 0) {
		close(pair[0]);
		return pair[1];
	}
	close(pair[1]);
	m->boundary = pair[0];
	return -1;
}

/* Where no other process talks to the client, or is going to. */
static void
refuse_connection(const struct connection *c, const char *reply)
{
	if (write(c->out, reply, strlen(reply)) < 0)
		log_line(LOG_NOTICE, EVENT_PROTOCOL, "reply: %s",
			 strerror(errno));
}

static void
refuse_for_now(const struct connection *c, const char *what)
{
	log_line(LOG_ERR, EVENT_SETUP, "%s: %s", what, strerror(errno));
	refuse_connection(c, "-ERR [SYS/TEMP] No process to be had.\r\n");
}

static _Noreturn void
give_up(const struct connection *c, const char *what)
{
	refuse_for_now(c, what);
	_exit(EX_OSERR);
}

static struct session_start
start_of(const struct monitor *m, int boundary)
{
	return (struct session_start){ m->options,     &pop3_commands,
				       &m->connection, &m->offers,
				       boundary,       m->live.counts };
}

static bool
start_greeter(struct monitor *m)
{
	const struct connection *c = &m->connection;
	int boundary = fork_with_boundary(m);

	if (boundary >= 0) {
		const struct sandbox_needs needs = {
			.uid = m->greeter_uid,
			.gid = m->greeter_gid,
			.fds = { c->in, c->out, boundary },
			.fds_count = 3,
		};

		if (!sandbox_enter(ROLE_GREETER, &needs))
			give_up(c, "the greeter's sandbox");
		const struct session_start start = start_of(m, boundary);
		_exit(authorization_run(&start,
					m->returned ? &m->handover : NULL));
	}
	m->phase = GREETER;
	m->live.facts->state = LIVE_AUTHORIZATION;
	m->greeter_end = now_ms() + GREETER_SECONDS * 1000LL;
	return boundary == -1;
}

/* In the mailbox process, as long as it can see all of its mounts. */
static void
say_walls(const struct monitor *m)
{
	const char *wall = unit_wall_at(m->account.mailbox);

	if (wall != NULL)
		log_line(LOG_ERR, EVENT_SETUP,
			 "mailbox %s: the sandbox of the unit %s: see "
			 "ProtectHome=, ProtectSystem= and ReadWritePaths= "
			 "there",
			 m->account.mailbox, wall);
}

static bool
start_mailbox(struct monitor *m)
{
	const struct connection *c = &m->connection;
	int boundary = fork_with_boundary(m);

	if (boundary >= 0) {
		struct sandbox_needs needs =
		    account_needs(&m->account, m->options);

		needs.fds[0] = c->in;
		needs.fds[1] = c->out;
		needs.fds[2] = boundary;
		needs.fds_count = 3;
		say_walls(m);
		attributes_take(&m->attributes);
		if (!sandbox_enter(ROLE_MAILBOX, &needs))
			give_up(c, "the mailbox process's sandbox");
		const struct session_start start = start_of(m, boundary);
		const struct maildrop_owner owner = { m->account.name,
						      m->account.mailbox,
						      m->account.state_dir };
		_exit(transaction_run(&start, &owner, &m->handover));
	}
	m->phase = MAILBOX;
	m->live.facts->state = LIVE_TRANSACTION;
	return boundary == -1;
}

static void
log_session_end(const struct monitor *m)
{
	const struct summary *s = &m->summary;
	struct log_summary sum = {
		.reason = m->summed_up ? end_reason_name(s->reason)
				       : "the mailbox process died",
		.counted = m->summed_up,
		.retrieved = s->retrieved,
		.deleted = s->deleted,
		.left = s->left,
		.octets = s->octets,
		.seconds = (double)(now_ms() - m->start) / 1000,
	};

	log_end(&sum);
}

static void
forget_handover(struct handover *h)
{
	explicit_bzero(h->input, h->input_len);
	explicit_bzero(h->output, h->output_len);
	h->input_len = h->output_len = 0;
}

static int
serve_mailbox(struct monitor *m)
{
	if (!start_mailbox(m)) {
		refuse_for_now(&m->connection, "mailbox process");
		return EX_OSERR;
	}
	forget_handover(&m->handover);
	serve_requests(m);
	bool orderly = reap(m);
	keeper_release(&m->keeper, &m->account);
	/* Whether it died or could not: one more try, by another process. */
	recover_account(m->options, &m->account);
	if (!m->returned)
		log_session_end(m);
	return orderly ? EX_OK : EX_SOFTWARE;
}

/* The greeter's uid and gid, as root. False, logged, where there are none. */
static bool
find_greeter_ids(struct monitor *m)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return true;
	pw = getpwnam("pop3d");
	if (pw == NULL || pw->pw_uid == 0) {
		log_line(LOG_CRIT, EVENT_SETUP,
			 "there is no user pop3d for the greeter to run as");
		return false;
	}
	m->greeter_uid = pw->pw_uid;
	m->greeter_gid = pw->pw_gid;
	return true;
}

/*
 * While the client reads the greeting: the process that passwords are checked
 * in, unless it was needed before, and nothing that only it needs for this one.
 */
static void
prepare_logins(struct monitor *m)
{
	if (m->authenticator.pid == 0)
		authenticator_start(&m->authenticator, m->options,
				    m->connection.peer);
	environment_bound_monitor();
	if (!privilege_bound_monitor())
		log_line(LOG_ERR, EVENT_SETUP, "giving up privileges: %s",
			 strerror(errno));
}

/* One greeter, and the mailbox process where it came to a login. */
static int
serve_login(struct monitor *m)
{
	int status = EX_OK;

	if (!start_greeter(m)) {
		refuse_for_now(&m->connection, "greeter");
		return EX_OSERR;
	}
	/* The greeter was forked with what was returned to it. */
	m->handed_over = m->returned = false;
	prepare_logins(m);
	serve_requests(m);
	bool orderly = reap(m);
	if (m->handed_over)
		status = serve_mailbox(m);
	else if (!orderly)
		status = EX_SOFTWARE;
	if (m->returned)
		authenticator_close(&m->authenticator);
	return status;
}

/* Again where the maildrop was refused: that is limited as all logins are. */
static int
serve(struct monitor *m)
{
	int status;

	monitor_prepare_offers(m);
	if (m->options->tls == TLS_IMPLICIT && !monitor_tls_start(m))
		return EX_CONFIG; /* no client could read what we have to say */
	do
		status = serve_login(m);
	while (m->returned);
	return status;
}

/* To --who, as long as this process lives. */
static void
show(struct monitor *m)
{
	live_open(&m->live);
	struct live_facts *f = m->live.facts;
	f->pid = (int32_t)getpid();
	f->since = (int64_t)time(NULL);
	f->since_ms = m->start;
	f->arrival = m->connection.arrival;
	live_set(f->rhost, sizeof(f->rhost), m->connection.peer);
}

int
monitor_refuse(const struct options *o, const struct connection *c)
{
	if (o->tls != TLS_IMPLICIT)
		refuse_connection(c, "-ERR [SYS/PERM] The server is not set "
				     "up.\r\n");
	return EX_CONFIG;
}

int
monitor_run(const struct options *o, const struct connection *c)
{
	static struct monitor m;

	m.options = o;
	m.connection = *c;
	m.boundary = m.authenticator.fd = -1;
	m.start = now_ms();
	show(&m);
	refusal_prepare();
	if (!find_greeter_ids(&m))
		return monitor_refuse(o, c);
	if (networks_have_peer(&o->proxies, c->in) &&
	    !proxy_ask(&m.connection, m.greeter_uid, m.greeter_gid))
		return EX_OK; /* what the protocol asks for */
	/* A proxy may have told another one. */
	live_set(m.live.facts->rhost, sizeof(m.live.facts->rhost),
		 m.connection.peer);
	int status = serve(&m);
	authenticator_end(&m.authenticator);
	monitor_tls_end(&m);
	return status;
}
