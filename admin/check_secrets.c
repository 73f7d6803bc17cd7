/* pop3d --check: the secrets file. */
#include "admin/check_parts.h"

#include <fcntl.h>

#include "monitor/auth_secret.h"

void
check_secrets(struct check *c)
{
	const char *path = c->options->secrets;
	struct secrets s;

	if (path == NULL)
		return;
	switch (auth_secret_read(&s, AT_FDCWD, path)) {
	case SECRETS_OK:
		check_say(c, CHECK_OK, "secrets %s: for SCRAM and APOP", path);
		break;
	case SECRETS_NONE:
		check_say(c, CHECK_OK,
			  "secrets %s: not there, so neither SCRAM nor APOP",
			  path);
		break;
	case SECRETS_BAD:
		check_say(c, CHECK_ERROR,
			  "secrets %s: of no use; the line above says why",
			  path);
	}
	auth_secret_wipe(&s);
}
