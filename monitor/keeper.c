/*
 * Runs in the monitor. The path comes from the template and the account that
 * PAM confirmed, never from the process that asks.
 */
#include "monitor/keeper.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/*
 * The spool: root's, for group mail to write. Any other directory that the
 * user may not write is not one to make files in; nor is the spool, where the
 * path to it leads through what others may replace. In a sticky directory,
 * such as /tmp, they may not replace a directory of root's.
 */
static bool
is_spool(const char *mailbox, gid_t mail)
{
	char path[PATH_MAX];
	struct stat st = { .st_mode = 0 };
	const char *end = strrchr(mailbox, '/');
	bool ours = true, shared = false;

	if (end == NULL || end - mailbox >= (ptrdiff_t)sizeof(path))
		return false;
	for (const char *s = mailbox; ours && s <= end; s++) {
		if (*s != '/')
			continue;
		snprintf(path, sizeof(path), "%.*s%s", (int)(s - mailbox),
			 mailbox, shared ? "" : "/");
		ours = (shared ? lstat : stat)(path, &st) == 0 &&
		       S_ISDIR(st.st_mode) && st.st_uid == 0 &&
		       (s == end || (st.st_mode & 022) == 0 ||
			(st.st_mode & S_ISVTX) != 0);
		shared = (st.st_mode & 022) != 0;
	}
	if (ours && st.st_gid == mail && (st.st_mode & S_IWGRP) != 0)
		return true;
	errno = EACCES;
	return false;
}

/* Other groups are given up for good: root has no use for them. */
static bool
as_user_in_group_mail(const struct account *a, gid_t mail)
{
	return setgroups(0, NULL) == 0 && setegid(mail) == 0 &&
	       seteuid(a->uid) == 0;
}

static void
as_root_again(void)
{
	int saved = errno;

	if (seteuid(0) != 0 || setegid(0) != 0) {
		log_line(LOG_CRIT, EVENT_SETUP, "becoming root again: %s",
			 strerror(errno));
		_exit(1);
	}
	errno = saved;
}

bool
keeper_has_spool(const struct account *a)
{
	const struct group *mail = getgrnam("mail");

	return geteuid() == 0 && mail != NULL &&
	       is_spool(a->mailbox, mail->gr_gid);
}

enum lock_result
keeper_try(struct keeper *k, const struct account *a, pid_t pid)
{
	struct group *mail = getgrnam("mail");
	enum lock_result r = LOCK_FAILED;

	if (geteuid() != 0 || mail == NULL ||
	    !is_spool(a->mailbox, mail->gr_gid))
		return LOCK_FAILED;
	if (as_user_in_group_mail(a, mail->gr_gid))
		r = dotlock_try(&k->dotlock, a->mailbox, pid);
	as_root_again();
	return r;
}

static bool
becomes_holder(const struct keeper *k, const struct account *a)
{
	const struct group *mail;

	if (!k->dotlock.held || (mail = getgrnam("mail")) == NULL)
		return false;
	if (as_user_in_group_mail(a, mail->gr_gid))
		return true;
	as_root_again();
	return false;
}

void
keeper_touch(struct keeper *k, const struct account *a)
{
	if (!becomes_holder(k, a))
		return;
	dotlock_touch(&k->dotlock, a->mailbox);
	as_root_again();
}

void
keeper_release(struct keeper *k, const struct account *a)
{
	if (!becomes_holder(k, a))
		return;
	dotlock_release(&k->dotlock, a->mailbox);
	as_root_again();
}
