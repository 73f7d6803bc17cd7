/*
 * pop3d --check USER: mail that lies in one of the usual places while the
 * mailbox that is served has none. Looks as the user, who owns the way there.
 */
#include "admin/check_parts.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/account.h"
#include "sandbox/child.h"
#include "sandbox/privilege.h"

/* Templates of --mailbox's kind, with what the path begins with. */
static const struct {
	const char *template, *below;
	bool of_home;
} places[] = {
	{ "%h/Maildir/", "Maildir", true },
	{ "%h/Mailbox", "Mailbox", true },
	{ "%h/mbox", "mbox", true },
	{ "/var/mail/%u", "/var/mail", false },
	{ "/var/spool/mail/%u", "/var/spool/mail", false },
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static bool
has_entries(const char *path, const char *sub)
{
	char dir[2 * PATH_MAX];
	const struct dirent *entry;
	bool found = false;

	snprintf(dir, sizeof(dir), "%s/%s", path, sub);
	DIR *d = opendir(dir);
	while (d != NULL && !found && (entry = readdir(d)) != NULL)
		found = entry->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return found;
}

/* An mbox of any size, or a Maildir with any message. */
static bool
has_mail(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode))
		return st.st_size > 0;
	return S_ISDIR(st.st_mode) &&
	       (has_entries(path, "new") || has_entries(path, "cur"));
}

/* The first place with mail that is not the one that is served; or none. */
static int
find_place(const struct account *a)
{
	char path[2 * PATH_MAX];
	struct stat served, st;
	bool exists = stat(a->mailbox, &served) == 0;

	if (has_mail(a->mailbox))
		return PLACES;
	for (int i = 0; i < PLACES; i++) {
		if (places[i].of_home)
			snprintf(path, sizeof(path), "%s/%s", a->home,
				 places[i].below);
		else
			snprintf(path, sizeof(path), "%s/%s", places[i].below,
				 a->name);
		if (has_mail(path) && stat(path, &st) == 0 &&
		    !(exists && st.st_dev == served.st_dev &&
		      st.st_ino == served.st_ino))
			return i;
	}
	return PLACES;
}

void
check_elsewhere(struct check *c, const struct account *a)
{
	pid_t child = c->options->virtual_user == NULL ? fork() : -1;

	if (child == 0)
		_exit(privilege_become(a->uid, a->gid) ? find_place(a)
						       : PLACES);
	int status = child > 0 ? child_wait_long(child) : -1;
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) >= PLACES)
		return;
	const char *place = places[WEXITSTATUS(status)].template;
	check_say(c, CHECK_WARNING,
		  "mailbox %s: it is empty, but there is mail in %s: is it "
		  "delivered there? --mailbox=%s serves it",
		  a->mailbox, place, place);
}
