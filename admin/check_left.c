/*
 * pop3d --check: what sessions have left in a user's state directory, and whose
 * it is. Changes nothing.
 */
#include "admin/check_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/old_state.h"

/* ---- files that want somebody's attention */

static const char waits[] =
    "an interrupted deletion waits: it is finished at the user's next login, "
    "or by pop3d --recover";

static const struct {
	const char *pattern, *says;
} left_overs[] = {
	{ "journal", waits },
	{ "journal.maildir", waits },
	{ "journal.damaged-*",
	  "the journal of an interrupted deletion, which is damaged: see whether "
	  "the mailbox lacks mail, then remove it" },
	{ "journal.rescued-*",
	  "what could not be carried out of an interrupted deletion: its mail, "
	  "if any, is in rescue-*.mbox; remove the two together" },
	{ "rescue-*.mbox",
	  "mail of a deletion that did not fit the mailbox any more: compare it "
	  "with the mailbox, then remove it" },
};

static void
check_name(struct check *c, const char *dir, const char *name)
{
	for (size_t i = 0; i < sizeof(left_overs) / sizeof(left_overs[0]); i++)
		if (fnmatch(left_overs[i].pattern, name, 0) == 0)
			check_say(c, CHECK_WARNING, "%s/%s: %s", dir, name,
				  left_overs[i].says);
}

static void
check_names_in(struct check *c, const char *dir)
{
	const struct dirent *entry;
	DIR *list = opendir(dir);

	while (list != NULL && (entry = readdir(list)) != NULL)
		check_name(c, dir, entry->d_name);
	if (list != NULL)
		closedir(list);
}

/* ---- owners */

/* Whose the directory of this name is to be; false where nobody's. */
static bool
find_owner_to_be(const struct options *o, const char *user, uid_t *uid)
{
	const struct passwd *pw =
	    getpwnam(o->virtual_user != NULL ? o->virtual_user : user);

	if (pw != NULL)
		*uid = pw->pw_uid;
	return pw != NULL;
}

/* Of a user who had the name before. */
static void
say_foreign_dir(struct check *c, const char *user, const char *path, uid_t is,
		uid_t to_be)
{
	char what[NAME_MAX + 1] = "?";
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool matters = dir < 0 || old_state_matters(dir, what);

	if (dir >= 0)
		close(dir);
	if (!matters)
		check_say(c, CHECK_OK,
			  "%s: it belongs to uid %u, not to uid %u, and has "
			  "nothing that has to be kept: it is made anew at the "
			  "next login",
			  path, (unsigned)is, (unsigned)to_be);
	else
		check_say(c, CHECK_ERROR,
			  "%s: it belongs to uid %u, not to uid %u, and %s in "
			  "it is not made again: %s cannot log in: if both are "
			  "the same person, chown -R %u %s, else move it away",
			  path, (unsigned)is, (unsigned)to_be, what, user,
			  (unsigned)to_be, path);
}

static void
say_foreign_file(struct check *c, const char *user, const char *dir,
		 const char *name, uid_t is, uid_t to_be)
{
	check_say(c, CHECK_ERROR,
		  "%s/%s: it belongs to uid %u, not to uid %u: %s cannot log "
		  "in: chown -R %u %s",
		  dir, name, (unsigned)is, (unsigned)to_be, user,
		  (unsigned)to_be, dir);
}

/* A directory that is root's becomes the user's; not so what is in it. */
static void
check_owner(struct check *c, const char *user, const char *dir)
{
	static const char *const names[] = { "lock", "index", "journal",
					     "journal.maildir" };
	char path[PATH_MAX + NAME_MAX];
	struct stat st;
	uid_t uid;

	if (geteuid() != 0 || !find_owner_to_be(c->options, user, &uid) ||
	    lstat(dir, &st) != 0)
		return;
	if (st.st_uid != uid && st.st_uid != 0) {
		say_foreign_dir(c, user, dir, st.st_uid, uid);
		return;
	}
	const bool roots = st.st_uid == 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (lstat(path, &st) != 0 || st.st_uid == uid)
			continue;
		if (roots && st.st_uid == 0)
			say_foreign_dir(c, user, dir, 0, uid);
		else
			say_foreign_file(c, user, dir, names[i], st.st_uid,
					 uid);
		return;
	}
}

void
check_left(struct check *c, const char *user)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%s", c->options->state_dir, user);
	check_owner(c, user, dir);
	check_names_in(c, dir);
}
