/* A table of checks; each looks at one option. */
#include "base/workable.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Why it cannot work, in text of UNWORKABLE_SIZE; false where it can. */
typedef bool unworkable(const struct options *o, char *text);

static bool
lacks_file(const char *option, const char *path, char *text)
{
	if (path == NULL || access(path, R_OK) == 0)
		return false;
	snprintf(text, UNWORKABLE_SIZE, "--%s=%s: %s", option, path,
		 strerror(errno));
	return true;
}

static bool
first_cert(const struct options *o, char *text)
{
	return lacks_file("tls-cert", o->tls_cert[0], text);
}

static bool
second_cert(const struct options *o, char *text)
{
	return lacks_file("tls-cert", o->tls_cert[1], text);
}

static bool
first_key(const struct options *o, char *text)
{
	return lacks_file("tls-key", o->tls_key[0], text);
}

static bool
second_key(const struct options *o, char *text)
{
	return lacks_file("tls-key", o->tls_key[1], text);
}

/* A user database that does not answer now is another matter. */
static bool
virtual_user(const struct options *o, char *text)
{
	const char *why = NULL;

	if (o->virtual_user == NULL)
		return false;
	errno = 0;
	const struct passwd *pw = getpwnam(o->virtual_user);
	if (pw == NULL && (errno == 0 || errno == ENOENT || errno == ESRCH))
		why = "there is no such user: make one by useradd --system";
	else if (pw != NULL && pw->pw_uid == 0)
		why = "mail cannot belong to uid 0: name a user of its own";
	if (why == NULL)
		return false;
	snprintf(text, UNWORKABLE_SIZE, "--virtual-user=%s: %s",
		 o->virtual_user, why);
	return true;
}

/* The directory itself is made at the first login; as root, nothing above. */
static bool
state_dir(const struct options *o, char *text)
{
	char parent[PATH_MAX];
	struct stat st;
	int error = 0;

	snprintf(parent, sizeof(parent), "%s", o->state_dir);
	if (stat(parent, &st) != 0 && errno == ENOENT && geteuid() == 0) {
		size_t len = strlen(parent);

		while (len > 1 && parent[len - 1] == '/')
			parent[--len] = '\0';
		parent[strrchr(parent, '/') + 1 - parent] = '\0';
		error = stat(parent, &st) != 0 ? errno : 0;
	} else if (stat(parent, &st) != 0) {
		error = errno == ENOENT ? 0 : errno;
		st.st_mode = S_IFDIR;
	}
	if (error == 0 && S_ISDIR(st.st_mode))
		return false;
	snprintf(text, UNWORKABLE_SIZE, "--state-dir=%s: %s: %s", o->state_dir,
		 parent, strerror(error != 0 ? error : ENOTDIR));
	return true;
}

static const struct {
	unworkable *check;
	bool of_tls, of_sessions; /* nothing else needs it */
} checks[] = {
	{ first_cert, .of_tls = true, .of_sessions = true },
	{ first_key, .of_tls = true, .of_sessions = true },
	{ second_cert, .of_tls = true, .of_sessions = true },
	{ second_key, .of_tls = true, .of_sessions = true },
	/* --recover goes on: what it cannot look up waits for its next run */
	{ virtual_user, .of_sessions = true },
	{ state_dir, .of_tls = false },
};
enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

bool
options_can_work(const struct options *o,
		 void (*say)(void *arg, const char *what), void *arg)
{
	char text[UNWORKABLE_SIZE];
	bool can = true;

	for (size_t i = 0; i < CHECKS; i++) {
		if ((checks[i].of_tls && o->tls == TLS_OFF) ||
		    (checks[i].of_sessions && o->task == TASK_RECOVER) ||
		    !checks[i].check(o, text))
			continue;
		say(arg, text);
		can = false;
	}
	return can;
}

bool
options_lack_tls_file(const struct options *o)
{
	char text[UNWORKABLE_SIZE];
	bool lack = false;

	for (size_t i = 0; i < CHECKS; i++)
		lack |= checks[i].of_tls && checks[i].check(o, text);
	return lack;
}
