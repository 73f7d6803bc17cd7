/*
 * tls/: the TLS relay, a process that holds the key and the encrypted
 * connection for the whole session; all others read and write a plain socket.
 * Else only --check and what finds out whether certificate and key fit, before
 * STLS is offered, load OpenSSL. Must not know POP3. RFC 8446,
 * 5246.
 */
#ifndef TLS_H
#define TLS_H

#include <stdint.h>

#include "base/connection.h"
#include "tls/tls_context.h"

enum {
	TLS_EXPORTER_SIZE = 32,
	TLS_TEXT_SIZE = 96,
	TLS_HANDSHAKE_MS = 30000 /* in all */
};

/* How far the relay has come; what it tells the monitor. */
enum tls_stage {
	TLS_READY = 1,	 /* keys are loaded, privileges are gone */
	TLS_ESTABLISHED, /* the handshake is done */
	TLS_FAILED	 /* it failed, and text says why */
};

struct tls_report {
	uint32_t stage; /* enum tls_stage */
	uint32_t bound; /* there is an exporter's value (RFC 9266) */
	uint8_t exporter[TLS_EXPORTER_SIZE];
	char text[TLS_TEXT_SIZE]; /* version and cipher, or what is wrong */
};

/* What the relay holds; it owns none of the descriptors. */
struct tls_ends {
	struct connection client; /* encrypted */
	int plain;		  /* a stream socket */
	int report;		  /* a SOCK_SEQPACKET socket to the monitor */
};

/*
 * Relays between the client and the plain socket until both have ended, from
 * the handshake to close_notify. Runs without privileges, after TLS_READY was
 * reported.
 */
void tls_relay(SSL_CTX *ctx, const struct tls_ends *ends);

/* Tells the monitor; false when it is gone. */
bool tls_report_send(int fd, const struct tls_report *r);

#endif
