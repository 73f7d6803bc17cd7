/*
 * The relay's work: octets from one side to the other, through OpenSSL and two
 * fixed buffers. Knows no POP3. A side that does not take what is sent to it
 * stops the other one, by full buffers; how long that may last is decided by
 * the process on the plain side, and after its end by the limits here.
 */
#include "tls/tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/wire.h"

enum {
	STALLED_MS = 60000, /* with the rest of what the server had to say */
	LINGER_MS = 2000,
	PIECE = 65536,		/* octets that one system call moves */
	NET_OUT = PIECE + 4096, /* the same, as records */
	NET_IN = 17 * 1024	/* one record */
};

/* In the language of who speaks no TLS. RFC 3206 has the code. */
static const char plain_answer[] =
    "-ERR [SYS/PERM] TLS is expected here: the client speaks without it\r\n";

static const char exporter_label[] = "EXPORTER-Channel-Binding";

/* Octets on their way: what is between at and end. */
struct queue {
	size_t at, end;
	char data[PIECE];
};

struct relay {
	const struct tls_ends *ends;
	SSL *ssl;
	BIO *net;	 /* our end of the encrypted side */
	bool heard;	 /* something has come from the client */
	bool plain_text; /* and it was no TLS */
	bool established;
	bool eof;	  /* the connection has no more to read */
	bool client_done; /* the client said so, and the plain side knows */
	bool server_done; /* nothing more comes from the plain side */
	bool notified;	  /* close_notify is on its way */
	bool lost;	  /* nothing more can be done */
	struct queue up;  /* from the client, decrypted */
	struct queue down;
};

bool
tls_report_send(int fd, const struct tls_report *r)
{
	return send(fd, r, sizeof(*r), MSG_NOSIGNAL) == (ssize_t)sizeof(*r);
}

/* ---- system calls: one each, where poll has said that there is work */

/* A handshake's record begins so; that of SSL 2 with a length. */
static bool
begins_tls(unsigned char octet)
{
	return octet == 0x16 || octet >= 0x80;
}

static void
receive_encrypted(struct relay *r)
{
	char *room;
	int size = openssl.BIO_nwrite0(r->net, &room);

	if (size <= 0)
		return;
	ssize_t n = wire_read_some(r->ends->client.in, room, (size_t)size);
	if (n > 0) {
		r->plain_text |= !r->heard && !begins_tls((unsigned char)*room);
		r->heard = true;
		openssl.BIO_nwrite(r->net, &room, (int)n);
	} else if (n == 0) {
		r->eof = true;
		openssl.BIO_ctrl(r->net, BIO_C_SHUTDOWN_WR, 0, NULL);
	} else if (!would_block()) {
		r->lost = true;
	}
}

static void
send_encrypted(struct relay *r)
{
	char *data;
	int size = openssl.BIO_nread0(r->net, &data);

	if (size <= 0)
		return;
	ssize_t n = wire_write_some(r->ends->client.out, data, (size_t)size);
	if (n > 0)
		openssl.BIO_nread(r->net, &data, (int)n);
	else if (n < 0 && !would_block())
		r->lost = true;
}

static void
receive_plain(struct relay *r)
{
	ssize_t n = wire_read_some(r->ends->plain, r->down.data, PIECE);

	r->down.at = 0;
	r->down.end = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && !would_block()))
		r->server_done = true;
}

static void
send_plain(struct relay *r)
{
	ssize_t n = wire_write_some(r->ends->plain, r->up.data + r->up.at,
				    r->up.end - r->up.at);

	if (n > 0)
		r->up.at += (size_t)n;
	else if (n < 0 && !would_block())
		r->up.at = r->up.end; /* nobody is there to read it */
}

/* ---- TLS: between the queues and the buffers of the encrypted side */

/* RFC 9266 section 4.2: on TLS 1.2 only with the extended master secret. */
static bool
can_bind(SSL *ssl)
{
	return openssl.SSL_version(ssl) >= TLS1_3_VERSION ||
	       openssl.SSL_ctrl(ssl, SSL_CTRL_GET_EXTMS_SUPPORT, 0, NULL) == 1;
}

static void
report_established(struct relay *r)
{
	struct tls_report report = { .stage = TLS_ESTABLISHED };

	report.bound = can_bind(r->ssl) &&
		       openssl.SSL_export_keying_material(
			   r->ssl, report.exporter, sizeof(report.exporter),
			   exporter_label, strlen(exporter_label),
			   (const unsigned char *)"", 0, 1) == 1;
	snprintf(
	    report.text, sizeof(report.text), "%s/%s%s",
	    openssl.SSL_get_version(r->ssl),
	    openssl.SSL_CIPHER_get_name(openssl.SSL_get_current_cipher(r->ssl)),
	    openssl.SSL_session_reused(r->ssl) ? "/resumed" : "");
	r->established = true;
	if (!tls_report_send(r->ends->report, &report))
		r->lost = true;
	explicit_bzero(&report, sizeof(report));
}

static void
report_failure(const struct relay *r, const char *why)
{
	struct tls_report report = { .stage = TLS_FAILED };

	snprintf(report.text, sizeof(report.text), "%s", why);
	tls_report_send(r->ends->report, &report);
}

