/*
 * Buffered lines in, buffered replies out, no wait without an end. Runs in
 * the greeter and in the mailbox process; knows no command and no message.
 */
#include "base/stream.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/wire.h"

enum {
	REPLY_TEXT_MAX = 510,
	NUMBER_MAX = 20, /* digits of 64 bits */
	LISTING_TEXT_MAX = 70,
	LINGER_MS = 2000,
	LINGER_BYTES = 1 << 20,
	HOST_SIZE = 256
};

void
stream_init(struct stream *s, int in, int out, unsigned timeout)
{
	/* Not the buffers: each page that is touched costs a session. */
	memset(s, 0, offsetof(struct stream, input));
	s->in = in;
	s->out = out;
	s->timeout = timeout;
}

void
stream_set_deadline(struct stream *s, unsigned seconds)
{
	s->deadline = now_ms() + seconds * 1000LL;
}

/* Waits until `end` for the client or `watch`; the signals end it. */
static int
wait_until(struct pollfd fds[2], long long end)
{
	for (;;) {
		long long left = end - now_ms();
		if (left < 0)
			left = 0;
		struct timespec t = timespec_of_ms(left);
		int n = ppoll(fds, 2, &t, signals_while_waiting());
		if (n >= 0 || errno != EINTR || signals_terminated())
			return n;
	}
}

/*
 * Waits for the client with the session's clocks: idle_after seconds after
 * `start` the idle hook runs, after timeout seconds it is over, and so it is at
 * the deadline, even if there is something to be read.
 */
static enum stream_result
wait_for_client(struct stream *s, int fd, short events, long long start)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = -1, .events = POLLIN } };
	long long end = start + s->timeout * 1000LL;
	bool limited = s->deadline != 0 && s->deadline < end;
	enum stream_result late = limited ? STREAM_OVERDUE : STREAM_TIMEOUT;
	long long idle = start + s->idle_after * 1000LL;
	bool idling = false;
	int n;

	if (limited)
		end = s->deadline;
	if (signals_terminated())
		return STREAM_TERMINATED;
	if (now_ms() >= end)
		return late;
	if (s->idle != NULL && idle < end) {
		n = wait_until(fds, idle);
		if (n == 0) {
			fds[1].fd = s->idle(s->hook_arg);
			idling = true;
			n = wait_until(fds, end);
		}
	} else {
		n = wait_until(fds, end);
	}
	if (n < 0)
		return signals_terminated() ? STREAM_TERMINATED : STREAM_CLOSED;
	if (n == 0)
		return late;
	if (idling && !s->back(s->hook_arg))
		return STREAM_PREEMPTED;
	return STREAM_OK;
}

enum stream_result
stream_flush(struct stream *s)
{
	while (s->error == STREAM_OK && s->out_start < s->out_end) {
		ssize_t n = wire_write_some(s->out, s->output + s->out_start,
					    s->out_end - s->out_start);
		if (n >= 0)
			s->out_start += (size_t)n;
		else if (would_block())
			s->error =
			    wait_for_client(s, s->out, POLLOUT, now_ms());
		else
			s->error = STREAM_CLOSED;
	}
	s->out_start = s->out_end = 0;
	return s->error;
}

void
stream_write(struct stream *s, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0 && s->error == STREAM_OK && !s->overflow) {
		size_t room = sizeof(s->output) - s->out_end;
		size_t n = len < room ? len : room;

		memcpy(s->output + s->out_end, p, n);
		s->out_end += n;
		p += n;
		len -= n;
		if (s->out_end > STREAM_PENDING_MAX)
			s->ahead_end = 0;
		if (s->out_end < sizeof(s->output))
			continue;
		if (s->ahead)
			s->overflow = true;
		else
			stream_flush(s);
	}
}

