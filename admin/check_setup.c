/*
 * pop3d --check: what a session needs of the host: PAM, the user pop3d, the
 * spool, the state directory, the kernel.
 */
#include "admin/check_parts.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "admin/systemctl.h"
#include "admin/units.h"
#include "sandbox/privilege.h"
#include "sandbox/sandbox.h"

enum {
	OTHERS_MAY_WRITE = 022,
	LINE_SIZE = 1024,
	SERVICES_MAX = 16,
	NAME_SIZE = 256
};

/* ---- PAM */

static bool
module_exists(const char *name)
{
	static const char *const places[] = { "/lib*", "/lib/*", "/usr/lib*",
					      "/usr/lib/*" };
	char pattern[PATH_MAX];
	bool found = false;

	if (*name == '/')
		return access(name, R_OK) == 0;
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]);
	     i++) {
		glob_t g;

		snprintf(pattern, sizeof(pattern), "%s/security/%s", places[i],
			 name);
		found = glob(pattern, 0, NULL, &g) == 0;
		globfree(&g);
	}
	return found;
}

static FILE *
open_service(const struct options *o, const char *name, char *path, size_t size)
{
	static const char *const dirs[] = { "/etc/pam.d", "/usr/lib/pam.d" };
	FILE *f = NULL;

	if (o->pam_confdir != NULL || *name == '/') {
		snprintf(path, size, "%s%s%s",
			 *name == '/' ? "" : o->pam_confdir,
			 *name == '/' ? "" : "/", name);
		return fopen(path, "re");
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && f == NULL;
	     i++) {
		snprintf(path, size, "%s/%s", dirs[i], name);
		f = fopen(path, "re");
	}
	/* Where there is none, the first place is the one to name. */
	if (f == NULL)
		snprintf(path, size, "%s/%s", dirs[0], name);
	return f;
}

/* A service and those that it includes, each once. */
struct services {
	size_t count;
	char names[SERVICES_MAX][NAME_SIZE];
};

static void
add_service(struct services *s, const char *name)
{
	if (name == NULL || s->count == SERVICES_MAX)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->names[i], name) == 0)
			return;
	snprintf(s->names[s->count++], NAME_SIZE, "%s", name);
}

static char *
next_word(char **line)
{
	char *word;

	do
		word = strsep(line, " \t\n");
	while (word != NULL && *word == '\0');
	return word;
}

static bool
is_module(const char *word)
{
	size_t len = strlen(word);

	return len > 3 && strcmp(word + len - 3, ".so") == 0;
}

/* These decide about something else than a password, or not at all. */
static bool
asks_no_password(const char *module)
{
	static const char *const names[] = {
		"access", "cap",      "deny",	    "env",     "faildelay",
		"group",  "faillock", "listfile",   "nologin", "permit",
		"shells", "tally2",   "succeed_if", "unix",    "warn",
	};
	char file[NAME_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "pam_%s.so", names[i]);
		if (strcmp(module, file) == 0)
			return true;
	}
	return false;
}

static void
note_module(struct pam_modules *seen, const char *type, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *module = slash == NULL ? path : slash + 1;

	if (strcmp(module, "pam_shells.so") == 0)
		seen->shells = true;
	if (strcasecmp(type, "auth") != 0)
		return;
	if (strcmp(module, "pam_unix.so") == 0)
		seen->unix_passwords = true;
	else if (!asks_no_password(module))
		seen->other_passwords = true;
}

/* Only modules that must be there are looked for: not those of lines with -. */
static void
check_service_line(struct check *c, const char *path, char *line,
		   struct services *included)
{
	const char *word = next_word(&line);

	if (word == NULL || *word == '#')
		return;
	bool optional = *word == '-';
	const char *type = word + optional;
	if (strcmp(word, "@include") == 0) {
		add_service(included, next_word(&line));
		return;
	}
	word = next_word(&line);
	if (word != NULL &&
	    (strcmp(word, "include") == 0 || strcmp(word, "substack") == 0)) {
		add_service(included, next_word(&line));
		return;
	}
	while (word != NULL && !is_module(word))
		word = next_word(&line);
	if (word == NULL)
		return;
	note_module(&c->pam, type, word);
	if (!optional && !module_exists(word))
		check_say(c, CHECK_ERROR, "PAM service %s: %s is not installed",
			  path, word);
}

static void
check_service_file(struct check *c, FILE *f, const char *path,
		   struct services *included)
{
	char line[LINE_SIZE];
	struct stat st;

