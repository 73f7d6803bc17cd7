/*
 * Accepts connections, counts sessions, and reaps them. Runs as root and reads
 * not one byte from a client: whoever is one too many is gone, with a line
 * where that would not be in the middle of TLS.
 */
#include "monitor/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth_pam.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/wire.h"

enum {
	LISTENERS_MAX = 16,
	PAUSE_MS = 100,	     /* when the system is out of descriptors */
	REPORT_SECONDS = 10, /* between two lines about refusals */
	SOURCE_SIZE = 8	     /* an IPv6 /64 */
};

/* One running session. An IPv4 address is kept in its IPv6-mapped form. */
struct running {
	pid_t pid;    /* 0: free */
	bool counted; /* it has an address */
	unsigned char source[sizeof(struct in6_addr)];
	struct arrival arrival; /* for the log, where it does not end well */
	char peer[PEER_MAX];
};

struct acceptor {
	const struct options *options;
	int count;			      /* of listening sockets */
	struct pollfd fds[LISTENERS_MAX + 1]; /* the last one: children */
	sigset_t while_waiting;
	struct running *sessions; /* max_sessions of them */
	unsigned running;
	long long idle_since;  /* ms */
	unsigned long refused; /* since the last line about it */
	long long reported;    /* ms */
};

/* ---- who may come in */

/* False for a peer without an address, which only counts as a session. */
static bool
source_of(const struct sockaddr_storage *addr, unsigned char *source)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	memset(source, 0, sizeof(struct in6_addr));
	if (addr->ss_family == AF_INET) {
		source[10] = source[11] = 0xff;
		memcpy(source + 12, &v4->sin_addr, sizeof(v4->sin_addr));
		return true;
	}
	if (addr->ss_family != AF_INET6)
		return false;
	memcpy(source, &v6->sin6_addr,
	       IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? sizeof(v6->sin6_addr)
						    : SOURCE_SIZE);
	return true;
}

static unsigned
count_source(const struct acceptor *a, const unsigned char *source)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->options->max_sessions; i++) {
		const struct running *r = &a->sessions[i];

		if (r->pid != 0 && r->counted &&
		    memcmp(r->source, source, sizeof(r->source)) == 0)
			n++;
	}
	return n;
}

static void
report_refusals(struct acceptor *a, const char *why)
{
	long long now = now_ms();

	a->refused++;
	if (a->reported != 0 && now - a->reported < REPORT_SECONDS * 1000LL)
		return;
	log_line(LOG_WARNING, EVENT_PROTOCOL, "%lu connection%s refused: %s",
		 a->refused, a->refused == 1 ? "" : "s", why);
	a->reported = now;
	a->refused = 0;
}

static void
refuse(struct acceptor *a, const struct connection *c, const char *reply,
       const char *why)
{
	log_session(NULL, *c->peer != '\0' ? c->peer : "-");
	report_refusals(a, why);
	log_session(NULL, "-");
	/* A client that waits for TLS has no use for text. */
	if (a->options->tls == TLS_IMPLICIT)
		return;
	/* It fits into an empty socket buffer; who does not read it, does not.
	 */
	if (send(c->out, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		shutdown(c->out, SHUT_WR);
}

/* ---- sessions */

/* In the session's process: nothing of the acceptor is left. */
static _Noreturn void
become_session(const struct acceptor *a, const struct connection *c,
	       accept_serve_fn serve)
{
	sigset_t children;

	for (int i = 0; i <= a->count; i++)
		close(a->fds[i].fd);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &children, NULL);
	_exit(serve(a->options, c));
}

static void
start_session(struct acceptor *a, const struct connection *c,
	      const struct running *new, accept_serve_fn serve)
{
	struct running *slot = a->sessions;

	while (slot->pid != 0)
		slot++;
	*slot = *new;
	slot->pid = fork();
	if (slot->pid == 0)
		become_session(a, c, serve);
	if (slot->pid > 0) {
		a->running++;
		return;
	}
	slot->pid = 0;
	refuse(a, c, "-ERR [SYS/TEMP] No process to be had.\r\n",
	       strerror(errno));
}

static void
take(struct acceptor *a, int fd, const struct sockaddr_storage *addr,
     accept_serve_fn serve)
{
	struct running new = { 0 };
	struct connection c;

	connection_from_socket(&c, fd, addr);
	new.counted = source_of(addr, new.source);
	new.arrival = c.arrival;
	memcpy(new.peer, c.peer, sizeof(new.peer));
	if (a->running == a->options->max_sessions)
		refuse(a, &c,
		       "-ERR [SYS/TEMP] Too many sessions, try again later."
		       "\r\n",
		       "--max-sessions is reached");
	else if (new.counted &&
		 count_source(a, new.source) >= a->options->max_per_source)
		refuse(a, &c,
		       "-ERR [SYS/TEMP] Too many sessions from your address."
		       "\r\n",
		       "--max-per-source is reached");
	else
		start_session(a, &c, &new, serve);
}

static void
accept_one(struct acceptor *a, int listener, accept_serve_fn serve)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	int fd =
	    accept4(listener, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC);

	if (fd >= 0) {
		take(a, fd, &addr, serve);
		close(fd);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS &&
	    errno != ENOMEM)
		return; /* nobody there, or gone again */
	report_refusals(a, strerror(errno));
	poll(NULL, 0, PAUSE_MS);
}

