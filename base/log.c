/*
 * Where lines of the log go. Used by the monitor and the mailbox process; the
 * greeter, which talks to strangers, writes none.
 *
 * The state here is what openlog(3) would keep: whose session this is and
 * where lines go.
 *
 * Entries go to the journal as systemd.io/JOURNAL_NATIVE_PROTOCOL has it, in a
 * line for each field. Not by libsystemd: it keeps a socket that cannot be told
 * from others when descriptors are closed, and none of its own may be opened by
 * a process in a sandbox.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"

enum { TEXT_MAX = 1024, NAME_MAX_ESCAPED = 512 };

static const char *const message_ids[] = {
	[EVENT_LOGIN] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c001",
	[EVENT_LOGIN_FAILED] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c002",
	[EVENT_SESSION_END] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c003",
	[EVENT_MAILBOX] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c004",
	[EVENT_COMMIT] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c005",
	[EVENT_RECOVERED] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c006",
	[EVENT_RESCUED] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c007",
	[EVENT_SETUP] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c008",
	[EVENT_PROTOCOL] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c009",
	[EVENT_REMOVED] = "5f0c2a3f5d1b4b0f9a5b7f6a52a1c010",
};

static enum log_where where = LOG_TO_STDERR;
/* Whose session the lines are about. */
static struct about {
	char user[NAME_MAX_ESCAPED], rhost[NAME_MAX_ESCAPED];
	const char *method; /* "": there was no attempt yet */
	char tls[NAME_MAX_ESCAPED];
	char id[ARRIVAL_ID_SIZE]; /* "": no session */
	char port[NAME_MAX_ESCAPED];
} about = { .user = "-", .rhost = "-", .method = "" };
static int journal = -1; /* a socket that is connected to it */

/* One entry for the journal: a line "NAME=value" for each field. */
struct fields {
	size_t used;
	char text[TEXT_MAX * 8];
};

static bool
open_journal(void)
{
	static const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket",
	};

	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal < 0)
		return false;
	if (connect(journal, (const struct sockaddr *)&address,
		    sizeof(address)) == 0)
		return true;
	close(journal);
	journal = -1;
	return false;
}

static void
open_syslog(void)
{
	openlog("pop3d", LOG_PID | LOG_NDELAY, LOG_MAIL);
	tzset(); /* reads a file, which syslog(3) would later */
}

void
log_open(enum log_where wanted)
{
	where = wanted;
	if (where == LOG_TO_AUTO)
		where = open_journal() ? LOG_TO_JOURNAL : LOG_TO_SYSLOG;
	else if (where == LOG_TO_JOURNAL)
		open_journal();
	if (where == LOG_TO_SYSLOG)
		open_syslog();
}

void
log_stop(void)
{
	closelog();
	if (journal >= 0)
		close(journal);
	journal = -1;
}

void
log_restart(void)
{
	log_stop();
	log_open(where);
}

void
log_session(const char *user, const char *rhost)
{
	if (user != NULL && *user != '\0')
		escape_text(about.user, sizeof(about.user), user, '!');
	if (rhost != NULL && *rhost != '\0')
		escape_text(about.rhost, sizeof(about.rhost), rhost, '!');
}

void
log_arrival(const struct arrival *a)
{
	escape_text(about.id, sizeof(about.id), a->id, '!');
	escape_text(about.port, sizeof(about.port), a->port, '!');
}

void
log_method(const char *method)
{
	about.method = method;
}

void
log_tls(const char *text)
{
	escape_text(about.tls, sizeof(about.tls), text, '!');
}

static void field(struct fields *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* No value has a newline in it: all is escaped, or our own text. */
static void
field(struct fields *f, const char *format, ...)
{
	size_t room = sizeof(f->text) - f->used;
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(f->text + f->used, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 1 > room)
		return;
	f->used += (size_t)n;
	f->text[f->used++] = '\n';
}

/* The journal keeps its socket when it restarts; not so when it is replaced. */
static void
send_entry(const struct fields *f)
{
	for (int tries = 0; tries < 2; tries++) {
		if (send(journal, f->text, f->used, MSG_NOSIGNAL) >= 0 ||
		    !(journal < 0 || errno == ECONNREFUSED))
			return;
		if (journal >= 0)
			close(journal);
		if (!open_journal())
			return;
	}
}

/* " name=value", or nothing where there is no value. */
static void
add_word(char *line, size_t size, const char *name, const char *value)
{
	size_t n = strlen(line);

	if (*value != '\0')
		snprintf(line + n, size - n, " %s=%s", name, value);
}

/* The fields that all lines of a session have in common. */
static void
add_session(struct fields *f)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{ "POP3_USER", about.user },	 { "POP3_RHOST", about.rhost },
		{ "POP3_METHOD", about.method }, { "POP3_TLS", about.tls },
		{ "POP3_PORT", about.port },	 { "POP3_SESSION", about.id },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i].value != '\0')
			field(f, "%s=%s", all[i].name, all[i].value);
}