	if (fstat(fileno(f), &st) != 0 || (st.st_mode & OTHERS_MAY_WRITE) != 0)
		check_say(c, CHECK_ERROR,
			  "PAM service %s: others may write it: chmod go-w",
			  path);
	while (fgets(line, sizeof(line), f) != NULL)
		check_service_line(c, path, line, included);
}

/* The n-th; path, of PATH_MAX bytes, becomes the file's. */
static void
check_pam_service(struct check *c, struct services *services, size_t n,
		  char *path)
{
	FILE *f = open_service(c->options, services->names[n], path, PATH_MAX);

	if (f != NULL) {
		check_service_file(c, f, path, services);
		fclose(f);
	} else if (n > 0) {
		check_say(c, CHECK_ERROR,
			  "PAM service %s: %s: another one includes it, so "
			  "nobody can log in",
			  path, strerror(errno));
	} else {
		check_say(c, CHECK_ERROR,
			  "PAM service %s: %s: PAM's service \"other\" says "
			  "who may log in, if anybody; install the file that "
			  "comes with pop3d as /etc/pam.d/pop3d, or name a "
			  "service by --pam-service",
			  path, strerror(errno));
	}
}

void
check_pam(struct check *c)
{
	static struct services services;
	enum verdict before = c->worst;
	char path[PATH_MAX], included[PATH_MAX];

	c->worst = CHECK_OK;
	add_service(&services, c->options->pam_service);
	check_pam_service(c, &services, 0, path);
	for (size_t i = 1; i < services.count; i++)
		check_pam_service(c, &services, i, included);
	if (c->worst == CHECK_OK)
		check_say(c, CHECK_OK, "PAM service %s", path);
	if (c->worst < before)
		c->worst = before;
}

/* ---- the user pop3d */

void
check_greeter(struct check *c)
{
	const struct passwd *pw = getpwnam("pop3d");

	if (geteuid() != 0)
		return;
	if (pw == NULL)
		check_say(c, CHECK_ERROR,
			  "user pop3d: missing, no session is served: "
			  "useradd --system --no-create-home --shell "
			  "/usr/sbin/nologin pop3d");
	else if (pw->pw_uid == 0)
		check_say(c, CHECK_ERROR,
			  "user pop3d: it has the uid 0, no session is "
			  "served: give it one of its own");
	else
		check_say(c, CHECK_OK, "user pop3d: uid %u",
			  (unsigned)pw->pw_uid);
	if (!privilege_has_empty_root())
		check_say(c, CHECK_ERROR,
			  "/run/pop3d/empty: it, or /run/pop3d, is no "
			  "directory that root alone may write, no session is "
			  "served: remove them, they are made anew");
}

/* ---- the spool */

static bool
uses_dotlock(const struct options *o)
{
	for (size_t i = 0; o->locks[i] != LOCK_NONE; i++)
		if (o->locks[i] == LOCK_DOTLOCK)
			return true;
	return false;
}

/* Dotlocks are made there, and not in directories below it. */
static bool
holds_mailboxes(const struct options *o)
{
	return strchr(strchrnul(o->mailbox, '%'), '/') == NULL;
}

static bool
is_virtual_users(const struct options *o, uid_t uid)
{
	const struct passwd *pw =
	    o->virtual_user == NULL ? NULL : getpwnam(o->virtual_user);

	return pw != NULL && pw->pw_uid == uid;
}

static void
check_spool_mode(struct check *c, const char *dir, const struct stat *st)
{
	const struct options *o = c->options;
	const struct group *mail = getgrnam("mail");
	unsigned mode = st->st_mode & 07777;
	bool shared =
	    mail != NULL && st->st_gid == mail->gr_gid && (mode & S_IWGRP) != 0;
	bool own = is_virtual_users(o, st->st_uid);

	if ((mode & S_IWOTH) != 0 && (mode & S_ISVTX) == 0)
		check_say(c, CHECK_ERROR,
			  "spool %s: mode %04o lets everybody rename "
			  "everybody's mailbox: chmod 2775, chgrp mail",
			  dir, mode);
	else if ((mode & S_IWOTH) != 0)
		check_say(c, CHECK_WARNING,
			  "spool %s: mode %04o lets everybody make files "
			  "there, also for users who have no mailbox yet: "
			  "chmod 2775, chgrp mail is safer",
			  dir, mode);
	else if (st->st_uid != 0 && !own)
		check_say(c, CHECK_ERROR,
			  "spool %s: it belongs to uid %u, who can replace "
			  "everybody's mailbox: chown root",
			  dir, (unsigned)st->st_uid);
	else if (uses_dotlock(o) && holds_mailboxes(o) && !shared && !own)
		check_say(c, CHECK_ERROR,
			  "spool %s: mode %04o: no dotlock can be made "
			  "there: %schgrp mail, chmod 2775, or leave dotlock "
			  "out of --locks",
			  dir, mode,
			  mail == NULL ? "groupadd --system mail, " : "");
	else
		check_say(c, CHECK_OK, "spool %s: mode %04o", dir, mode);
}

