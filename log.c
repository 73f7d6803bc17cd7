/*
 * Where lines of the log go. Used by the monitor and the mailbox process; the
 * greeter, which talks to strangers, writes none.
 *
 * The state here is what openlog(3) would keep: whose session this is and
 * where lines go.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "systemd.h"

enum { TEXT_MAX = 1024, NAME_MAX_ESCAPED = 512, FIELDS_MAX = 16 };

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
};

static enum log_where where = LOG_TO_STDERR;
static char session_user[NAME_MAX_ESCAPED] = "-";
static char session_rhost[NAME_MAX_ESCAPED] = "-";
static const char *session_method = ""; /* "": there was no attempt yet */
static char session_tls[NAME_MAX_ESCAPED];

/* One entry for the journal: "NAME=value" strings in one buffer. */
struct fields {
	struct iovec iov[FIELDS_MAX];
	int count;
	size_t used;
	char text[TEXT_MAX * 4];
};

/*
 * Copies text, bytes outside of first..0x7e and backslashes as \xNN, cut where
 * dst is full.
 */
static void
escape(char *dst, size_t size, const char *text, unsigned char first)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= first && c < 0x7f && c != '\\';
		size_t need = plain ? 1 : 4;

		if (used + need >= size)
			break;
		if (plain)
			dst[used] = (char)c;
		else
			snprintf(dst + used, size - used, "\\x%02x", c);
		used += need;
	}
	dst[used] = '\0';
}

void
log_open(enum log_where wanted)
{
	where = wanted;
	if (where == LOG_TO_AUTO)
		where = access("/run/systemd/journal/socket", W_OK) == 0
			    ? LOG_TO_JOURNAL
			    : LOG_TO_SYSLOG;
	if (where == LOG_TO_SYSLOG)
		openlog("pop3d", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void
log_prepare(void)
{
	if (where == LOG_TO_JOURNAL && !systemd_load())
		log_open(LOG_TO_SYSLOG);
}

void
log_session(const char *user, const char *rhost)
{
	if (user != NULL && *user != '\0')
		escape(session_user, sizeof(session_user), user, '!');
	if (rhost != NULL && *rhost != '\0')
		escape(session_rhost, sizeof(session_rhost), rhost, '!');
}

void
log_method(const char *method)
{
	session_method = method;
}

void
log_tls(const char *text)
{
	escape(session_tls, sizeof(session_tls), text, '!');
}

static void field(struct fields *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
field(struct fields *f, const char *format, ...)
{
	size_t room = sizeof(f->text) - f->used;
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(f->text + f->used, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room || f->count == FIELDS_MAX)
		return;
	f->iov[f->count].iov_base = f->text + f->used;
	f->iov[f->count].iov_len = (size_t)n;
	f->count++;
	f->used += (size_t)n + 1;
}

static void
emit(struct fields *f, int priority, enum log_event event, const char *text)
{
	char line[TEXT_MAX], who[TEXT_MAX * 2];

	log_prepare();
	escape(line, sizeof(line), text, ' ');
	snprintf(who, sizeof(who), "rhost=%s user=%s%s%s%s%s", session_rhost,
		 session_user, *session_method != '\0' ? " method=" : "",
		 session_method, *session_tls != '\0' ? " tls=" : "",
		 session_tls);
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
		field(f, "POP3_USER=%s", session_user);
		field(f, "POP3_RHOST=%s", session_rhost);
		if (*session_method != '\0')
			field(f, "POP3_METHOD=%s", session_method);
		if (*session_tls != '\0')
			field(f, "POP3_TLS=%s", session_tls);
		systemd_journal_send(f->iov, f->count);
	}
}

void
log_line(int priority, enum log_event event, const char *format, ...)
{
	struct fields f = { .count = 0 };
	char text[TEXT_MAX];
	va_list ap;
	int saved = errno;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	emit(&f, priority, event, text);
	errno = saved;
}

void
log_end(const struct log_summary *sum)
{
	struct fields f = { .count = 0 };
	char text[TEXT_MAX];

	snprintf(text, sizeof(text),
		 "session ended: %s; retrieved=%lu deleted=%lu left=%lu "
		 "octets=%llu seconds=%.3f",
		 sum->reason, sum->retrieved, sum->deleted, sum->left,
		 sum->octets, sum->seconds);
	field(&f, "POP3_REASON=%s", sum->reason);
	field(&f, "POP3_RETRIEVED=%lu", sum->retrieved);
	field(&f, "POP3_DELETED=%lu", sum->deleted);
	field(&f, "POP3_LEFT=%lu", sum->left);
	field(&f, "POP3_OCTETS=%llu", sum->octets);
	field(&f, "POP3_SECONDS=%.3f", sum->seconds);
	emit(&f, LOG_INFO, EVENT_SESSION_END, text);
}
