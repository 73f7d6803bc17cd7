/* pop3d --list-secrets: whose secrets there are, and what for. No secret is
 * shown. */
#include "admin/secret_list.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

#include "monitor/auth_secret.h"

/* Bytes that a terminal would obey have no place in a name. */
static void
put_name(const char *name, ssize_t len)
{
	for (ssize_t i = 0; i < len; i++)
		putchar((unsigned char)name[i] < ' ' || name[i] == 0x7f
			    ? '?'
			    : name[i]);
}

int
secret_list(const struct options *o)
{
	struct secrets file = { .text = NULL };
	const char *end;

	if (o->secrets == NULL) {
		fputs("pop3d: --secrets=FILE is needed: only root has a "
		      "default\n",
		      stderr);
		return EX_USAGE;
	}
	/* What is wrong with it is said by the log, which is stderr. */
	if (auth_secret_read(&file, AT_FDCWD, o->secrets) == SECRETS_BAD)
		return EX_CONFIG;
	for (const char *line = file.text != NULL ? file.text : "";
	     *line != '\0'; line = end + (*end != '\0')) {
		ssize_t len = auth_secret_line(line, &end);

		if (len <= 0)
			continue;
		put_name(line, len);
		printf("\t%s\n",
		       auth_secret_is_for_apop(end) ? "SCRAM APOP" : "SCRAM");
	}
	auth_secret_wipe(&file);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
