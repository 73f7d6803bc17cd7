/*
 * pop3d --check: whether --fold-names would let somebody in, or keeps somebody
 * out. Reads the user database, where that can be read as a whole.
 */
#include "admin/check_parts.h"

#include <pwd.h>
#include <stdio.h>

#include "base/fold.h"

struct names {
	size_t count, with_capitals;
	char example[256]; /* a name with capitals */
};

static void
read_names(struct names *n, uid_t min_uid)
{
	const struct passwd *pw;

	setpwent();
	while ((pw = getpwent()) != NULL) {
		if (pw->pw_uid == 0 || pw->pw_uid < min_uid)
			continue;
		n->count++;
		if (!fold_would_change(pw->pw_name))
			continue;
		n->with_capitals++;
		snprintf(n->example, sizeof(n->example), "%s", pw->pw_name);
	}
	endpwent();
}

void
check_login_names(struct check *c)
{
	const struct options *o = c->options;
	struct names n = { .count = 0 };

	if (o->virtual_user != NULL)
		return;
	read_names(&n, o->min_uid);
	if (o->fold_names && n.with_capitals > 0)
		check_say(c, CHECK_ERROR,
			  "login names: %zu have capitals, such as %s, and "
			  "cannot log in: rename them (usermod -l), or leave "
			  "out --fold-names",
			  n.with_capitals, n.example);
	else if (o->fold_names)
		check_say(c, CHECK_OK, "login names: capitals do not matter");
	else if (n.count > 0 && n.with_capitals == 0)
		check_say(c, CHECK_OK,
			  "login names: all are in lower case: with "
			  "--fold-names, people can log in who write theirs "
			  "with a capital, as phones do");
	else
		check_say(c, CHECK_OK, "login names: capitals matter");
}
