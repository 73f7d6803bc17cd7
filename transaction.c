/*
 * Commands upon an open maildrop. Runs in the mailbox process, with the
 * user's rights and no others.
 */
#include "transaction.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "deletions.h"
#include "maildrop.h"
#include "retrieval.h"
#include "base/log.h"
#include "base/wire.h"

/* seconds until a newcomer may take over */
enum { IDLE_AFTER = 30 };

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

enum outcome
command_stat(struct session *s, const struct arguments *a)
{
	size_t count;
	off_t octets;

	(void)a;
	maildrop_total(s->maildrop, &count, &octets);
	stream_printf(&s->stream, "+OK %zu %lld", count, (long long)octets);
	return GO_ON;
}

enum outcome
command_list(struct session *s, const struct arguments *a)
{
	struct maildrop *m = s->maildrop;
	size_t count;
	off_t octets;

	if (a->message != 0) {
		stream_printf(&s->stream, "+OK %zu %lld", a->message,
			      (long long)maildrop_octets(m, a->message));
		return GO_ON;
	}
	maildrop_total(m, &count, &octets);
	stream_printf(&s->stream, "+OK %zu message%s (%lld octets)", count,
		      plural(count), (long long)octets);
	for (size_t n = 1; n <= maildrop_count(m); n++)
		if (maildrop_exists(m, n))
			stream_listing(&s->stream, n, maildrop_octets(m, n));
	stream_printf(&s->stream, ".");
	return GO_ON;
}

enum outcome
command_uidl(struct session *s, const struct arguments *a)
{
	struct maildrop *m = s->maildrop;
	char uidl[UIDL_SIZE];

	if (a->message != 0) {
		maildrop_uidl(m, a->message, uidl);
		stream_printf(&s->stream, "+OK %zu %s", a->message, uidl);
		return GO_ON;
	}
	stream_printf(&s->stream, "+OK Unique ids follow");
	for (size_t n = 1; n <= maildrop_count(m); n++) {
		if (!maildrop_exists(m, n))
			continue;
		maildrop_uidl(m, n, uidl);
		stream_listing_text(&s->stream, n, uidl);
	}
	stream_printf(&s->stream, ".");
	return GO_ON;
}

enum outcome
command_dele(struct session *s, const struct arguments *a)
{
	maildrop_delete(s->maildrop, a->message);
	s->live->deleted++;
	maildrop_accessed(s->maildrop, a->message);
	stream_printf(&s->stream, "+OK Message %zu has been deleted.",
		      a->message);
	return GO_ON;
}

enum outcome
command_noop(struct session *s, const struct arguments *a)
{
	(void)a;
	stream_printf(&s->stream, "+OK");
	return GO_ON;
}

enum outcome
command_rset(struct session *s, const struct arguments *a)
{
	size_t count;
	off_t octets;

	(void)a;
	maildrop_reset(s->maildrop);
	s->live->deleted = 0;
	maildrop_total(s->maildrop, &count, &octets);
	stream_printf(&s->stream,
		      "+OK Maildrop has %zu message%s "
		      "(%lld octets)",
		      count, plural(count), (long long)octets);
	return GO_ON;
}

enum outcome
command_last(struct session *s, const struct arguments *a)
{
	(void)a;
	stream_printf(&s->stream, "+OK %zu", maildrop_last(s->maildrop));
	return GO_ON;
}

/* Removes what was marked and replies. */
static void
update(struct session *s)
{
	size_t wanted = maildrop_deleted(s->maildrop);
	size_t removed = 0;

	s->live->updating = 1;
	struct deletions *deletions = s->options->log_deletions && wanted > 0
					  ? deletions_collect(s->maildrop)
					  : NULL;
	enum maildrop_result r = maildrop_commit(s->maildrop, &removed);

	s->reason = END_QUIT;
	s->summary.deleted = removed;
	maildrop_close(s->maildrop);
	s->maildrop = NULL;
	s->stream.idle = NULL; /* nothing is left to be offered */
	deletions_log(deletions);
	if (r == MAILDROP_OK)
		stream_sign_off(&s->stream);
	else
		stream_printf(&s->stream,
			      "-ERR [SYS/%s] %zu message%s not "
			      "removed.",
			      r == MAILDROP_PERMANENT ? "PERM" : "TEMP",
			      wanted - removed, plural(wanted - removed));
}

enum outcome
command_update(struct session *s, const struct arguments *a)
{
	(void)a;
	/* Nothing is removed behind a reply that cannot be sent. */
	if (session_flush(s))
		update(s);
	return OVER;
}

/* ---- locks: what only the monitor may make, and see */

static enum lock_result
ask_for_dotlock(void *arg)
{
	const struct session *s = arg;
	struct request r = { .type = REQUEST_DOTLOCK_TRY };
	struct reply reply;

	if (!boundary_ask(s->monitor, &r, &reply) || reply.result > LOCK_FAILED)
		return LOCK_FAILED;
	return (enum lock_result)reply.result;
}

