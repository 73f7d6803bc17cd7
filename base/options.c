/*
 * The command line and its defaults. Runs once, before anything is forked;
 * what it fills in is constant from then on.
 */
#include "base/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fold.h"
#include "base/number.h"
#include "base/template.h"
#include "base/version.h"

enum { LONGEST_TIME = 86400, MOST_SESSIONS = 100000 };

/*
 * An option: how it is written and explained, and where its value goes. To add
 * one is to add a row to the table below.
 */
struct row {
	const char *name;
	int letter;	      /* its short form, or 0 */
	const char *argument; /* what --help calls it; NULL: it has none */
	const char *help;     /* a line, or several */
	void (*set)(struct options *o, const struct row *r, const char *arg);
	size_t at;		    /* in struct options */
	unsigned min, max;	    /* numbers; or what is set */
	const char *const *choices; /* counted from min; NULL ends */
};

static _Noreturn void
bad_usage(const struct row *r, const char *value)
{
	fprintf(stderr, "pop3d: bad value for --%s: %s\n", r->name, value);
	exit(EX_USAGE);
}

static char *
join(const char *dir, const char *rest)
{
	char *path;

	if (asprintf(&path, "%s%s", dir, rest) < 0) {
		fputs("pop3d: out of memory\n", stderr);
		exit(EX_OSERR);
	}
	return path;
}

/* A relative path, made absolute: roles change their directory. */
static char *
below_cwd(const char *path)
{
	char cwd[PATH_MAX];

	if (getcwd(cwd, sizeof(cwd)) == NULL) {
		fprintf(stderr, "pop3d: getcwd: %s\n", strerror(errno));
		exit(EX_OSERR);
	}
	char *dir = join(cwd, "/");
	char *whole = join(dir, path);
	free(dir);
	return whole;
}

static const char *
absolute(const char *path)
{
	return *path == '/' ? path : below_cwd(path);
}

/* ---- values of each kind */

static void
set_number(struct options *o, const struct row *r, const char *arg)
{
	unsigned long long n;

	if (!parse_number(arg, r->max, &n) || n < r->min)
		bad_usage(r, arg);
	*(unsigned *)((char *)o + r->at) = (unsigned)n;
}

static void
set_choice(struct options *o, const struct row *r, const char *arg)
{
	unsigned i = 0;

	while (r->choices[i] != NULL && strcmp(arg, r->choices[i]) != 0)
		i++;
	if (r->choices[i] == NULL)
		bad_usage(r, arg);
	*(unsigned *)((char *)o + r->at) = r->min + i;
}

static void
set_text(struct options *o, const struct row *r, const char *arg)
{
	if (*arg == '\0')
		bad_usage(r, arg);
	*(const char **)((char *)o + r->at) = arg;
}

static void
set_path(struct options *o, const struct row *r, const char *arg)
{
	if (*arg == '\0')
		bad_usage(r, arg);
	*(const char **)((char *)o + r->at) = absolute(arg);
}

static void
set_file_name(struct options *o, const struct row *r, const char *arg)
{
	if (strchr(arg, '/') != NULL)
		bad_usage(r, arg);
	set_text(o, r, arg);
}

/* The next of a list of TLS_PAIRS_MAX files. */
static void
add_path(struct options *o, const struct row *r, const char *arg)
{
	const char **files = (const char **)((char *)o + r->at);
	unsigned n = 0;

	while (n < TLS_PAIRS_MAX && files[n] != NULL)
		n++;
	if (n == TLS_PAIRS_MAX || *arg == '\0')
		bad_usage(r, arg);
	files[n] = absolute(arg);
}

/* What is to be done instead of serving, and for whom. */
static void
set_task(struct options *o, const struct row *r, const char *arg)
{
	if (o->task != TASK_SERVE) {
		fprintf(stderr,
			"pop3d: --%s is not possible beside another "
			"task\n",
			r->name);
		exit(EX_USAGE);
	}
	if (arg != NULL && *arg == '\0')
		bad_usage(r, arg);
	o->task = (enum task)r->min;
	o->user = arg;
}

static void
set_flag(struct options *o, const struct row *r, const char *arg)
{
	(void)arg;
	*(bool *)((char *)o + r->at) = true;
}

/* ---- values of one option */

/*
 * It is no dotlock, and absolute or %h/...: where a unit, an inetd and a shell
 * start from differs, and sessions would serve another mailbox than was tried.
 */
static void
set_mailbox(struct options *o, const struct row *r, const char *arg)
{
	if (*arg == '\0' || !template_is_valid(arg) || dotlock_has_name(arg))
		bad_usage(r, arg);
	if (*arg != '/' && strncmp(arg, "%h", 2) != 0) {
		fprintf(stderr,
			"pop3d: bad value for --%s: %s: it has to begin with / "
			"or %%h\n",
			r->name, arg);
		exit(EX_USAGE);
	}
	o->mailbox = arg;
}

