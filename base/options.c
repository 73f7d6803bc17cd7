/*
 * The command line and its defaults. Runs once, before anything is forked;
 * what it fills in is constant from then on.
 */
#include "base/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/number.h"
#include "base/template.h"
#include "base/version.h"

enum { LONGEST_TIME = 86400, MOST_SESSIONS = 100000 };

static const char usage[] =
    "usage: pop3d [OPTION]...\n"
    "Serves one POP3 session on stdin/stdout or on the socket passed by "
    "systemd.\n"
    "\n"
    "  -m, --mailbox=TEMPLATE   mbox, or Maildir/, to serve; %u login name, %n\n"
    "                           before its @, %d behind it, %h home, %%, and\n"
    "                           %1u, %1.1u, %2Mu for pieces (/var/mail/%u)\n"
    "      --virtual-user=NAME  all mail belongs to this user of the host\n"
    "  -s, --state-dir=DIR      indexes, journals, session locks\n"
    "      --locks=LIST         of flock, fcntl, dotlock, in this order\n"
    "                           (dotlock,fcntl,flock)\n"
    "      --lock-timeout=SEC   how long to wait for them (30)\n"
    "      --proxy-protocol=LIST  addresses or networks of proxies that say\n"
    "                           where a client is\n"
    "      --pam-service=NAME   (pop3d)\n"
    "      --pam-confdir=DIR    read PAM's configuration from DIR\n"
    "      --secrets=FILE       for SCRAM and APOP (/etc/pop3d/secrets)\n"
    "      --tls=MODE           off, starttls or implicit (starttls where "
    "there is\n"
    "                           a certificate)\n"
    "      --tls-cert=FILE      certificate and chain (/etc/pop3d/tls.crt)\n"
    "      --tls-key=FILE       (/etc/pop3d/tls.key)\n"
    "      --plaintext=WHEN     passwords without TLS: never, local, always "
    "(local)\n"
    "      --uidl=KIND          auto, hash, or as another server: courier,\n"
    "                           dovecot, dovecot:FORMAT, mailutils, popa3d,\n"
    "                           qmail, qpopper, qpopper-hex, solid, uw "
    "(auto)\n"
    "      --idle-timeout=SEC   autologout (600)\n"
    "      --min-uid=N          refuse users below N (1000)\n"
    "      --log=WHERE          auto, journal, syslog or stderr (auto)\n"
    "      --max-sessions=N     at once, given a listening socket (500)\n"
    "      --max-per-source=N   from one address or IPv6 /64 (20)\n"
    "      --idle-exit=SEC      without a session until the end; 0: none (60)\n"
    "      --recover            finish interrupted commits, then exit\n"
    "      --check [USER]       say what is wrong in this host's setup, or "
    "with\n"
    "                           this user's login, then exit\n"
    "      --set-secret=USER    store a password in the secrets file, exit\n"
    "      --apop               with it: for APOP too, as it is\n"
    "      --remove-secret=USER\n"
    "  -h, --help\n"
    "  -V, --version\n";

static _Noreturn void
bad_usage(const char *option, const char *value)
{
	fprintf(stderr, "pop3d: bad value for %s: %s\n", option, value);
	exit(EX_USAGE);
}

static unsigned
number(const char *option, const char *arg, unsigned min, unsigned max)
{
	unsigned long long n;

	if (!parse_number(arg, max, &n) || n < min)
		bad_usage(option, arg);
	return (unsigned)n;
}

/* The position of arg in a list of names that ends with NULL. */
static int
choice(const char *option, const char *arg, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(arg, names[i]) == 0)
			return i;
	bad_usage(option, arg);
}

static void
lock_list(enum lock_kind *locks, const char *arg)
{
	static const struct {
		const char *name;
		enum lock_kind kind;
	} kinds[] = { { "flock", LOCK_FLOCK },
		      { "fcntl", LOCK_FCNTL },
		      { "dotlock", LOCK_DOTLOCK } };
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
			bad_usage("--locks", arg);
		locks[n++] = kind;
		if (s[len] == '\0')
			break;
		s += len + 1;
	}
	locks[n] = LOCK_NONE;
}

/* It is absolute or %h/..., and no dotlock. */
static void
check_template(const char *arg)
{
	if (*arg == '\0' || !template_is_valid(arg) || dotlock_has_name(arg))
		bad_usage("--mailbox", arg);
}

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

