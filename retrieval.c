/*
 * RETR and TOP: a message's text on its way to the client. Runs in the mailbox
 * process.
 */
#include "retrieval.h"

#include "maildrop.h"
#include "base/log.h"

/* "-ERR", its response code, and what the client may make of it. */
const char *
retrieval_error(enum maildrop_result r)
{
	switch (r) {
	case MAILDROP_IN_USE:
		return "[IN-USE] The maildrop is in use, try again later.";
	case MAILDROP_PERMANENT:
		return "[SYS/PERM] The mailbox cannot be used; tell the "
		       "administrator.";
	case MAILDROP_NO_ROOM:
		return "[SYS/TEMP] The disk of the server's state directory "
		       "is full; tell the administrator.";
	case MAILDROP_NO_STATE:
		return "[SYS/PERM] Your state directory on the server cannot "
		       "be used; tell the administrator.";
	case MAILDROP_GONE:
		return "No such message, another program has removed it.";
	default:
		return "[SYS/TEMP] The mailbox cannot be used now, try again "
		       "later.";
	}
}

/*
 * Once the reply has begun, an error has no place in it: the connection ends
 * without the final dot.
 */
static enum outcome
broken_off(struct session *s, size_t n)
{
	log_line(LOG_WARNING, EVENT_MAILBOX,
		 "message %zu could not be sent whole: another program "
		 "changed the mailbox",
		 n);
	s->reason = END_FAULT;
	return OVER;
}

static void
begin_reply(struct session *s, size_t n)
{
	stream_printf(&s->stream, "+OK %lld octets",
		      (long long)maildrop_octets(s->maildrop, n));
}

static void
has_retrieved(struct session *s, size_t n)
{
	s->live->retrieved = ++s->summary.retrieved;
	maildrop_accessed(s->maildrop, n);
}

static enum outcome
send_message(struct session *s, size_t n, bool limited, size_t lines)
{
	struct text_state text = { .limited = limited, .lines = lines };
	const char *data;
	size_t len;

	maildrop_read_begin(s->maildrop, n);
	enum maildrop_result r = maildrop_read(s->maildrop, &data, &len);
	if (r != MAILDROP_OK) {
		stream_printf(&s->stream, "-ERR %s", retrieval_error(r));
		return GO_ON;
	}
	begin_reply(s, n);
	while (r == MAILDROP_OK && len > 0 && !text.full &&
	       s->stream.error == STREAM_OK) {
		stream_text(&s->stream, &text, data, len);
		r = maildrop_read(s->maildrop, &data, &len);
	}
	s->summary.octets += text.octets;
	if (r != MAILDROP_OK && !text.full)
		return broken_off(s, n);
	stream_text_end(&s->stream, &text);
	/* LAST must not pass a message that the client did not get. */
	if (!limited && s->stream.error == STREAM_OK)
		has_retrieved(s, n);
	return GO_ON;
}

/* ---- the next message, made ready while the client reads this one */

static size_t
following(const struct session *s, size_t n)
{
	do
		n++;
	while (n <= maildrop_count(s->maildrop) &&
	       !maildrop_exists(s->maildrop, n));
	return n <= maildrop_count(s->maildrop) ? n : 0;
}

static void
make_ready(void *arg)
{
	struct session *s = arg;
	struct text_state text = { 0 };
	size_t n = following(s, s->retrieved), len;
	const char *data;

	if (n == 0 || n == s->ready ||
	    maildrop_octets(s->maildrop, n) > STREAM_AHEAD_MAX ||
	    !maildrop_read_ahead(s->maildrop, n, &data, &len))
		return;
	stream_ahead_begin(&s->stream);
	begin_reply(s, n);
	stream_text(&s->stream, &text, data, len);
	stream_text_end(&s->stream, &text);
	s->ready = stream_ahead_end(&s->stream) ? n : 0;
	s->ready_octets = text.octets;
}

static bool
send_ready(struct session *s, size_t n)
{
	if (n != s->ready || !maildrop_ahead_stands(s->maildrop, n) ||
	    !stream_ahead_send(&s->stream))
		return false;
	s->summary.octets += s->ready_octets;
	has_retrieved(s, n);
	return true;
}

/*
 * Clients that take one message after the other are told by the first two, or
 * by the first of the session.
 */
enum outcome
command_retr(struct session *s, const struct arguments *a)
{
	size_t n = a->message;
	bool in_order = s->retrieved == 0 || following(s, s->retrieved) == n;

	enum outcome outcome =
	    send_ready(s, n) ? GO_ON : send_message(s, n, false, 0);
	s->ready = 0;
	s->retrieved = n;
	s->stream.leisure = in_order ? make_ready : NULL;
	return outcome;
}

enum outcome
command_top(struct session *s, const struct arguments *a)
{
	return send_message(s, a->message, true, a->lines);
}
