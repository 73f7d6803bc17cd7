/*
 * At the start, when PAM's process is there, and in each process that others
 * talk to.
 */
#include "sandbox/environment.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum whose { PAMS, MONITORS, EVERYBODYS };

/*
 * What is kept, and by whom, of the environment we were started with: the
 * beginning of "NAME=value". pop3d(8) has the same list.
 */
static const struct {
	const char *name;
	enum whose whose; /* and of those named before it */
} kept[] = {
	{ "TZ=", EVERYBODYS },	      /* by which syslog(3) tells the time */
	{ "SYSTEMD_NSS_", MONITORS }, /* nss-systemd: whether to ask PID 1 */
	{ "HOME=", MONITORS },	      /* an ordinary user's, for %h */
	{ "OPENSSL_", MONITORS },     /* OpenSSL, in the relay */
	{ "CREDENTIALS_DIRECTORY=", MONITORS }, /* its certificate */
	{ "RUNTIME_DIRECTORY=", MONITORS },	/* its ticket key */
	{ "LISTEN_", PAMS },			/* systemd's sockets, and */
	{ "REMOTE_ADDR=", PAMS }, /* who is at a pipe's other end: */
	{ "TCPREMOTEIP=", PAMS }, /* asked for once, by systemd.c and */
	{ "REMOTE_HOST=", PAMS }, /* connection.c */
	{ "PATH=", PAMS },	  /* programs that modules run */
	{ "LANG=", PAMS },	  /* and their language */
	{ "LC_", PAMS },
	{ "KRB5", PAMS },	  /* pam_krb5: configuration, keys, tickets */
	{ "LDAP", PAMS },	  /* pam_ldap: configuration, certificates */
	{ "SSL_CERT_", PAMS },	  /* modules that speak TLS */
	{ "http_proxy=", PAMS },  /* modules that ask a web server about a */
	{ "https_proxy=", PAMS }, /* token */
	{ "no_proxy=", PAMS },
};

/* Where the kernel has put the strings: one behind the other. */
static char *strings, *strings_end;

static void
find_strings(void)
{
	strings = strings_end = environ[0];
	for (char **e = environ; *e != NULL && *e == strings_end; e++)
		strings_end += strlen(*e) + 1;
}

static bool
may_keep(const char *variable, enum whose whose)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(variable, kept[i].name, strlen(kept[i].name)) == 0)
			return kept[i].whose >= whose;
	return false;
}

/* Also what unsetenv(3) has left. They still lie in the order of environ. */
static void
wipe_others(void)
{
	char *from = strings;

	for (char **e = environ; *e != NULL; e++) {
		if (*e < from || *e >= strings_end)
			continue;
		explicit_bzero(from, (size_t)(*e - from));
		from = *e + strlen(*e) + 1;
	}
	explicit_bzero(from, (size_t)(strings_end - from));
}

static void
keep(enum whose whose)
{
	size_t n = 0;

	if (environ == NULL)
		return;
	for (char **e = environ; *e != NULL; e++)
		if (may_keep(*e, whose))
			environ[n++] = *e;
	environ[n] = NULL;
	if (strings != NULL)
		wipe_others();
}

void
environment_bound(void)
{
	if (environ != NULL)
		find_strings();
	keep(PAMS);
}

void
environment_bound_monitor(void)
{
	keep(MONITORS);
}

void
environment_empty(void)
{
	keep(EVERYBODYS);
}
