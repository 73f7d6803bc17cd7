/* pop3d's own parser reads them: what it refuses, it refuses in a unit too. */
#include "admin/unit_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/systemctl.h"
#include "sandbox/child.h"

static const char begins[] = "argv[]=", ends[] = " ; ";

/* The arguments behind pop3d's name, NULL where it is not called. */
static char *
find_arguments(char *exec)
{
	static const char name[] = "/pop3d";
	char *at = strstr(exec, begins);

	if (at == NULL)
		return NULL;
	at += strlen(begins);
	char *end = strstr(at, ends);
	if (end != NULL)
		*end = '\0';
	for (char *s = at; (s = strstr(s, name)) != NULL; s += strlen(name)) {
		char *next = s + strlen(name);

		if (*next == '\0' || *next == ' ')
			return next + strspn(next, " ");
	}
	return NULL;
}

/* Words without quotes: systemd has taken them away. */
static int
split(char *text, char *argv[UNIT_WORDS_MAX + 1])
{
	static char name[] = "pop3d";
	int argc = 0;
	char *word;

	argv[argc++] = name;
	while (argc < UNIT_WORDS_MAX && (word = strsep(&text, " ")) != NULL)
		if (*word != '\0')
			argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

/* In a child, because a bad option ends the process. */
static bool
try(int argc, char **argv, char error[UNIT_ERROR_SIZE])
{
	static struct options tried;
	int pair[2], status = -1;
	ssize_t n = 0;

	if (pipe(pair) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pair[1], STDERR_FILENO);
		options_parse(&tried, argc, argv);
		_exit(EXIT_SUCCESS);
	}
	close(pair[1]);
	if (pid > 0) {
		n = read(pair[0], error, UNIT_ERROR_SIZE - 1);
		status = child_wait_long(pid);
	}
	close(pair[0]);
	error[n > 0 ? n : 0] = '\0';
	error[strcspn(error, "\n")] = '\0';
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* What the unit's files say beside the command itself. */
struct found {
	struct unit_options *unit;
	char cert[PATH_MAX], key[PATH_MAX];
};

static void
take_line(void *arg, const char *path, const char *key, const char *value)
{
	static const char cert[] = "tls.crt:", tls_key[] = "tls.key:";
	struct found *f = arg;

	if (strcmp(key, "ExecStart") == 0 && *value != '\0')
		snprintf(f->unit->path, PATH_MAX, "%s", path);
	if (strcmp(key, "LoadCredential") != 0)
		return;
	if (strncmp(value, cert, strlen(cert)) == 0)
		snprintf(f->cert, PATH_MAX, "%s", value + strlen(cert));
	else if (strncmp(value, tls_key, strlen(tls_key)) == 0)
		snprintf(f->key, PATH_MAX, "%s", value + strlen(tls_key));
}

static void
use_credentials(struct options *o, const struct found *f)
{
	if (o->tls_cert[0] == NULL && f->cert[0] == '/')
		o->tls_cert[0] = strdup(f->cert);
	if (o->tls_key[0] == NULL && f->key[0] == '/')
		o->tls_key[0] = strdup(f->key);
}

/* Where the unit's sessions will find their state. */
static void
use_state_directory(const char *unit)
{
	char name[PATH_MAX / 2], path[PATH_MAX];

	systemctl_show(unit, "StateDirectory", name, sizeof(name));
	snprintf(path, sizeof(path), "/var/lib/%s", name);
	if (name[0] == '\0' || strchr(name, ' ') != NULL ||
	    setenv("STATE_DIRECTORY", path, 1) != 0)
		unsetenv("STATE_DIRECTORY");
}

void
unit_options_read(struct unit_options *u, const char *unit)
{
	static struct found found;
	char exec[2 * UNIT_LINE_SIZE];
	char *argv[UNIT_WORDS_MAX + 1];

	*u = (struct unit_options){ .valid = false };
	found = (struct found){ .unit = u };
	systemctl_show(unit, "ExecStart", exec, sizeof(exec));
	const char *arguments = find_arguments(exec);
	u->runs_pop3d = arguments != NULL;
	if (!u->runs_pop3d)
		return;
	snprintf(u->text, sizeof(u->text), "%s", arguments);
	unit_files_read(unit, take_line, &found);
	snprintf(u->words, sizeof(u->words), "%s", arguments);
	int argc = split(u->words, argv);
	use_state_directory(unit);
	u->valid = try(argc, argv, u->error);
	if (!u->valid)
		return;
	options_parse(&u->options, argc, argv);
	use_credentials(&u->options, &found);
}
