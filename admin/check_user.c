/*
 * pop3d --check USER: each step of the user's login but the password, in the
 * order in which a session takes them. What a session does as the user is
 * done as the user here.
 */
#include "admin/check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/check_account.h"
#include "admin/check_locks.h"
#include "maildir/maildir.h"
#include "mbox/mailbox.h"
#include "monitor/keeper.h"
#include "sandbox/child.h"
#include "sandbox/privilege.h"

/* ---- the files */

static void
check_own_state(struct check *c, const struct account *a)
{
	struct stat st;

	if (lstat(a->state_dir, &st) != 0 && errno == ENOENT)
		check_say(c, CHECK_OK,
			  "state directory %s: made at the first login",
			  a->state_dir);
	else if (lstat(a->state_dir, &st) != 0 || !S_ISDIR(st.st_mode) ||
		 (st.st_uid != a->uid && geteuid() != 0))
		check_say(c, CHECK_ERROR,
			  "state directory %s: it is not a directory of uid "
			  "%u: logins are refused; move it away",
			  a->state_dir, (unsigned)a->uid);
	else
		check_say(c, CHECK_OK, "state directory %s", a->state_dir);
	check_left(c, a->name);
}

/* False where a session would not open it; then it has been said why. */
static bool
is_servable(struct check *c, const struct account *a)
{
	struct stat st;

	if (lstat(a->mailbox, &st) != 0 && errno == ENOENT) {
		check_say(c, CHECK_OK,
			  "mailbox %s: there is none, which is an empty one",
			  a->mailbox);
		return false;
	}
	if (lstat(a->mailbox, &st) != 0)
		check_say(c, CHECK_ERROR, "mailbox %s: %s", a->mailbox,
			  strerror(errno));
	else if (!S_ISREG(st.st_mode) &&
		 !(S_ISDIR(st.st_mode) && maildir_is(a->mailbox)))
		check_say(c, CHECK_ERROR,
			  "mailbox %s: it is not a regular file; symbolic "
			  "links are not followed: name the file by --mailbox",
			  a->mailbox);
	else if (st.st_uid != a->uid)
		check_say(c, CHECK_ERROR,
			  "mailbox %s: it belongs to uid %u: chown %s",
			  a->mailbox, (unsigned)st.st_uid, a->name);
	else if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		check_say(c, CHECK_ERROR,
			  "mailbox %s: it has %lu names: remove the others",
			  a->mailbox, (unsigned long)st.st_nlink);
	else
		return true;
	return false;
}

static void
count_messages(struct check *c, const struct mailbox *b)
{
	struct mbox m = { .count = 0 };
	struct stat st;
	enum mbox_result r = MBOX_IO_ERROR;

	if (fstat(b->fd, &st) == 0)
		r = mbox_scan(&m, b->fd, 0, st.st_size);
	if (r == MBOX_OK)
		check_say(c, b->writable ? CHECK_OK : CHECK_WARNING,
			  "mailbox %s: %zu messages in %lld bytes%s", b->path,
			  m.count, (long long)st.st_size,
			  b->writable
			      ? ""
			      : "; the user may not write it: nothing can "
				"be deleted");
	else if (r == MBOX_NOT_MBOX)
		check_say(c, CHECK_ERROR,
			  "mailbox %s: it does not begin with a From_ line: "
			  "it is no mbox",
			  b->path);
	else
		check_say(c, CHECK_ERROR, "mailbox %s: it cannot be read",
			  b->path);
	mbox_free(&m);
}

/* As the user. */
static void
open_mailbox(struct check *c, const struct account *a, bool keeper_may)
{
	struct mailbox b = { .path = a->mailbox };

	lock_init(&b.lock, c->options->locks, 1, a->mailbox, NULL);
	if (mailbox_open(&b) != MAILDROP_OK || b.fd < 0) {
		check_say(c, CHECK_ERROR,
			  "mailbox %s: the user cannot open it: chmod u+rw",
			  a->mailbox);
		return;
	}
	check_locks(c, a->mailbox, b.fd, keeper_may);
	count_messages(c, &b);
	mailbox_close(&b);
}

/* As the user. */
static void
open_maildir(struct check *c, const struct account *a)
{
	struct maildir_survey s;

	if (!maildir_survey(a->mailbox, &s)) {
		check_say(c, CHECK_ERROR,
			  "Maildir %s: the user cannot open it, see above",
			  a->mailbox);
		return;
	}
	check_say(c, s.writable ? CHECK_OK : CHECK_WARNING,
		  "Maildir %s: %zu messages in %lld bytes%s", a->mailbox,
		  s.messages, s.bytes,
		  s.writable ? ""
			     : "; the user may not write it: nothing can "
			       "be deleted");
	if (s.others > 0)
		check_say(c, CHECK_WARNING,
			  "Maildir %s: %zu things in cur/ and new/ are no "
			  "messages that can be served, see above",
			  a->mailbox, s.others);
}

/* The child becomes the user and tells its verdict by its exit status. */
static void
check_mailbox(struct check *c, const struct account *a)
{
	bool keeper_may = keeper_has_spool(a);
	int status = -1;

	pid_t child = fork();
	if (child == 0) {
		if (!privilege_become(a->uid, a->gid))
			_exit(CHECK_ERROR + 1);
		if (maildir_is(a->mailbox)) {
			open_maildir(c, a);
		} else {
			open_mailbox(c, a, keeper_may);
			check_user_room(c, a->state_dir, a->mailbox);
		}
		_exit((int)c->worst);
	}
	if (child > 0)
		status = child_wait_long(child);
	if (child < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > CHECK_ERROR)
		check_say(c, CHECK_ERROR, "mailbox %s: it cannot be tried",
			  a->mailbox);
	else if (WEXITSTATUS(status) > (int)c->worst)
		c->worst = (enum verdict)WEXITSTATUS(status);
}

void
check_user(struct check *c)
{
	static struct account a;

	if (!check_find_account(c, &a))
		return;
	check_account(c);
	check_own_state(c, &a);
	check_sandbox(c, "mailbox", a.mailbox);
	check_elsewhere(c, &a);
	if (is_servable(c, &a))
		check_mailbox(c, &a);
}
