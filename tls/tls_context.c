/*
 * From files to an SSL_CTX. In the TLS relay, before the first byte from the
 * network is read, and in --check. Ciphers are what OpenSSL and the host's
 * policy (openssl.cnf) think best.
 */
#include "tls/tls_context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/tls_complaint.h"

static const char etc[] = "/etc/pop3d";

/* ---- where they are */

static bool
add_pair(struct tls_files *f, const char *cert, const char *key)
{
	unsigned n = f->count;

	if ((size_t)snprintf(f->pairs[n].cert, PATH_MAX, "%s", cert) >=
		PATH_MAX ||
	    (size_t)snprintf(f->pairs[n].key, PATH_MAX, "%s", key) >=
		PATH_MAX ||
	    access(cert, R_OK) != 0)
		return false;
	f->count++;
	return true;
}

/* NAME.crt and NAME.key of a directory; an option for either goes first. */
static bool
add_from(struct tls_files *f, const char *dir, const char *name,
	 const char *cert, const char *key)
{
	char default_cert[PATH_MAX], default_key[PATH_MAX];

	if ((size_t)snprintf(default_cert, PATH_MAX, "%s/%s.crt", dir, name) >=
		PATH_MAX ||
	    (size_t)snprintf(default_key, PATH_MAX, "%s/%s.key", dir, name) >=
		PATH_MAX)
		return false;
	return add_pair(f, cert != NULL ? cert : default_cert,
			key != NULL ? key : default_key);
}

bool
tls_files_find(struct tls_files *f, const struct options *o)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *dir = credentials;

	f->count = 0;
	if (credentials == NULL ||
	    !add_from(f, dir, "tls", o->tls_cert[0], o->tls_key[0])) {
		dir = etc;
		if (!add_from(f, dir, "tls", o->tls_cert[0], o->tls_key[0]))
			return false;
	}
	if (o->tls_cert[1] != NULL)
		return add_pair(f, o->tls_cert[1], o->tls_key[1]);
	if (o->tls_cert[0] == NULL)
		add_from(f, dir, "tls2", NULL, NULL);
	return true;
}

/* ---- what is in them */

/* Nobody is there to be asked for the passphrase of a key. */
static int
/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

/* Of a key that can be read, but is no partner of the certificate. */
static const char *
unfit(const char *cert, const char *key)
{
	static char words[PATH_MAX + 64];

	openssl.ERR_clear_error();
	snprintf(words, sizeof(words),
		 "it is not the key of the certificate "
		 "%s",
		 cert);
	return tls_complaint(cert, key, TLS_KEY, words);
}

static const char *
use_pair(SSL_CTX *ctx, const char *cert, const char *key)
{
	openssl.ERR_clear_error();
	if (openssl.SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return tls_complaint(cert, key, TLS_CERTIFICATE,
				     openssl_error());
	if (openssl.SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) ==
	    1)
		return openssl.SSL_CTX_check_private_key(ctx) == 1
			   ? NULL
			   : unfit(cert, key);
	unsigned long code = openssl.ERR_peek_error();
	if (ERR_GET_LIB(code) == ERR_LIB_X509 &&
	    (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
	     ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH))
		return unfit(cert, key);
	return tls_complaint(cert, key, TLS_KEY, openssl_error());
}

SSL_CTX *
tls_context_new(const struct tls_files *f, const char **wrong)
{
	SSL_CTX *ctx = openssl.SSL_CTX_new(openssl.TLS_server_method());

	if (ctx == NULL ||
	    openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION,
				 TLS1_2_VERSION, NULL) != 1) {
		*wrong = openssl_error();
		openssl.SSL_CTX_free(ctx);
		return NULL;
	}
	/* A client that just hangs up loses nothing: only QUIT deletes. */
	openssl.SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA);
	openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_MODE,
			     SSL_MODE_ENABLE_PARTIAL_WRITE |
				 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				 SSL_MODE_RELEASE_BUFFERS,
			     NULL);
	openssl.SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	for (unsigned i = 0; i < f->count; i++) {
		*wrong = use_pair(ctx, f->pairs[i].cert, f->pairs[i].key);
		if (*wrong != NULL) {
			openssl.SSL_CTX_free(ctx);
			return NULL;
		}
	}
	return ctx;
}