/* As the XDG base directory specification asks; systemd's variable first. */
static const char *
default_state_dir(void)
{
	const char *dir = getenv("STATE_DIRECTORY");

	if (dir != NULL && *dir == '/')
		return dir;
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

/* The directory's name is no template. */
static const char *
absolute_template(const char *template)
{
	char dir[2 * PATH_MAX];
	size_t n = 0;

	if (*template == '/' || *template == '%')
		return template;
	char *cwd = below_cwd("");
	for (const char *s = cwd; *s != '\0'; s++) {
		dir[n++] = *s;
		if (*s == '%')
			dir[n++] = '%';
	}
	dir[n] = '\0';
	free(cwd);
	return join(dir, template);
}

enum {
	OPT_LOCKS = 256,
	OPT_LOCK_TIMEOUT,
	OPT_PAM_SERVICE,
	OPT_PAM_CONFDIR,
	OPT_UIDL,
	OPT_IDLE_TIMEOUT,
	OPT_MIN_UID,
	OPT_LOG,
	OPT_MAX_SESSIONS,
	OPT_MAX_PER_SOURCE,
	OPT_IDLE_EXIT,
	OPT_RECOVER,
	OPT_CHECK,
	OPT_VIRTUAL_USER,
	OPT_PROXY,
	OPT_SECRETS,
	OPT_TLS,
	OPT_TLS_CERT,
	OPT_TLS_KEY,
	OPT_PLAINTEXT,
	OPT_SET_SECRET,
	OPT_REMOVE_SECRET,
	OPT_APOP
};

static const struct option long_options[] = {
	{ "mailbox", required_argument, NULL, 'm' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "locks", required_argument, NULL, OPT_LOCKS },
	{ "lock-timeout", required_argument, NULL, OPT_LOCK_TIMEOUT },
	{ "pam-service", required_argument, NULL, OPT_PAM_SERVICE },
	{ "pam-confdir", required_argument, NULL, OPT_PAM_CONFDIR },
	{ "uidl", required_argument, NULL, OPT_UIDL },
	{ "idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT },
	{ "min-uid", required_argument, NULL, OPT_MIN_UID },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "max-sessions", required_argument, NULL, OPT_MAX_SESSIONS },
	{ "max-per-source", required_argument, NULL, OPT_MAX_PER_SOURCE },
	{ "idle-exit", required_argument, NULL, OPT_IDLE_EXIT },
	{ "recover", no_argument, NULL, OPT_RECOVER },
	{ "virtual-user", required_argument, NULL, OPT_VIRTUAL_USER },
	{ "proxy-protocol", required_argument, NULL, OPT_PROXY },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "secrets", required_argument, NULL, OPT_SECRETS },
	{ "tls", required_argument, NULL, OPT_TLS },
	{ "tls-cert", required_argument, NULL, OPT_TLS_CERT },
	{ "tls-key", required_argument, NULL, OPT_TLS_KEY },
	{ "plaintext", required_argument, NULL, OPT_PLAINTEXT },
	{ "set-secret", required_argument, NULL, OPT_SET_SECRET },
	{ "remove-secret", required_argument, NULL, OPT_REMOVE_SECRET },
	{ "apop", no_argument, NULL, OPT_APOP },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

/* False for an option whose value is no number. */
static bool
set_number(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_LOCK_TIMEOUT:
		o->lock_timeout =
		    number("--lock-timeout", arg, 0, LONGEST_TIME);
		return true;
	case OPT_IDLE_TIMEOUT:
		o->idle_timeout =
		    number("--idle-timeout", arg, 1, LONGEST_TIME);
		return true;
	case OPT_MIN_UID:
		o->min_uid = number("--min-uid", arg, 0, UINT_MAX - 1);
		return true;
	case OPT_MAX_SESSIONS:
		o->max_sessions =
		    number("--max-sessions", arg, 1, MOST_SESSIONS);
		return true;
	case OPT_MAX_PER_SOURCE:
		o->max_per_source =
		    number("--max-per-source", arg, 1, MOST_SESSIONS);
		return true;
	case OPT_IDLE_EXIT:
		o->idle_exit = number("--idle-exit", arg, 0, LONGEST_TIME);
		return true;
	default:
		return false;
	}
}

/* What is to be done instead of serving; false where opt says nothing of it. */
static bool
set_task(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_RECOVER:
		o->task = TASK_RECOVER;
		return true;
	case OPT_CHECK:
		o->task = TASK_CHECK;
		return true;
	case OPT_SET_SECRET:
		o->task = TASK_SET_SECRET;
		o->user = arg;
		return true;
	case OPT_REMOVE_SECRET:
		o->task = TASK_REMOVE_SECRET;
		o->user = arg;
		return true;
	case OPT_APOP:
		o->secret_apop = true;
		return true;
	default:
		return false;
	}
}

/* The next of a list of TLS_PAIRS_MAX files. */
static void
add_file(const char *option, const char **files, const char *arg)
{
	unsigned n = 0;

	while (n < TLS_PAIRS_MAX && files[n] != NULL)
		n++;
	if (n == TLS_PAIRS_MAX || *arg == '\0')
		bad_usage(option, arg);
	files[n] = absolute(arg);
}

