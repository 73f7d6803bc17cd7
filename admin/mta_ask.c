/* By the programs that print their own configuration. */
#include "admin/mta_ask.h"

#include <stdio.h>
#include <string.h>

#include "admin/check_report.h"

static void
keep_first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

bool
postfix_ask(const char *setting, char *value, size_t size)
{
	const char *argv[] = { "/usr/sbin/postconf", "-h", setting, NULL };
	bool answered = check_output(argv, 1, value, size) == 0;

	keep_first_line(value);
	return answered;
}

bool
exim_ask(const char *kind, const char *name, char *out, size_t size)
{
	static const char *const programs[] = { "/usr/sbin/exim4",
						"/usr/sbin/exim" };
	int status = -1;

	for (size_t i = 0; status != 0 && i < 2; i++) {
		const char *argv[] = { programs[i], "-bP", kind, name, NULL };
		status = check_output(argv, 1, out, size);
	}
	return status == 0;
}

/* The first line that begins with it, or NULL. */
static const char *
find_line(const char *out, const char *line)
{
	size_t len = strlen(line);

	for (const char *s = out; (s = strstr(s, line)) != NULL; s += len)
		if (s == out || s[-1] == '\n')
			return s;
	return NULL;
}

bool
exim_value(const char *out, const char *name, char *value, size_t size)
{
	char begins[64];

	snprintf(begins, sizeof(begins), "%s = ", name);
	const char *s = find_line(out, begins);
	if (s == NULL)
		return false;
	snprintf(value, size, "%s", s + strlen(begins));
	keep_first_line(value);
	return value[0] != '\0';
}

bool
exim_has(const char *out, const char *line)
{
	size_t len = strlen(line);
	const char *s = out;

	while ((s = find_line(s, line)) != NULL && s[len] != '\n' &&
	       s[len] != '\0')
		s += len;
	return s != NULL;
}

void
exim_local_transport(char *name, size_t size)
{
	char out[MTA_ANSWER_SIZE];

	if (!exim_ask("router", "local_user", out, sizeof(out)) ||
	    !exim_value(out, "transport", name, size))
		snprintf(name, size, "mail_spool");
}

bool
dovecot_ask(const char *setting, char *value, size_t size)
{
	static const char *const programs[] = { "/usr/bin/doveconf",
						"/usr/sbin/doveconf" };
	int status = -1;

	for (size_t i = 0; status != 0 && i < 2; i++) {
		const char *argv[] = { programs[i], "-h", setting, NULL };
		status = check_output(argv, 1, value, size);
	}
	keep_first_line(value);
	return status == 0;
}