static void
set_locks(struct options *o, const struct row *r, const char *arg)
{
	static const struct {
		const char *name;
		enum lock_kind kind;
	} kinds[] = { { "flock", LOCK_FLOCK },
		      { "fcntl", LOCK_FCNTL },
		      { "dotlock", LOCK_DOTLOCK } };
	enum lock_kind *locks = o->locks;
	const char *s = arg;
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(s, ",");
		enum lock_kind kind = LOCK_NONE;

		for (size_t i = 0; i < LOCK_KINDS; i++)
			if (strlen(kinds[i].name) == len &&
			    strncmp(s, kinds[i].name, len) == 0)
				kind = kinds[i].kind;
		for (size_t i = 0; i < n; i++)
			if (locks[i] == kind)
				kind = LOCK_NONE;
		if (kind == LOCK_NONE)
			bad_usage(r, arg);
		locks[n++] = kind;
		if (s[len] == '\0')
			break;
		s += len + 1;
	}
	locks[n] = LOCK_NONE;
}

/* Of Dovecot's: %u, %v, %f, %g, with digits, X or M in them; no colon. */
static void
check_uidl_format(const struct row *r, const char *format)
{
	const char *s = format;

	for (; *s > ' ' && *s < 0x7f && *s != ':'; s++) {
		if (*s != '%')
			continue;
		s += 1 + strspn(s + 1, "0123456789");
		if (*s == 'X' || *s == 'M')
			s++;
		if (*s == '\0' || strchr("uvfg", *s) == NULL)
			bad_usage(r, format);
	}
	if (*s != '\0' || s == format)
		bad_usage(r, format);
}

static void
set_uidl(struct options *o, const struct row *r, const char *arg)
{
	static const char with_format[] = "dovecot:";
	size_t n = strlen(with_format);

	if (strncmp(arg, with_format, n) != 0) {
		set_choice(o, r, arg);
		return;
	}
	check_uidl_format(r, arg + n);
	o->uidl = UIDL_DOVECOT;
	o->uidl_format = arg + n;
}

static void
set_proxies(struct options *o, const struct row *r, const char *arg)
{
	if (!networks_parse(&o->proxies, arg))
		bad_usage(r, arg);
}

static void say_usage(struct options *, const struct row *, const char *);

static void
say_version(struct options *o, const struct row *r, const char *arg)
{
	(void)o;
	(void)r;
	(void)arg;
	puts("pop3d " POP3D_VERSION);
	exit(EX_OK);
}

/* ---- the table */

static const char *const uidls[UIDL_KINDS + 1] = {
	"auto", "hash",	 "qpopper",   "qpopper-hex", "popa3d", "dovecot",
	"uw",	"solid", "mailutils", "courier",     "qmail",  NULL
};
static const char *const logs[] = { "auto", "journal", "syslog", "stderr",
				    NULL };
