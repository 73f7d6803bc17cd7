/* Session tickets that any relay of this host can open (RFC 5077, RFC 8446). */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "tls/openssl.h"

/*
 * Lets clients resume sessions: with the key that the relays of this host
 * share in $RUNTIME_DIRECTORY or, as root, in /run/pop3d; made here where there
 * is none or an old one. Where nothing can be shared there are no tickets.
 * Must run with the privileges.
 */
void tls_tickets_share(SSL_CTX *ctx);

#endif
