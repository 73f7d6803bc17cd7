/*
 * The key of tickets: in memory (/run) only, root's only, and replaced after
 * some hours, with which older sessions can no longer be resumed or, by who
 * steals it, be read. In the TLS relay before it gives up its privileges.
 */
#include "tls/tls_tickets.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/compat.h"
#include "tls/tls_runtime.h"

enum { KEY_SECONDS = 12 * 3600, KEY_SIZE = 80 };

static const char name[] = "ticket-key";

struct ticket_key {
	int64_t made; /* seconds of CLOCK_BOOTTIME */
	uint8_t key[KEY_SIZE];
};

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

static bool
read_key(struct ticket_key *k)
{
	return tls_runtime_load(name, k, sizeof(*k)) && k->made <= now() &&
	       now() - k->made < KEY_SECONDS;
}

static bool
make_key(struct ticket_key *k)
{
	if (!compat_random(k->key, sizeof(k->key)))
		return false;
	k->made = now();
	return tls_runtime_save(name, k, sizeof(*k));
}

void
tls_tickets_share(SSL_CTX *ctx)
{
	struct ticket_key k;

	/* The cache of a process that serves one connection is of no use. */
	openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SESS_CACHE_MODE,
			     SSL_SESS_CACHE_OFF, NULL);
	if ((!read_key(&k) && !make_key(&k)) ||
	    openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
				 sizeof(k.key), k.key) != 1) {
		openssl.SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		/* TLS 1.3 would send some all the same, of no use to anyone. */
		openssl.SSL_CTX_set_num_tickets(ctx, 0);
	}
	explicit_bzero(&k, sizeof(k));
}