static void
leave_dotlock(void *arg)
{
	const struct session *s = arg;
	struct request r = { .type = REQUEST_DOTLOCK_LEAVE };
	struct reply reply;

	boundary_ask(s->monitor, &r, &reply);
}

static void
tell_who_has_it(void *arg, const struct lock_holder *h)
{
	const struct session *s = arg;
	struct request r = { .type = REQUEST_LOCK_BUSY, .holder = *h };

	boundary_send(s->monitor, &r);
}

/* ---- the session's clock */

static int
client_is_slow(void *arg)
{
	struct session *s = arg;

	return maildrop_offer(s->maildrop);
}

static bool
client_is_back(void *arg)
{
	struct session *s = arg;

	return maildrop_resume(s->maildrop);
}

static void
greet(struct session *s, const struct maildrop_owner *owner)
{
	size_t count;
	off_t octets;
	char told[USER_MAX + 1];

	maildrop_total(s->maildrop, &count, &octets);
	s->summary.left = count;
	stream_printf(&s->stream, "+OK %s has %zu message%s (%lld octets).",
		      session_told(told, owner->user), count, plural(count),
		      (long long)octets);
	bool missing = maildrop_is_missing(s->maildrop);
	log_line(LOG_INFO, EVENT_LOGIN,
		 "logged in, %zu message%s, %lld octets%s%s", count,
		 plural(count), (long long)octets,
		 missing ? "; there is no mailbox " : "",
		 missing ? owner->mailbox : "");
}

/* The monitor was killed: there is nobody else to say it. */
static void
log_end_alone(const struct session *s, long long began)
{
	const struct summary *sum = &s->summary;
	const struct log_summary end = {
		.reason = "its monitor died",
		.counted = true,
		.retrieved = sum->retrieved,
		.deleted = sum->deleted,
		.left = sum->left,
		.octets = sum->octets,
		.seconds = (double)(now_ms() - began) / 1000,
	};

	log_end(&end);
}

/*
 * Said at once, as long as the session lock's file has our note: whoever killed
 * the monitor may be about to kill this process too.
 */
static bool
misses_monitor(const struct session *s, long long began)
{
	if (!wire_wait(s->monitor, POLLIN, 0))
		return false;
	log_end_alone(s, began);
	return true;
}

static void
report(struct session *s, long long began)
{
	struct request r = { .type = REQUEST_SUMMARY };

	s->summary.reason = s->reason;
	s->summary.left -= s->summary.deleted;
	r.summary = s->summary;
	if (!boundary_send(s->monitor, &r))
		log_end_alone(s, began);
}

/*
 * RFC 1939 section 4: who was refused may log in again, or say QUIT. What was
 * read ahead goes back to where logins are made.
 */
static void
refuse(struct session *s, enum maildrop_result r, long long began)
{
	struct handover *h = &s->request.handover;

	stream_printf(&s->stream, "-ERR %s", retrieval_error(r));
	log_line(LOG_NOTICE, EVENT_MAILBOX, "not served: %s",
		 retrieval_error(r));
	if (stream_flush(&s->stream) != STREAM_OK) {
		s->reason = END_CLIENT_LEFT;
		report(s, began);
		return;
	}
	s->request.type = REQUEST_RETURN;
	h->input_len =
	    (uint32_t)stream_take_input(&s->stream, h->input, sizeof(h->input));
	h->output_len = 0;
	boundary_send(s->monitor, &s->request);
	boundary_wipe(&s->request);
}

static struct session_note
note_of(const struct session *s)
{
	const struct connection *c = s->connection;
	struct session_note n;

	session_note_begin(&n);
	n.arrival = c->arrival;
	snprintf(n.rhost, sizeof(n.rhost), "%s", c->peer);
	return n;
}

int
transaction_run(const struct session_start *start,
		const struct maildrop_owner *owner, const struct handover *h)
{
	static struct session s;
	const long long began = now_ms();
	const struct dotlock_keeper keeper = { .try = ask_for_dotlock,
					       .release = leave_dotlock,
					       .blame = tell_who_has_it,
					       .arg = &s };

	session_init(&s, start, TRANSACTION, start->options->idle_timeout);
	stream_write(&s.stream, h->output, h->output_len);
	stream_give_input(&s.stream, h->input, h->input_len);
	const struct session_note who = note_of(&s);
	enum maildrop_result r =
	    maildrop_open(&s.maildrop, s.options, owner->mailbox,
			  owner->state_dir, &keeper, &who);
	if (r != MAILDROP_OK) {
		refuse(&s, r, began);
		return EX_OK;
	}
	greet(&s, owner);
	stream_flush(&s.stream);
	maildrop_save_index(s.maildrop);
	s.stream.idle_after = IDLE_AFTER;
	s.stream.idle = client_is_slow;
	s.stream.back = client_is_back;
	s.stream.hook_arg = &s;
	session_loop(&s);
	bool told = s.maildrop != NULL && misses_monitor(&s, began);
	if (s.maildrop != NULL)
		maildrop_close(s.maildrop);
	s.stream.idle = NULL;
	stream_linger(&s.stream);
	if (!told)
		report(&s, began);
	return EX_OK;
}
