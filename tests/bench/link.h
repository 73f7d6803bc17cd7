/* One connection of a client, with TLS or without. */
#ifndef LINK_H
#define LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PIECE = 1 << 20 };

struct link {
	int fd;
	SSL *ssl; /* NULL: without */
};

extern char link_buffer[PIECE]; /* what link_hear heard last */

double now(void);

/* Begins TLS, resuming a session unless it is NULL. Certificates are not
   looked at: nothing but the server is to be measured. */
void link_secure(struct link *l, SSL_SESSION *session);

/* The last session that could be resumed; the caller's. */
SSL_SESSION *link_session(void);

/* As recv(2); with TLS -1 and EAGAIN may also mean that more must come. */
ssize_t link_recv(struct link *l, void *room, size_t size);
void link_say(struct link *l, const char *text, size_t len);
void link_close(struct link *l);

/* Reads until what was read ends in `end`; returns how much it was. */
size_t link_hear(struct link *l, const char *end);

/* A command and its reply of one line, which must be +OK. */
void link_ask(struct link *l, const char *format, const char *argument);

/* Of all that link_hear heard, if it is to be made: it takes its time. */
extern bool link_sums;
unsigned long long link_checksum(void);

#endif
