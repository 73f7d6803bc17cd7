/*
 * pop3d --check: what keeps passwords from strangers: the certificate and its
 * key, whether passwords are taken without TLS, and the secrets file.
 */
#include "admin/check_parts.h"

#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "monitor/auth_secret.h"
#include "tls/tls_context.h"

enum { DAYS_TO_RENEW = 14, NAMES_SIZE = 512, OTHERS = 077 };

/* The host names of a certificate, separated by blanks; "" for none. */
static void
list_names(const X509 *cert, char *names, size_t size)
{
	GENERAL_NAMES *all =
	    openssl.X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const OPENSSL_STACK *stack = (const OPENSSL_STACK *)all;
	size_t used = 0;

	names[0] = '\0';
	for (int i = 0; all != NULL && i < openssl.OPENSSL_sk_num(stack); i++) {
		const GENERAL_NAME *name = openssl.OPENSSL_sk_value(stack, i);

		if (name->type != GEN_DNS || used >= size)
			continue;
		used += (size_t)snprintf(
		    names + used, size - used, " %.*s",
		    openssl.ASN1_STRING_length(name->d.dNSName),
		    (const char *)openssl.ASN1_STRING_get0_data(
			name->d.dNSName));
	}
	if (all != NULL)
		openssl.GENERAL_NAMES_free(all);
}

static void
check_dates_and_names(struct check *c, const char *path, const X509 *cert)
{
	char names[NAMES_SIZE];
	int days = 0, seconds = 0;

	openssl.ASN1_TIME_diff(&days, &seconds, NULL,
			       openssl.X509_get0_notAfter(cert));
	list_names(cert, names, sizeof(names));
	if (days < 0 || seconds < 0)
		check_say(c, CHECK_ERROR,
			  "certificate %s: expired; get a new one", path);
	else if (days < DAYS_TO_RENEW)
		check_say(c, CHECK_WARNING,
			  "certificate %s: expires in %d days; is its renewal "
			  "at work?",
			  path, days);
	else if (names[0] == '\0')
		check_say(c, CHECK_WARNING,
			  "certificate %s: names no host; clients will not "
			  "trust it",
			  path);
	else
		check_say(c, CHECK_OK,
			  "certificate %s: fits its key, %d days left, for%s",
			  path, days, names);
}

static void
check_key_mode(struct check *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & OTHERS) != 0)
		check_say(c, CHECK_WARNING,
			  "key %s: others than its owner may read or write it; "
			  "chmod 600",
			  path);
}

static void
check_pair(struct check *c, const struct tls_files *files, unsigned i)
{
	static struct tls_files one;
	const char *wrong;

	one.count = 1;
	one.pairs[0] = files->pairs[i];
	SSL_CTX *ctx = tls_context_new(&one, &wrong);
	if (ctx == NULL) {
		check_say(c, CHECK_ERROR, "certificate: %s", wrong);
		return;
	}
	check_dates_and_names(c, one.pairs[0].cert,
			      openssl.SSL_CTX_get0_certificate(ctx));
	check_key_mode(c, one.pairs[0].key);
	openssl.SSL_CTX_free(ctx);
}

void
check_tls(struct check *c)
{
	static struct tls_files files;
	const struct options *o = c->options;

	if (o->plaintext == PLAINTEXT_ALWAYS)
		check_say(c, CHECK_WARNING,
			  "--plaintext=always: whoever sees the packets of "
			  "other hosts reads their passwords");
	if (o->tls == TLS_OFF || !tls_files_find(&files, o)) {
		bool asked_for =
		    o->tls == TLS_STARTTLS || o->tls == TLS_IMPLICIT;

		check_say(c, asked_for ? CHECK_ERROR : CHECK_WARNING,
			  "no TLS: put a certificate into /etc/pop3d/tls.crt "
			  "and its key into tls.key%s",
			  o->plaintext == PLAINTEXT_ALWAYS
			      ? ""
			      : "; until then no other host can send a "
				"password");
		return;
	}
	if (!openssl_load()) {
		check_say(c, CHECK_ERROR,
			  "no TLS: libssl.so.3 is missing; install OpenSSL");
		return;
	}
	for (unsigned i = 0; i < files.count; i++)
		check_pair(c, &files, i);
}

void
check_secrets(struct check *c)
{
	const char *path = c->options->secrets;
	struct secrets s;

	if (path == NULL)
		return;
	switch (auth_secret_read(&s, AT_FDCWD, path)) {
	case SECRETS_OK:
		check_say(c, CHECK_OK, "secrets %s: for SCRAM and APOP", path);
		break;
	case SECRETS_NONE:
		check_say(c, CHECK_OK,
			  "secrets %s: not there, so neither SCRAM nor APOP",
			  path);
		break;
	case SECRETS_BAD:
		check_say(c, CHECK_ERROR,
			  "secrets %s: of no use; the line above says why",
			  path);
	}
	auth_secret_wipe(&s);
}
