#include "link.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

char link_buffer[PIECE];

static SSL_SESSION *newest;
static XXH3_state_t heard;
static bool hears;

bool link_sums;

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- TLS */

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

static SSL_CTX *
context(void)
{
	static SSL_CTX *ctx;

	if (ctx != NULL)
		return ctx;
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		errx(1, "SSL_CTX_new");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	return ctx;
}

void
link_secure(struct link *l, SSL_SESSION *session)
{
	l->ssl = SSL_new(context());
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1 ||
	    (session != NULL && SSL_set_session(l->ssl, session) != 1))
		errx(1, "SSL_new");
	SSL_set_connect_state(l->ssl);
	int r = SSL_do_handshake(l->ssl);
	if (r != 1 && SSL_get_error(l->ssl, r) != SSL_ERROR_WANT_READ)
		errx(1, "no TLS to be had");
}

SSL_SESSION *
link_session(void)
{
	SSL_SESSION *session = newest;

	newest = NULL;
	return session;
}

/* ---- octets */

ssize_t
link_recv(struct link *l, void *room, size_t size)
{
	if (l->ssl == NULL)
		return recv(l->fd, room, size, 0);
	int n = SSL_read(l->ssl, room, (int)size);
	if (n > 0)
		return n;
	if (SSL_get_error(l->ssl, n) != SSL_ERROR_WANT_READ)
		return 0;
	errno = EAGAIN;
	return -1;
}

void
link_say(struct link *l, const char *text, size_t len)
{
	ssize_t n = l->ssl != NULL ? SSL_write(l->ssl, text, (int)len)
				   : send(l->fd, text, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		err(1, "send");
}

void
link_close(struct link *l)
{
	/* OpenSSL forgets a session that did not end in an orderly way. */
	if (l->ssl != NULL)
		SSL_shutdown(l->ssl);
	SSL_free(l->ssl);
	l->ssl = NULL;
	close(l->fd);
	l->fd = -1;
}

/* ---- lines */

static void
add_to_checksum(size_t n)
{
	if (!hears)
		XXH3_64bits_reset(&heard);
	hears = true;
	XXH3_64bits_update(&heard, link_buffer, n);
}

size_t
link_hear(struct link *l, const char *end)
{
	char tail[8] = "";
	size_t total = 0, n = strlen(end);

	while (total < n || memcmp(tail + sizeof(tail) - n, end, n) != 0) {
		ssize_t got = link_recv(l, link_buffer, sizeof(link_buffer));

		if (got <= 0)
			errx(1, "the server hangs up");
		size_t new =
		    (size_t)got < sizeof(tail) ? (size_t)got : sizeof(tail);
		memmove(tail, tail + new, sizeof(tail) - new);
		memcpy(tail + sizeof(tail) - new,
		       link_buffer + (size_t)got - new, new);
		if (link_sums)
			add_to_checksum((size_t)got);
		total += (size_t)got;
	}
	return total;
}

void
link_ask(struct link *l, const char *format, const char *argument)
{
	char line[300];
	int n = snprintf(line, sizeof(line), format, argument);

	link_say(l, line, (size_t)n);
	link_hear(l, "\r\n");
	if (memcmp(link_buffer, "+OK", 3) != 0)
		errx(1, "the server refuses: %.60s", link_buffer);
}

unsigned long long
link_checksum(void)
{
	return hears ? XXH3_64bits_digest(&heard) : 0;
}
