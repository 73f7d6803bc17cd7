/*
 * Changes the secrets file for an administrator at the command line. Serves
 * nobody; runs with the rights of whoever called it.
 */
#include "admin/secret_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/fileio.h"
#include "monitor/account.h"
#include "monitor/auth_secret.h"
#include "sasl/base64.h"

enum { SEED_SIZE = 32, LINE_SIZE = USER_MAX + PASSWORD_MAX + 256 };

/* The place of the file, held against others who change it. */
struct place {
	char dir[PATH_MAX];
	char name[NAME_MAX - 3]; /* with room for ".new" behind it */
	int fd;			 /* the directory's, locked */
};

struct entry {
	char password[PASSWORD_MAX + 2]; /* room for one too many */
	char again[PASSWORD_MAX + 2];
	struct scram_keys keys;
	char line[LINE_SIZE];
	char seed_line[64]; /* "" where the file has one */
};

static int
complain(int status, const char *what, const char *why)
{
	fprintf(stderr, "pop3d: %s: %s\n", what, why);
	return status;
}

/* ---- the password */

/*
 * One line without its end; false at the end of the input or when too long. A
 * NUL, which would end the string early, becomes another character that no
 * password may have.
 */
static bool
read_line(char *dst, size_t size)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = read(0, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (c == '\n' || n == size - 1)
			break;
		if (c == '\0')
			c = '\1';
		dst[n++] = c;
	}
	dst[n] = '\0';
	return n > 0 && n < size - 1;
}

/*
 * Without echo. Keys that would send a signal are read as characters, so that
 * none can leave the terminal silent; the password is refused then.
 */
static bool
ask(const char *prompt, char *dst, size_t size)
{
	struct termios old, silent;

	if (tcgetattr(0, &old) != 0)
		return false;
	silent = old;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(0, TCSAFLUSH, &silent) != 0)
		return false;
	fputs(prompt, stderr);
	bool ok = read_line(dst, size);
	fputc('\n', stderr);
	return tcsetattr(0, TCSAFLUSH, &old) == 0 && ok;
}

/*
 * Printable ASCII is the same for every client; other letters have several
 * spellings, and clients differ in how they prepare them (RFC 4013).
 */
static const char *
wrong_password(const char *password)
{
	for (const char *s = password; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return "only printable ASCII characters are allowed";
	return NULL;
}

static int
get_password(struct entry *e)
{
	bool ok;

	if (isatty(0)) {
		ok = ask("Password: ", e->password, sizeof(e->password)) &&
		     ask("Once more: ", e->again, sizeof(e->again));
		if (ok && strcmp(e->password, e->again) != 0)
			return complain(EX_DATAERR, "password",
					"it was not the same twice");
	} else {
		ok = read_line(e->password, sizeof(e->password));
	}
	if (!ok)
		return complain(EX_DATAERR, "password",
				"none was given, or it is too long");
	const char *wrong = wrong_password(e->password);
	return wrong == NULL ? EX_OK : complain(EX_DATAERR, "password", wrong);
}

/* ---- the lines */

static bool
fill_line(struct entry *e, const struct options *o)
{
	char salt[BASE64_SIZE(SCRAM_SALT_SIZE)];
	char stored[BASE64_SIZE(SCRAM_KEY_SIZE)];
	char server[BASE64_SIZE(SCRAM_KEY_SIZE)];

	if (!compat_random(e->keys.salt, sizeof(e->keys.salt)))
		return false;
	e->keys.iterations = SCRAM_ITERATIONS;
	scram_derive(&e->keys, e->password);
	base64_encode(salt, e->keys.salt, sizeof(e->keys.salt));
	base64_encode(stored, e->keys.stored, sizeof(e->keys.stored));
	base64_encode(server, e->keys.server, sizeof(e->keys.server));
	snprintf(e->line, sizeof(e->line), "%s:%d:%s:%s:%s:%s\n", o->user,
		 SCRAM_ITERATIONS, salt, stored, server,
		 o->secret_apop ? e->password : "");
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
	return true;
}

static bool
fill_seed_line(struct entry *e)
{
	uint8_t seed[SEED_SIZE];
	char text[BASE64_SIZE(SEED_SIZE)];

	if (!compat_random(seed, sizeof(seed)))
		return false;
	base64_encode(text, seed, sizeof(seed));
	snprintf(e->seed_line, sizeof(e->seed_line), ":%s\n", text);
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(text, sizeof(text));
	return true;
}

/* ---- the file */

static bool
split(struct place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;

	if (n == 0 || n >= sizeof(p->dir) || path[n] == '\0' ||
	    strlen(path + n) >= sizeof(p->name)) {
		errno = EINVAL;
		return false;
	}
	memcpy(p->dir, path, n);
	p->dir[n] = '\0';
	snprintf(p->name, sizeof(p->name), "%s", path + n);
	return true;
}

/* Locks the directory: the file itself is replaced. */
static bool
enter(struct place *p, const char *path, bool make)
{
	p->fd = -1;
	if (!split(p, path) ||
	    (make && mkdir(p->dir, 0700) != 0 && errno != EEXIST))
		return false;
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->fd >= 0 && flock(p->fd, LOCK_EX) == 0;
}

static bool
append(int fd, off_t *at, const char *text, size_t len)
{
	bool ok = file_write(fd, text, len, *at);

	*at += (off_t)len;
	return ok;
}

/* The old lines but the user's, then the new ones. */
static bool
write_lines(int fd, const char *old, const char *user, const struct entry *e)
{
	off_t at = 0;
	bool ok = append(fd, &at, e->seed_line, strlen(e->seed_line));
	const char *end;

	for (const char *line = old; ok && *line != '\0';
	     line = end + (*end != '\0')) {
		ssize_t n = auth_secret_line(line, &end);
		bool theirs = n != (ssize_t)strlen(user) ||
			      strncmp(line, user, strlen(user)) != 0;

		if (theirs)
			ok = append(fd, &at, line, (size_t)(end - line)) &&
			     append(fd, &at, "\n", 1);
	}
	return ok && append(fd, &at, e->line, strlen(e->line));
}

/* Beside the old file and then over it: a reader finds the one or the other. */
static bool
replace(const struct place *p, const char *old, const char *user,
	const struct entry *e)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s.new", p->name);
	int fd = file_begin_draft(p->fd, name);
	if (fd < 0)
		return false;
	bool ok = fchmod(fd, 0600) == 0 && write_lines(fd, old, user, e) &&
		  file_sync(fd);
	return file_end_draft(fd, ok, p->fd, name, p->name) && file_sync(p->fd);
}