/* Whether OpenSSL only waits for the other side. */
static bool
wants_more(const struct relay *r, int result)
{
	int e = openssl.SSL_get_error(r->ssl, result);

	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

/* A socket closed with unread input would be reset, the last reply with it. */
static void
linger(const struct connection *c)
{
	long long end = now_ms() + LINGER_MS;
	char dropped[4096];

	if (shutdown(c->out, SHUT_WR) != 0)
		return;
	for (long long left = LINGER_MS; left > 0; left = end - now_ms())
		if (!wire_wait(c->in, POLLIN, (int)left) ||
		    wire_read_some(c->in, dropped, sizeof(dropped)) <= 0)
			return;
}

/* A socket that takes nothing at all at its beginning is not worth a wait. */
static void
answer_plain(struct relay *r, const char *why)
{
	const struct connection *c = &r->ends->client;

	report_failure(r, why);
	if (wire_write_some(c->out, plain_answer, strlen(plain_answer)) > 0)
		linger(c);
	r->lost = true;
}

static void
shake_hands(struct relay *r)
{
	if (r->plain_text) {
		answer_plain(r, "the client sent plain text");
		return;
	}
	openssl.ERR_clear_error();
	int result = openssl.SSL_do_handshake(r->ssl);

	if (result == 1) {
		report_established(r);
		return;
	}
	if (wants_more(r, result) && !r->eof)
		return;
	report_failure(r, r->eof ? "the client left" : openssl_error());
	while (!r->lost && openssl.BIO_ctrl_pending(r->net) > 0 &&
	       wire_wait(r->ends->client.out, POLLOUT, 0))
		send_encrypted(r); /* the alert */
	r->lost = true;
}

/* Returns whether anything was moved. */
static bool
decrypt(struct relay *r)
{
	if (r->up.at < r->up.end || r->client_done)
		return false;
	openssl.ERR_clear_error();
	int n = openssl.SSL_read(r->ssl, r->up.data, PIECE);
	if (n > 0) {
		r->up.at = 0;
		r->up.end = (size_t)n;
		return true;
	}
	if (wants_more(r, n))
		return false;
	/* Its end, or nonsense: OpenSSL has an alert for that. */
	r->client_done = true;
	shutdown(r->ends->plain, SHUT_WR);
	return false;
}

static bool
encrypt(struct relay *r)
{
	if (r->down.at == r->down.end)
		return false;
	openssl.ERR_clear_error();
	int n = openssl.SSL_write(r->ssl, r->down.data + r->down.at,
				  (int)(r->down.end - r->down.at));
	if (n > 0)
		r->down.at += (size_t)n;
	else if (!wants_more(r, n))
		r->lost = true;
	return n > 0;
}

/* As far as it goes without waiting. */
static void
move(struct relay *r)
{
	if (!r->established)
		shake_hands(r);
	while (r->established && decrypt(r))
		send_plain(r);
	while (r->established && encrypt(r))
		;
	if (r->server_done && r->down.at == r->down.end && !r->notified) {
		openssl.SSL_shutdown(r->ssl);
		r->notified = true;
	}
	send_encrypted(r);
}

/* ---- the loop */

enum { IN, OUT, PLAIN, ENDS };

/* Watches what there is work for; what is not watched must not wake us. */
static void
watch(const struct relay *r, struct pollfd fds[ENDS])
{
	bool room = !r->eof && openssl.BIO_ctrl_get_write_guarantee(r->net) > 0;
	bool send =
	    openssl.BIO_ctrl_pending(r->net) > 0 || r->down.at < r->down.end;
	bool hear =
	    r->established && !r->server_done && r->down.at == r->down.end;
	bool tell = r->up.at < r->up.end;

	fds[IN] = (struct pollfd){ room ? r->ends->client.in : -1, POLLIN, 0 };
	fds[OUT] =
	    (struct pollfd){ send ? r->ends->client.out : -1, POLLOUT, 0 };
	fds[PLAIN] = (struct pollfd){
		.fd = hear || tell ? r->ends->plain : -1,
		.events = (short)((hear ? POLLIN : 0) | (tell ? POLLOUT : 0)),
	};
}

/* False when the time is over; limit is in ms, -1 for none. */
static bool
step(struct relay *r, long long limit)
{
	struct pollfd fds[ENDS];

	watch(r, fds);
	int n = poll(fds, ENDS, (int)limit);
	if (n == 0)
		return false;
	if (n < 0)
		return errno == EINTR;
	if (fds[IN].revents != 0)
		receive_encrypted(r);
	if (fds[OUT].revents != 0)
		send_encrypted(r);
	if ((fds[PLAIN].events & POLLIN) != 0 && fds[PLAIN].revents != 0)
		receive_plain(r);
	if ((fds[PLAIN].events & POLLOUT) != 0 && fds[PLAIN].revents != 0)
		send_plain(r);
	move(r);
	return true;
}

/* Who speaks plain POP3 waits for the greeting. */
static bool
handshake(struct relay *r)
{
	static const char silence[] =
	    "it took too long: the client said nothing, as one without TLS";
	long long end = now_ms() + TLS_HANDSHAKE_MS;

	while (!r->established && !r->lost) {
		long long left = end - now_ms();

		if (left > 0 && step(r, left))
			continue;
		if (r->heard)
			report_failure(r, "it took too long");
		else
			answer_plain(r, silence);
		return false;
	}
	return r->established && !r->lost;
}

void
tls_relay(SSL_CTX *ctx, const struct tls_ends *ends)
{
	static struct relay r;
	BIO *inner;

	r.ends = ends;
	r.ssl = openssl.SSL_new(ctx);
	if (r.ssl == NULL ||
	    openssl.BIO_new_bio_pair(&inner, NET_OUT, &r.net, NET_IN) != 1) {
		report_failure(&r, openssl_error());
		return;
	}
	openssl.SSL_set_bio(r.ssl, inner, inner);
	openssl.SSL_set_accept_state(r.ssl);
	if (!handshake(&r))
		return;
	while (!r.lost && !(r.notified && openssl.BIO_ctrl_pending(r.net) == 0))
		if (!step(&r, r.server_done ? STALLED_MS : -1))
			return;
	if (!r.lost)
		linger(&ends->client);
}
