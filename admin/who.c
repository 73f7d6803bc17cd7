/* How sessions are shown, to people and to programs. */
#include "admin/who.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "admin/who_find.h"
#include "base/escape.h"
#include "base/wire.h"

enum { TIME_SIZE = 40, SHOWN_SIZE = 4 * LIVE_NAME_SIZE };

struct report {
	bool json;
	unsigned long count;
};

/* ---- what is derived */

static void
tell_since(const struct who *w, char text[TIME_SIZE])
{
	time_t since = (time_t)w->facts.since;
	struct tm tm;

	if (localtime_r(&since, &tm) == NULL ||
	    strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
		snprintf(text, TIME_SIZE, "?");
}

/* Seconds since the client said something; the count may be false. */
static long long
idle_seconds(const struct who *w)
{
	long long heard = w->counts.heard_ms, now = now_ms();

	if (heard < w->facts.since_ms || heard > now)
		heard = w->facts.since_ms;
	return (now - heard) / 1000;
}

static const char *
state_of(const struct who *w)
{
	if (w->facts.state != LIVE_TRANSACTION)
		return "login";
	return w->counts.updating != 0 ? "update" : "transaction";
}

/* ---- for people */

static void
print_word(const char *text, int width)
{
	char shown[SHOWN_SIZE];

	escape_text(shown, sizeof(shown), *text != '\0' ? text : "-", '!');
	printf("%-*s ", width, shown);
}

static void
print_line(const struct who *w, bool first)
{
	char since[TIME_SIZE];

	if (first)
		printf("%-7s %-16s %-15s %-8s %-8s %-24s %6s %-11s %9s %7s "
		       "%-12s %s\n",
		       "PID", "USER", "ADDRESS", "PORT", "TLS", "SINCE", "IDLE",
		       "STATE", "RETRIEVED", "DELETED", "SESSION", "UNIT");
	tell_since(w, since);
	printf("%-7d ", (int)w->pid);
	print_word(w->facts.user, 16);
	print_word(w->facts.rhost, 15);
	print_word(w->facts.arrival.port, 8);
	/* The version is enough here. */
	char version[LIVE_TEXT_SIZE];
	snprintf(version, sizeof(version), "%.*s",
		 (int)strcspn(w->facts.tls, "/"), w->facts.tls);
	print_word(version, 8);
	printf("%-24s %6lld %-11s %9llu %7llu ", since, idle_seconds(w),
	       state_of(w), (unsigned long long)w->counts.retrieved,
	       (unsigned long long)w->counts.deleted);
	print_word(w->facts.arrival.id, 12);
	puts(*w->unit != '\0' ? w->unit : "-");
}

/* ---- for programs */

/* What is not printable ASCII as the byte that it is, like \u00e4. */
static void
print_string(const char *name, const char *text)
{
	printf("\"%s\":", name);
	if (*text == '\0') {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_object(const struct who *w, bool first)
{
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "user", w->facts.user },
		{ "address", w->facts.rhost },
		{ "port", w->facts.arrival.port },
		{ "tls", w->facts.tls },
		{ "session", w->facts.arrival.id },
		{ "state", state_of(w) },
		{ "unit", w->unit },
	};
	char since[TIME_SIZE];

	printf("%s{", first ? "\n" : ",\n");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		print_string(texts[i].name, texts[i].text);
		putchar(',');
	}
	tell_since(w, since);
	print_string("since", since);
	printf(",\"idle\":%lld,\"retrieved\":%llu,\"deleted\":%llu,\"pid\":%d}",
	       idle_seconds(w), (unsigned long long)w->counts.retrieved,
	       (unsigned long long)w->counts.deleted, (int)w->pid);
}

/* ---- the task */

static void
print_one(void *arg, const struct who *w)
{
	struct report *r = arg;

	if (r->json)
		print_object(w, r->count == 0);
	else
		print_line(w, r->count == 0);
	r->count++;
}

static void
print_end(const struct report *r)
{
	if (r->json)
		puts(r->count > 0 ? "\n]" : "]");
	else if (r->count == 0)
		puts("There is no session.");
	else
		puts("\nTo end a session, deleting nothing in it: kill PID");
}

int
who_run(const struct options *o)
{
	struct report r = { .json = o->json };

	if (geteuid() != 0) {
		fputs("pop3d: --who: only root can see who is connected\n",
		      stderr);
		return EX_NOPERM;
	}
	if (r.json)
		putchar('[');
	if (!who_find(print_one, &r)) {
		fprintf(stderr, "pop3d: --who: /proc: %s\n", strerror(errno));
		return EX_OSERR;
	}
	print_end(&r);
	return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
}