/* False where opt says nothing of TLS. */
static bool
set_tls(struct options *o, int opt, const char *arg)
{
	static const char *const modes[] = { "off", "starttls", "implicit",
					     NULL };
	static const char *const whens[] = { "never", "local", "always", NULL };

	switch (opt) {
	case OPT_TLS:
		o->tls = TLS_OFF + (enum tls_mode)choice("--tls", arg, modes);
		return true;
	case OPT_TLS_CERT:
		add_file("--tls-cert", o->tls_cert, arg);
		return true;
	case OPT_TLS_KEY:
		add_file("--tls-key", o->tls_key, arg);
		return true;
	case OPT_PLAINTEXT:
		o->plaintext =
		    (enum plaintext)choice("--plaintext", arg, whens);
		return true;
	default:
		return false;
	}
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

/* Who says --apop alone would start a session in place of storing a secret. */
static void
check_apop(const struct options *o)
{
	if (!o->secret_apop || o->task == TASK_SET_SECRET)
		return;
	fputs("pop3d: --apop needs --set-secret\n", stderr);
	exit(EX_USAGE);
}

/* Of Dovecot's: %u, %v, %f, %g, with digits, X or M in them; no colon. */
static void
check_uidl_format(const char *arg, const char *format)
{
	const char *s = format;

	for (; *s > ' ' && *s < 0x7f && *s != ':'; s++) {
		if (*s != '%')
			continue;
		s += 1 + strspn(s + 1, "0123456789");
		if (*s == 'X' || *s == 'M')
			s++;
		if (*s == '\0' || strchr("uvfg", *s) == NULL)
			bad_usage("--uidl", arg);
	}
	if (*s != '\0' || s == format)
		bad_usage("--uidl", arg);
}

static void
set_option(struct options *o, int opt, const char *arg)
{
	static const char *const uidls[UIDL_KINDS + 1] = {
		"auto",	     "hash",	"qpopper", "qpopper-hex",
		"popa3d",    "dovecot", "uw",	   "solid",
		"mailutils", "courier", "qmail",   NULL
	};
	static const char *const logs[] = { "auto", "journal", "syslog",
					    "stderr", NULL };

	switch (opt) {
	case 'm':
		check_template(arg);
		o->mailbox = absolute_template(arg);
		break;
	case 's':
		if (*arg == '\0')
			bad_usage("--state-dir", arg);
		o->state_dir = absolute(arg);
		break;
	case OPT_LOCKS:
		lock_list(o->locks, arg);
		break;
	case OPT_PAM_SERVICE:
		if (*arg == '\0' || strchr(arg, '/') != NULL)
			bad_usage("--pam-service", arg);
		o->pam_service = arg;
		break;
	case OPT_PAM_CONFDIR:
		if (*arg == '\0')
			bad_usage("--pam-confdir", arg);
		o->pam_confdir = absolute(arg);
		break;
	case OPT_UIDL:
		if (strncmp(arg, "dovecot:", 8) == 0) {
			check_uidl_format(arg, arg + 8);
			o->uidl = UIDL_DOVECOT;
			o->uidl_format = arg + 8;
			break;
		}
		o->uidl = (enum uidl_kind)choice("--uidl", arg, uidls);
		break;
	case OPT_LOG:
		o->log = (enum log_where)choice("--log", arg, logs);
		break;
	case OPT_SECRETS:
		if (*arg == '\0')
			bad_usage("--secrets", arg);
		o->secrets = absolute(arg);
		break;
	case OPT_PROXY:
		if (!networks_parse(&o->proxies, arg))
			bad_usage("--proxy-protocol", arg);
		break;
	case OPT_VIRTUAL_USER:
		if (*arg == '\0')
			bad_usage("--virtual-user", arg);
		o->virtual_user = arg;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EX_OK);
	case 'V':
		puts("pop3d " POP3D_VERSION);
		exit(EX_OK);
	}
}

void
options_parse(struct options *o, int argc, char **argv)
{
	int opt;

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
	opterr = 0; /* it would print argv[0], whatever that is */
	while ((opt = getopt_long(argc, argv, "m:s:hV", long_options, NULL)) !=
	       -1)
		if (opt == '?') {
			fprintf(stderr,
				"pop3d: unknown option or missing value: %s\n",
				argv[optind - 1]);
			exit(EX_USAGE);
		} else if (!set_number(o, opt, optarg) &&
			   !set_task(o, opt, optarg) &&
			   !set_tls(o, opt, optarg)) {
			set_option(o, opt, optarg);
		}
	if (o->task == TASK_CHECK && optind < argc)
		o->user = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "pop3d: unexpected argument: %s\n",
			argv[optind]);
		exit(EX_USAGE);
	}
	check_virtual(o);
	check_pairs(o);
	check_apop(o);
	if (o->state_dir == NULL)
		o->state_dir = default_state_dir();
}