static const char *const modes[] = { "off", "starttls", "implicit", NULL };
static const char *const whens[] = { "never", "local", "always", NULL };

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
	{ "mailbox", 'm', "TEMPLATE",
	  "mbox, or Maildir/, to serve; %u login name, %n\n"
	  "before its @, %d behind it, %h home, %%, and\n"
	  "%1u, %1.1u, %2Mu for pieces (/var/mail/%u)",
	  .set = set_mailbox },
	{ "virtual-user", 0, "NAME",
	  "all mail belongs to this user of the host", .set = set_text,
	  .at = AT(virtual_user) },
	{ "state-dir", 's', "DIR", "indexes, journals, session locks",
	  .set = set_path, .at = AT(state_dir) },
	{ "locks", 0, "LIST",
	  "of flock, fcntl, dotlock, in this order\n"
	  "(dotlock,fcntl,flock)",
	  .set = set_locks },
	{ "lock-timeout", 0, "SEC", "how long to wait for them (30)",
	  .set = set_number, .at = AT(lock_timeout), .max = LONGEST_TIME },
	{ "proxy-protocol", 0, "LIST",
	  "addresses or networks of proxies that say\n"
	  "where a client is",
	  .set = set_proxies },
	{ "pam-service", 0, "NAME", "(pop3d)", .set = set_file_name,
	  .at = AT(pam_service) },
	{ "pam-confdir", 0, "DIR", "read PAM's configuration from DIR",
	  .set = set_path, .at = AT(pam_confdir) },
	{ "secrets", 0, "FILE", "for SCRAM and APOP (/etc/pop3d/secrets)",
	  .set = set_path, .at = AT(secrets) },
	{ "tls", 0, "MODE",
	  "off, starttls or implicit (starttls where there is\n"
	  "a certificate)",
	  .set = set_choice, .at = AT(tls), .min = TLS_OFF, .choices = modes },
	{ "tls-cert", 0, "FILE", "certificate and chain (/etc/pop3d/tls.crt)",
	  .set = add_path, .at = AT(tls_cert) },
	{ "tls-key", 0, "FILE", "(/etc/pop3d/tls.key)", .set = add_path,
	  .at = AT(tls_key) },
	{ "plaintext", 0, "WHEN",
	  "passwords without TLS: never, local, always (local)",
	  .set = set_choice, .at = AT(plaintext), .min = PLAINTEXT_NEVER,
	  .choices = whens },
	{ "uidl", 0, "KIND",
	  "auto, hash, or as another server: courier,\n"
	  "dovecot, dovecot:FORMAT, mailutils, popa3d,\n"
	  "qmail, qpopper, qpopper-hex, solid, uw (auto)",
	  .set = set_uidl, .at = AT(uidl), .min = UIDL_AUTO, .choices = uidls },
	{ "idle-timeout", 0, "SEC", "autologout (600)", .set = set_number,
	  .at = AT(idle_timeout), .min = 1, .max = LONGEST_TIME },
	{ "min-uid", 0, "N", "refuse users below N (1000)", .set = set_number,
	  .at = AT(min_uid), .max = UINT_MAX - 1 },
	{ "fold-names", 0, NULL,
	  "take login names in lower case: Thomas is thomas", .set = set_flag,
	  .at = AT(fold_names) },
	{ "log", 0, "WHERE", "auto, journal, syslog or stderr (auto)",
	  .set = set_choice, .at = AT(log), .min = LOG_TO_AUTO,
	  .choices = logs },
	{ "log-deletions", 0, NULL, "log each message that is removed",
	  .set = set_flag, .at = AT(log_deletions) },
	{ "max-sessions", 0, "N", "at once, given a listening socket (500)",
	  .set = set_number, .at = AT(max_sessions), .min = 1,
	  .max = MOST_SESSIONS },
	{ "max-per-source", 0, "N", "from one address or IPv6 /64 (20)",
	  .set = set_number, .at = AT(max_per_source), .min = 1,
	  .max = MOST_SESSIONS },
	{ "idle-exit", 0, "SEC",
	  "exit after so long without a session; 0: never (60)",
	  .set = set_number, .at = AT(idle_exit), .max = LONGEST_TIME },
	{ "recover", 0, NULL, "finish interrupted commits, then exit",
	  .set = set_task, .min = TASK_RECOVER },
	{ "check", 0, NULL,
	  "[USER]: say what is wrong in this host's setup, or\n"
	  "with this user's login, then exit",
	  .set = set_task, .min = TASK_CHECK },
	{ "list", 0, "USER",
	  "list a user's messages: number, octets, UIDL, From,\n"
	  "Date, Subject; change nothing, then exit",
	  .set = set_task, .min = TASK_LIST },
	{ "who", 0, NULL, "list the sessions of this host, then exit",
	  .set = set_task, .min = TASK_WHO },
	{ "json", 0, NULL, "with it: for programs", .set = set_flag,
	  .at = AT(json) },
	{ "set-secret", 0, "USER", "store a password in the secrets file, exit",
	  .set = set_task, .min = TASK_SET_SECRET },
	{ "apop", 0, NULL, "with it: for APOP too, as it is", .set = set_flag,
	  .at = AT(secret_apop) },
	{ "remove-secret", 0, "USER", "remove it, exit", .set = set_task,
	  .min = TASK_REMOVE_SECRET },
	{ "list-secrets", 0, NULL, "whose there are, and what for, exit",
	  .set = set_task, .min = TASK_LIST_SECRETS },
	{ "help", 'h', NULL, "", .set = say_usage },
	{ "version", 'V', NULL, "", .set = say_version },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), HELP_COLUMN = 27 };

static void
say_row(const struct row *r)
{
	const char *help = r->help;
	int n =
	    r->letter != 0 ? printf("  -%c, ", r->letter) : printf("      ");

	n += printf("--%s", r->name);
	if (r->argument != NULL)
		n += printf("=%s", r->argument);
	if (*help != '\0')
		n += printf("  ");
	for (;; n = 0) {
		size_t len = strcspn(help, "\n");

		if (len > 0)
			printf("%*s%.*s", n < HELP_COLUMN ? HELP_COLUMN - n : 0,
			       "", (int)len, help);
		putchar('\n');
		if (help[len] == '\0')
			return;
		help += len + 1;
	}
}