void
check_spool(struct check *c)
{
	const char *template = c->options->mailbox;
	char dir[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%.*s", (int)strcspn(template, "%"),
		 template);
	if (dir[0] != '/') {
		check_say(c, CHECK_OK,
			  "mailboxes %s: in home directories; look at one "
			  "with --check USER",
			  template);
		check_sandbox(c, "mailboxes below", "/home");
		return;
	}
	/* What stands before the first % ends in a directory's name. */
	*(strrchr(dir, '/') + 1) = '\0';
	if (dir[1] != '\0')
		dir[strlen(dir) - 1] = '\0';
	check_sandbox(c, "spool", dir);
	if (stat(dir, &st) != 0)
		check_say(c, CHECK_ERROR, "spool %s: %s: is --mailbox right?",
			  dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		check_say(c, CHECK_ERROR, "spool %s: it is no directory", dir);
	else if (geteuid() != 0)
		check_say(c, CHECK_OK, "spool %s", dir);
	else
		check_spool_mode(c, dir, &st);
}

/* ---- the state directory */

static void
check_left_overs(struct check *c)
{
	DIR *dir = opendir(c->options->state_dir);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			check_left(c, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

/* systemd gives it to root, with the unit's mode, before each session. */
static bool
systemd_mends(const char *dir)
{
	char name[UNIT_NAME_SIZE], made[NAME_SIZE], path[PATH_MAX];

	for (size_t i = 0; i < UNIT_SOCKETS; i++) {
		if (!unit_serves(&unit_sockets[i]))
			continue;
		unit_instance(unit_service(&unit_sockets[i]), name);
		systemctl_show(name, "StateDirectory", made, sizeof(made));
		snprintf(path, sizeof(path), "/var/lib/%s", made);
		if (made[0] != '\0' && strcmp(path, dir) == 0)
			return true;
	}
	return false;
}

void
check_state(struct check *c)
{
	const char *dir = c->options->state_dir;
	struct stat st;

	check_sandbox(c, "state directory", dir);
	if (stat(dir, &st) != 0) {
		if (errno == ENOENT)
			check_say(c, CHECK_OK,
				  "state directory %s: made at the first login",
				  dir);
		else
			check_say(c, CHECK_ERROR, "state directory %s: %s", dir,
				  strerror(errno));
		return;
	}
	bool bad_mode = (st.st_mode & OTHERS_MAY_WRITE) != 0 ||
			(geteuid() == 0 && (st.st_mode & S_IXOTH) == 0);
	if (!S_ISDIR(st.st_mode))
		check_say(c, CHECK_ERROR,
			  "state directory %s: no directory that can be used",
			  dir);
	else if (st.st_uid != geteuid() && !systemd_mends(dir))
		check_say(
		    c, CHECK_ERROR,
		    "state directory %s: it belongs to uid %u: logins are "
		    "refused: chown %s",
		    dir, (unsigned)st.st_uid,
		    geteuid() == 0 ? "root" : "yourself");
	else if (bad_mode && !systemd_mends(dir))
		check_say(c, CHECK_ERROR,
			  (st.st_mode & OTHERS_MAY_WRITE) != 0
			      ? "state directory %s: mode %04o: others may "
				"write it, logins are refused: chmod go-w"
			      : "state directory %s: mode %04o: users cannot "
				"pass through it, nobody can log in: chmod 711",
			  dir, st.st_mode & 07777);
	else
		check_room(c, dir);
	check_left_overs(c);
}

/* ---- the kernel */

void
check_kernel(struct check *c)
{
	const char *no_filter = sandbox_lacks_filter();
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0)
		check_say(c, CHECK_OK, "Landlock: version %ld", abi);
	else
		check_say(c, CHECK_WARNING,
			  "Landlock: %s; sessions run without it",
			  errno == EOPNOTSUPP
			      ? "switched off (boot with lsm=landlock,...)"
			      : "this kernel has none (Linux 5.13 or later)");
	if (no_filter == NULL)
		check_say(c, CHECK_OK, "seccomp filters");
	else
		check_say(c, CHECK_WARNING, "seccomp filters: %s", no_filter);
}