void
stream_printf(struct stream *s, const char *format, ...)
{
	char text[REPLY_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	stream_write(s, text,
		     (size_t)n < sizeof(text) ? (size_t)n : REPLY_TEXT_MAX);
	stream_write(s, "\r\n", 2);
}

void
stream_ahead_begin(struct stream *s)
{
	assert(s->out_end == 0);
	s->ahead = true;
	s->out_start = s->out_end = STREAM_PENDING_MAX;
}

bool
stream_ahead_end(struct stream *s)
{
	s->ahead_end = s->overflow ? 0 : s->out_end;
	s->ahead = s->overflow = false;
	s->out_start = s->out_end = 0;
	return s->ahead_end > 0;
}

bool
stream_ahead_send(struct stream *s)
{
	if (s->ahead_end == 0)
		return false;
	s->out_start = STREAM_PENDING_MAX - s->out_end;
	memmove(s->output + s->out_start, s->output, s->out_end);
	s->out_end = s->ahead_end;
	s->ahead_end = 0;
	return true;
}

/* A row is built from its end to its beginning: no length is needed then. */
static char *
put_number(char *p, unsigned long long n)
{
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return p;
}

static char *
put_line_end(char *p)
{
	*--p = '\n';
	*--p = '\r';
	return p;
}

void
stream_listing(struct stream *s, size_t n, off_t value)
{
	char row[2 * NUMBER_MAX + sizeof(" \r\n")];
	char *end = row + sizeof(row);
	char *p = put_number(put_line_end(end), (unsigned long long)value);

	*--p = ' ';
	p = put_number(p, n);
	stream_write(s, p, (size_t)(end - p));
}

void
stream_listing_text(struct stream *s, size_t n, const char *text)
{
	char row[NUMBER_MAX + LISTING_TEXT_MAX + sizeof(" \r\n")];
	char *end = row + sizeof(row);
	size_t len = strnlen(text, LISTING_TEXT_MAX);
	char *p = put_line_end(end) - len;

	memcpy(p, text, len);
	*--p = ' ';
	p = put_number(p, n);
	stream_write(s, p, (size_t)(end - p));
}

/* More of a line that has been waited for since `start`. */
static enum stream_result
fill(struct stream *s, long long start)
{
	if (s->in_start > 0) {
		memmove(s->input, s->input + s->in_start,
			s->in_end - s->in_start);
		s->in_end -= s->in_start;
		s->in_start = 0;
	}
	for (;;) {
		enum stream_result r = wait_for_client(s, s->in, POLLIN, start);
		if (r != STREAM_OK)
			return r;
		ssize_t n = wire_read_some(s->in, s->input + s->in_end,
					   sizeof(s->input) - s->in_end);
		if (n > 0) {
			s->in_end += (size_t)n;
			return STREAM_OK;
		}
		if (n == 0 || !would_block())
			return STREAM_CLOSED;
	}
}

/* How long the line may be that is next, its end counted. */
static size_t
line_limit(const struct stream *s)
{
	size_t n = s->long_prefix == NULL ? 0 : strlen(s->long_prefix);

	if (s->long_prefix != NULL && s->in_end - s->in_start >= n &&
	    strncasecmp(s->input + s->in_start, s->long_prefix, n) == 0)
		return STREAM_INPUT_SIZE;
	return STREAM_LINE_MAX;
}

/* What a line is that is longer than that. */
static enum stream_result
excess(size_t limit)
{
	return limit == STREAM_LINE_MAX ? STREAM_TOO_LONG : STREAM_OVERLONG;
}

/* Takes the line that ends at `newline` out of the input. */
static enum stream_result
take_line(struct stream *s, char *newline, char **line, size_t *len)
{
	char *start = s->input + s->in_start;
	size_t limit = line_limit(s);
	enum stream_result r = s->skipping;

	if (r == STREAM_OK && (size_t)(newline + 1 - start) > limit)
		r = excess(limit);
	s->in_start = (size_t)(newline + 1 - s->input);
	s->skipping = STREAM_OK;
	if (r != STREAM_OK)
		return r;
	if (newline > start && newline[-1] == '\r')
		newline--;
	*newline = '\0';
	*line = start;
	*len = (size_t)(newline - start);
	return STREAM_OK;
}

/* Whoever has sent something more is not to be kept waiting. */
static void
have_leisure(struct stream *s)
{
	stream_leisure_fn leisure = s->leisure;

	if (wire_wait(s->in, POLLIN, 0))
		return;
	s->leisure = NULL;
	leisure(s->hook_arg);
}

/* A record of a handshake: no command has these octets. */
static bool
tls_begins(const struct stream *s)
{
	static const char record[] = { 0x16, 0x03 };

	return s->expects_no_tls && s->skipping == STREAM_OK &&
	       s->in_end - s->in_start >= sizeof(record) &&
	       memcmp(s->input + s->in_start, record, sizeof(record)) == 0;
}

enum stream_result
stream_getline(struct stream *s, char **line, size_t *len)
{
	long long start = 0;

	if (s->error != STREAM_OK)
		return s->error;
	for (;;) {
		if (tls_begins(s))
			return STREAM_TLS;
		char *newline = memchr(s->input + s->in_start, '\n',
				       s->in_end - s->in_start);
		if (newline != NULL)
			return take_line(s, newline, line, len);
		size_t limit = line_limit(s);
		if (s->in_end - s->in_start >= limit) {
			if (s->skipping == STREAM_OK)
				s->skipping = excess(limit);
			s->in_start = s->in_end;
		}
		enum stream_result r = stream_flush(s);
		if (start == 0)
			start = now_ms();
		if (r == STREAM_OK && s->leisure != NULL)
			have_leisure(s);
		if (r == STREAM_OK)
			r = fill(s, start);
		if (r != STREAM_OK)
			return r;
	}
}

void
stream_linger(struct stream *s)
{
	if (shutdown(s->out, SHUT_WR) != 0)
		return;
	long long end = now_ms() + LINGER_MS;
	struct pollfd p = { .fd = s->in, .events = POLLIN };
	size_t dropped = 0;
	for (long long left = LINGER_MS; left > 0 && dropped < LINGER_BYTES;
	     left = end - now_ms()) {
		if (poll(&p, 1, (int)left) <= 0)
			return;
		ssize_t n =
		    recv(s->in, s->input, sizeof(s->input), MSG_DONTWAIT);
		if (n <= 0)
			return;
		dropped += (size_t)n;
	}
}

void
stream_sign_off(struct stream *s)
{
	char host[HOST_SIZE];

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	stream_printf(s, "+OK Pop server at %s signing off.", host);
}

size_t
stream_take_input(struct stream *s, char *buf, size_t size)
{
	size_t n = s->in_end - s->in_start;

	if (n > size)
		n = size;
	memcpy(buf, s->input + s->in_start, n);
	s->in_start = s->in_end = 0;
	return n;
}

size_t
stream_take_output(struct stream *s, char *buf, size_t size)
{
	size_t n = s->out_end;

	assert(n <= size);
	memcpy(buf, s->output, n);
	s->out_end = 0;
	return n;
}

void
stream_give_input(struct stream *s, const char *buf, size_t len)
{
	memcpy(s->input, buf, len);
	s->in_start = 0;
	s->in_end = len;
}

void
stream_drop_input(struct stream *s)
{
	size_t dropped = 0;
	ssize_t n;

	s->in_start = s->in_end = 0;
	do {
		n = recv(s->in, s->input, sizeof(s->input), MSG_DONTWAIT);
		dropped += n > 0 ? (size_t)n : 0;
	} while (n > 0 && dropped < LINGER_BYTES);
}

void
stream_restart(struct stream *s, int in, int out)
{
	s->in = in;
	s->out = out;
	s->in_start = s->in_end = s->out_start = s->out_end = 0;
	s->ahead_end = 0;
	s->skipping = STREAM_OK;
	s->error = STREAM_OK;
}