static void
say_usage(struct options *o, const struct row *r, const char *arg)
{
	(void)o;
	(void)r;
	(void)arg;
	puts("usage: pop3d [OPTION]...\n"
	     "Serves one POP3 session on stdin/stdout or on the socket passed "
	     "by systemd.\n");
	for (size_t i = 0; i < ROWS; i++)
		say_row(&rows[i]);
	exit(EX_OK);
}

/* ---- what does not go together */

/* Two virtual users must never share a mailbox: their locks would differ. */
static void
check_virtual(const struct options *o)
{
	if (o->virtual_user == NULL || template_keeps_apart(o->mailbox))
		return;
	fputs("pop3d: --virtual-user needs %u, %n@%d, or %n and %d with a "
	      "slash between them, in --mailbox\n",
	      stderr);
	exit(EX_USAGE);
}

/* A second certificate without its key, or the other way round. */
static void
check_pairs(const struct options *o)
{
	if ((o->tls_cert[1] != NULL) == (o->tls_key[1] != NULL))
		return;
	fputs("pop3d: a second --tls-cert needs a second --tls-key\n", stderr);
	exit(EX_USAGE);
}

static void
check_json(const struct options *o)
{
	if (!o->json || o->task == TASK_WHO)
		return;
	fputs("pop3d: --json needs --who\n", stderr);
	exit(EX_USAGE);
}

/* Who says --apop alone would start a session in place of storing a secret. */
static void
check_apop(const struct options *o)
{
	if (!o->secret_apop || o->task == TASK_SET_SECRET)
		return;
	fputs("pop3d: --apop needs --set-secret\n", stderr);
	exit(EX_USAGE);
}

static const char *
folded(const char *name)
{
	char *copy = join(name, "");

	fold_name(copy);
	return copy;
}

/*
 * As the XDG base directory specification asks; systemd's variable first. A
 * copy, since the environment does not stay.
 */
static const char *
default_state_dir(void)
{
	const char *dir = getenv("STATE_DIRECTORY");

	if (dir != NULL && *dir == '/')
		return join(dir, "");
	if (geteuid() == 0)
		return "/var/lib/pop3d";
	dir = getenv("XDG_STATE_HOME");
	if (dir != NULL && *dir == '/')
		return join(dir, "/pop3d");
	dir = getenv("HOME");
	if (dir != NULL && *dir == '/')
		return join(dir, "/.local/state/pop3d");
	fputs("pop3d: no HOME: --state-dir is needed\n", stderr);
	exit(EX_USAGE);
}

static void
parse_all(struct options *o, int argc, char **argv)
{
	struct option all[ROWS + 1] = { 0 };
	int index;

	for (int i = 0; i < ROWS; i++)
		all[i] =
		    (struct option){ rows[i].name, rows[i].argument != NULL,
				     NULL, rows[i].letter };
	optind = 0; /* --check reads the command lines of units too */
	opterr = 0; /* it would print argv[0], whatever that is */
	for (int c; (index = -1, c = getopt_long(argc, argv, "m:s:hV", all,
						 &index)) != -1;) {
		for (int i = 0; index < 0 && i < ROWS; i++)
			if (c != 0 && rows[i].letter == c)
				index = i;
		if (c == '?' || index < 0) {
			fprintf(stderr,
				"pop3d: unknown option or missing value: %s\n",
				argv[optind - 1]);
			exit(EX_USAGE);
		}
		rows[index].set(o, &rows[index], optarg);
		o->given |= rows[index].set != set_task;
	}
}

void
options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){
		.mailbox = "/var/mail/%u",
		.locks = { LOCK_DOTLOCK, LOCK_FCNTL, LOCK_FLOCK, LOCK_NONE },
		.lock_timeout = 30,
		.pam_service = "pop3d",
		.idle_timeout = SHORTEST_AUTOLOGOUT,
		.min_uid = 1000,
		.max_sessions = 500,
		.max_per_source = 20,
		.idle_exit = 60,
		.plaintext = PLAINTEXT_LOCAL,
		.secrets = geteuid() == 0 ? "/etc/pop3d/secrets" : NULL,
	};
	parse_all(o, argc, argv);
	if (o->task == TASK_CHECK && optind < argc)
		o->user = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "pop3d: unexpected argument: %s\n",
			argv[optind]);
		exit(EX_USAGE);
	}
	if (o->fold_names && o->user != NULL)
		o->user = folded(o->user);
	check_virtual(o);
	check_pairs(o);
	check_apop(o);
	check_json(o);
	if (o->state_dir == NULL)
		o->state_dir = default_state_dir();
}