/* What a monitor that was killed could not say itself. */
static void
say_how_it_ended(const struct running *r, int status)
{
	if (WIFSIGNALED(status))
		log_line_of(&r->arrival, r->peer, LOG_ERR, EVENT_PROTOCOL,
			    "the session's monitor died of signal %d",
			    WTERMSIG(status));
}

static void
reap(struct acceptor *a)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(a->fds[a->count].fd, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < a->options->max_sessions; i++)
			if (a->sessions[i].pid == pid) {
				say_how_it_ended(&a->sessions[i], status);
				a->sessions[i].pid = 0;
				a->running--;
				a->idle_since = now_ms();
			}
}

/* ---- the loop */

static bool
prepare(struct acceptor *a, int first)
{
	sigset_t children;

	a->while_waiting = *signals_while_waiting();
	sigaddset(&a->while_waiting, SIGCHLD);
	a->sessions = calloc(a->options->max_sessions, sizeof(*a->sessions));
	if (a->sessions == NULL)
		return false;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &children, NULL) != 0)
		return false;
	for (int i = 0; i < a->count; i++) {
		int flags = fcntl(first + i, F_GETFL);

		/* Another process may have been quicker than we are. */
		if (flags < 0 ||
		    fcntl(first + i, F_SETFL, flags | O_NONBLOCK) != 0)
			return false;
		a->fds[i] =
		    (struct pollfd){ .fd = first + i, .events = POLLIN };
	}
	a->fds[a->count] = (struct pollfd){
		.fd = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC),
		.events = POLLIN,
	};
	a->idle_since = now_ms();
	return a->fds[a->count].fd >= 0;
}

/* Waits for whatever comes next; false when it is time to go. */
static bool
wait_for_events(struct acceptor *a)
{
	long long end = a->idle_since + a->options->idle_exit * 1000LL;
	long long left = end - now_ms();
	struct timespec t = timespec_of_ms(left);
	bool may_idle = a->running == 0 && a->options->idle_exit != 0;

	if (may_idle && left <= 0)
		return false;
	for (int i = 0; i <= a->count; i++)
		a->fds[i].revents = 0;
	if (ppoll(a->fds, (nfds_t)a->count + 1, may_idle ? &t : NULL,
		  &a->while_waiting) < 0 &&
	    errno != EINTR) {
		log_line(LOG_ERR, EVENT_SETUP, "ppoll: %s", strerror(errno));
		return false;
	}
	return !signals_terminated();
}

/* The sockets are not ours alone: who comes now waits for the next start. */
static void
let_sessions_finish(struct acceptor *a)
{
	for (int i = 0; i < a->count; i++)
		close(a->fds[i].fd);
	while (a->running > 0) {
		poll(&a->fds[a->count], 1, -1);
		reap(a);
	}
}

int
accept_run(const struct options *o, int first, int count, accept_serve_fn serve)
{
	static struct acceptor a;

	a.options = o;
	a.count = count;
	if (count > LISTENERS_MAX) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "%d sockets were passed, more than %d", count,
			 LISTENERS_MAX);
		return EX_UNAVAILABLE;
	}
	if (!prepare(&a, first)) {
		log_line(LOG_ERR, EVENT_SETUP, "listening: %s",
			 strerror(errno));
		return EX_OSERR;
	}
	auth_pam_preload(o);
	while (wait_for_events(&a)) {
		if (a.fds[count].revents != 0)
			reap(&a);
		for (int i = 0; i < count; i++)
			if (a.fds[i].revents != 0)
				accept_one(&a, a.fds[i].fd, serve);
	}
	let_sessions_finish(&a);
	free(a.sessions);
	return EX_OK;
}