/* A line that is escaped already, or needs no escaping. */
static void
emit_line(struct fields *f, int priority, enum log_event event,
	  const char *line)
{
	char who[TEXT_MAX * 3];

	snprintf(who, sizeof(who), "rhost=%s user=%s", about.rhost, about.user);
	add_word(who, sizeof(who), "method", about.method);
	add_word(who, sizeof(who), "tls", about.tls);
	add_word(who, sizeof(who), "port", about.port);
	add_word(who, sizeof(who), "session", about.id);
	switch (where) {
	case LOG_TO_STDERR:
		dprintf(2, "pop3d[%d]: %s: %s\n", (int)getpid(), who, line);
		return;
	case LOG_TO_SYSLOG:
		syslog(priority, "%s: %s", who, line);
		return;
	default:
		field(f, "MESSAGE=%s: %s", who, line);
		field(f, "PRIORITY=%d", priority);
		field(f, "MESSAGE_ID=%s", message_ids[event]);
		field(f, "SYSLOG_IDENTIFIER=pop3d");
		field(f, "SYSLOG_FACILITY=%d", LOG_MAIL >> 3);
		add_session(f);
		send_entry(f);
	}
}

static void
emit(struct fields *f, int priority, enum log_event event, const char *text)
{
	char line[TEXT_MAX];

	escape_text(line, sizeof(line), text, ' ');
	emit_line(f, priority, event, line);
}

static void
emit_format(int priority, enum log_event event, const char *format, va_list ap)
{
	struct fields f = { .used = 0 };
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	emit(&f, priority, event, text);
}

void
log_line(int priority, enum log_event event, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, format);
	emit_format(priority, event, format, ap);
	va_end(ap);
	errno = saved;
}

void
log_line_of(const struct arrival *a, const char *rhost, int priority,
	    enum log_event event, const char *format, ...)
{
	const struct about ours = about;
	va_list ap;

	about.method = "";
	about.tls[0] = '\0';
	log_session(NULL, *rhost != '\0' ? rhost : "-");
	log_arrival(a);
	va_start(ap, format);
	emit_format(priority, event, format, ap);
	va_end(ap);
	about = ours;
}

static void
count_fields(struct fields *f, const struct log_summary *sum)
{
	field(f, "POP3_RETRIEVED=%llu", sum->retrieved);
	field(f, "POP3_DELETED=%llu", sum->deleted);
	field(f, "POP3_LEFT=%llu", sum->left);
	field(f, "POP3_OCTETS=%llu", sum->octets);
}

void
log_end(const struct log_summary *sum)
{
	struct fields f = { .used = 0 };
	char text[TEXT_MAX], counts[TEXT_MAX / 4] = "";

	if (sum->counted)
		snprintf(counts, sizeof(counts),
			 "retrieved=%llu deleted=%llu left=%llu octets=%llu ",
			 sum->retrieved, sum->deleted, sum->left, sum->octets);
	snprintf(text, sizeof(text), "session ended: %s; %sseconds=%.3f",
		 sum->reason, counts, sum->seconds);
	field(&f, "POP3_REASON=%s", sum->reason);
	if (sum->counted)
		count_fields(&f, sum);
	field(&f, "POP3_SECONDS=%.3f", sum->seconds);
	emit(&f, LOG_INFO, EVENT_SESSION_END, text);
}

void
log_removed(const char *uidl, off_t octets, const char *message_id)
{
	struct fields f = { .used = 0 };
	char text[TEXT_MAX], id[NAME_MAX_ESCAPED];

	escape_text(id, sizeof(id), message_id, '!');
	snprintf(text, sizeof(text), "removed: uidl=%s size=%lld message-id=%s",
		 uidl, (long long)octets, *id != '\0' ? id : "-");
	field(&f, "POP3_UIDL=%s", uidl);
	field(&f, "POP3_SIZE=%lld", (long long)octets);
	if (*id != '\0')
		field(&f, "POP3_MESSAGE_ID=%s", id);
	emit_line(&f, LOG_INFO, EVENT_REMOVED, text);
}