static const char *
find_user(const struct secrets *file, const char *user)
{
	const char *line = file->text != NULL ? file->text : "", *end;

	for (; *line != '\0'; line = end + (*end != '\0'))
		if (auth_secret_line(line, &end) == (ssize_t)strlen(user) &&
		    strncmp(line, user, strlen(user)) == 0)
			return line;
	return NULL;
}

/* e is empty where the user is to go. */
static int
change(const struct options *o, struct entry *e)
{
	struct secrets file = { .text = NULL };
	struct place p;
	int status = EX_CONFIG;
	bool remove = e->line[0] == '\0';

	if (!enter(&p, o->secrets, !remove)) {
		status = complain(EX_CANTCREAT, o->secrets, strerror(errno));
		goto out;
	}
	enum secrets_result r = auth_secret_read(&file, p.fd, p.name);
	if (r == SECRETS_BAD)
		goto out; /* said by the log, which is stderr */
	const char *old = file.text != NULL ? file.text : "";
	if (remove && find_user(&file, o->user) == NULL)
		status = complain(EX_NOUSER, o->user, "has no secret");
	else if ((!remove && find_user(&file, "") == NULL &&
		  !fill_seed_line(e)) ||
		 !replace(&p, old, o->user, e))
		status = complain(EX_CANTCREAT, o->secrets, strerror(errno));
	else
		status = EX_OK;
out:
	auth_secret_wipe(&file);
	if (p.fd >= 0)
		close(p.fd);
	return status;
}

static int
check_target(const struct options *o)
{
	const char *user = o->user;

	if (o->secrets == NULL)
		return complain(EX_USAGE, "--secrets=FILE is needed",
				"only root has a default");
	if (!account_name_valid(user) || strlen(user) > USER_MAX ||
	    *user == '#' || strchr(user, ':') != NULL)
		return complain(EX_USAGE, user, "not a name that has a secret");
	return EX_OK;
}

/*
 * A name with a slip of the pen would keep its secret for ever. Virtual users
 * are in no database; nor need those be who log in to an ordinary user's pop3d.
 */
static void
warn_of_stranger(const struct options *o)
{
	if (geteuid() != 0 || o->virtual_user != NULL)
		return;
	const struct passwd *pw = getpwnam(o->user);
	if (pw == NULL)
		complain(EX_OK, o->user,
			 "there is no such user on this host; only with "
			 "--virtual-user can anybody log in so");
	else if (strcmp(pw->pw_name, o->user) != 0)
		complain(EX_OK, o->user,
			 "the user database spells this name in another way");
	else if (pw->pw_uid == 0 || pw->pw_uid < o->min_uid)
		complain(EX_OK, o->user,
			 "this user's uid may not log in: see --min-uid");
}

int
secret_set(const struct options *o)
{
	static struct entry e;
	int status = check_target(o);

	if (status == EX_OK)
		warn_of_stranger(o);
	if (status == EX_OK)
		status = get_password(&e);
	if (status == EX_OK && !fill_line(&e, o))
		status = complain(EX_OSERR, "random numbers", strerror(errno));
	if (status == EX_OK)
		status = change(o, &e);
	explicit_bzero(&e, sizeof(e));
	return status;
}

int
secret_remove(const struct options *o)
{
	struct entry e = { .line = "" };
	int status = check_target(o);

	return status == EX_OK ? change(o, &e) : status;
}
