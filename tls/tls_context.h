/*
 * Certificates and keys: where they lie, and what OpenSSL makes of them. Read
 * with the privileges of whoever calls, which only the TLS relay and --check
 * do.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <limits.h>
#include <stdbool.h>

#include "base/options.h"
#include "tls/openssl.h"

struct tls_files {
	unsigned count;
	struct {
		char cert[PATH_MAX]; /* a chain, PEM */
		char key[PATH_MAX];  /* PEM */
	} pairs[TLS_PAIRS_MAX];
};

/*
 * Where the certificates lie: as the options say, else tls.crt and tls.key
 * in $CREDENTIALS_DIRECTORY, else in /etc/pop3d; and beside them, where there
 * is one, a second pair, tls2.crt and tls2.key, for another kind of key. False
 * where there is no certificate, or none that can be read.
 */
bool tls_files_find(struct tls_files *f, const struct options *o);

/*
 * A context with those certificates and their keys. NULL, and *wrong says
 * what is wrong with which file, where it cannot be used.
 */
SSL_CTX *tls_context_new(const struct tls_files *f, const char **wrong);

#endif
