/*
 * pop3d --check: whether clients can be safe from listeners: the certificate,
 * its key and its chain, and whether passwords are taken without TLS.
 */
#include "admin/check_parts.h"

#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/units.h"
#include "base/workable.h"
#include "tls/tls_context.h"

enum { DAYS_TO_RENEW = 14, NAMES_SIZE = 512, OTHERS = 077, PORT_OF_TLS = 995 };

/* ---- what the certificate says */

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
check_dates(struct check *c, const char *path, const X509 *cert)
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
	else
		check_say(c, CHECK_OK,
			  "certificate %s: fits its key, %d days left, for%s",
			  path, days, names[0] != '\0' ? names : " no host");
}

/* ---- whether clients that ask for this host will believe it */

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a == NULL || b == NULL || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)a)
				   ->sin_addr,
			      &((const struct sockaddr_in *)(const void *)b)
				   ->sin_addr,
			      sizeof(struct in_addr)) == 0;
	return a->sa_family == AF_INET6 &&
	       memcmp(
		   &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		   &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
		   sizeof(struct in6_addr)) == 0;
}

/* Whether the name leads to an address of this host. */
static bool
leads_here(const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct ifaddrs *own = NULL;
	bool here = false;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	if (getifaddrs(&own) != 0)
		own = NULL;
	for (const struct addrinfo *f = found; f != NULL; f = f->ai_next)
		for (const struct ifaddrs *i = own; i != NULL; i = i->ifa_next)
			here = here || same_address(f->ai_addr, i->ifa_addr);
	if (own != NULL)
		freeifaddrs(own);
	freeaddrinfo(found);
	return here;
}

/* The name with its domain, where the host knows it. */
static void
own_name(char *name, size_t size)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME };
	struct addrinfo *found = NULL;

	if (gethostname(name, size) != 0)
		name[0] = '\0';
	name[size - 1] = '\0';
	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return;
	if (found->ai_canonname != NULL &&
	    strchr(found->ai_canonname, '.') != NULL)
		snprintf(name, size, "%s", found->ai_canonname);
	freeaddrinfo(found);
}

static void
check_names(struct check *c, const char *path, X509 *cert)
{
	char names[NAMES_SIZE], rest[NAMES_SIZE], own[HOST_NAME_MAX + 1];
	char *at = rest;
	const char *name;

	list_names(cert, names, sizeof(names));
	if (names[0] == '\0') {
		check_say(c, CHECK_WARNING,
			  "certificate %s: names no host; clients will not "
			  "trust it",
			  path);
		return;
	}
	own_name(own, sizeof(own));
	if (openssl.X509_check_host(cert, own, 0, 0, NULL) == 1)
		return;
	memcpy(rest, names, sizeof(rest));
	while ((name = strsep(&at, " ")) != NULL)
		if (*name != '\0' && leads_here(name))
			return;
	check_say(c, CHECK_WARNING,
		  "certificate %s: it is for%s; this host is %s, and none of "
		  "the certificate's names leads to it from here: clients have "
		  "to use one of them as their server's name, or they will not "
		  "trust it; or get a certificate for the name that they use",
		  path, names, own);
}

/* The certificate whose issuer is neither in the file nor a known root. */
static void
say_no_issuer(struct check *c, const char *path, const X509 *cert)
{
	char issuer[NAMES_SIZE];

	openssl.X509_NAME_oneline(openssl.X509_get_issuer_name(cert), issuer,
				  sizeof(issuer));
	check_say(c, CHECK_WARNING,
		  "certificate %s: its chain ends too early: it lacks the one "
		  "of %s, which is no root that this host knows: append it "
		  "(certbot's fullchain.pem has it, cert.pem has not), unless "
		  "it is a root that you have given to your clients",
		  path, issuer);
}

static void
check_chain(struct check *c, const char *path, SSL_CTX *ctx, X509 *cert)
{
	STACK_OF(X509) *chain = NULL;
	X509_STORE *roots = openssl.X509_STORE_new();
	X509_STORE_CTX *v = openssl.X509_STORE_CTX_new();

	openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_GET_CHAIN_CERTS, 0, &chain);
	if (roots != NULL && v != NULL &&
	    openssl.X509_STORE_set_default_paths(roots) == 1 &&
	    openssl.X509_STORE_CTX_init(v, roots, cert, chain) == 1 &&
	    openssl.X509_verify_cert(v) != 1)
		switch (openssl.X509_STORE_CTX_get_error(v)) {
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
			say_no_issuer(
			    c, path,
			    openssl.X509_STORE_CTX_get_current_cert(v));
			break;
		default:
			break;
		}
	openssl.X509_STORE_CTX_free(v);
	openssl.X509_STORE_free(roots);
	openssl.ERR_clear_error();
}

/* ---- its key */

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
	X509 *cert = openssl.SSL_CTX_get0_certificate(ctx);
	check_dates(c, one.pairs[0].cert, cert);
	check_names(c, one.pairs[0].cert, cert);
	check_chain(c, one.pairs[0].cert, ctx, cert);
	check_key_mode(c, one.pairs[0].key);
	openssl.SSL_CTX_free(ctx);
}

/* Port 995 without a certificate: clients get no answer at all. */
static bool
serves_implicit(const struct check *c)
{
	bool implicit = c->options->tls == TLS_IMPLICIT;

	for (size_t i = 0; i < UNIT_SOCKETS; i++)
		implicit |= unit_sockets[i].port == PORT_OF_TLS &&
			    unit_serves(&unit_sockets[i]);
	return implicit;
}

static void
say_no_tls(struct check *c)
{
	static const char mend[] =
	    "put a certificate into /etc/pop3d/tls.crt and its key into "
	    "tls.key";
	const struct options *o = c->options;

	if (serves_implicit(c))
		check_say(c, CHECK_ERROR,
			  "no TLS: %s; until then port 995 (pop3ds.socket) "
			  "answers nobody",
			  mend);
	else
		check_say(
		    c, o->tls == TLS_STARTTLS ? CHECK_ERROR : CHECK_WARNING,
		    "no TLS: %s%s", mend,
		    o->plaintext == PLAINTEXT_ALWAYS
			? ""
			: "; until then no other host can send a password");
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
	if (o->tls != TLS_OFF && options_lack_tls_file(o))
		return; /* that has been said */
	if (o->tls == TLS_OFF || !tls_files_find(&files, o)) {
		say_no_tls(c);
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
