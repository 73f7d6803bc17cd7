/*
 * pop3d --check USER: can the mailbox's locks be had, and who has them now? As
 * the user. Makes no dotlock and breaks none: it only looks; the kernel's locks
 * are taken for a moment.
 */
#include "admin/check_locks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lock/holder.h"

/* Says who has it; the program's name is there for whoever may see /proc. */
static void
say_holder(struct check *c, struct lock_holder *h)
{
	char text[LOCK_HOLDER_SIZE];

	lock_holder_find(h);
	lock_holder_describe(h, text);
	check_say(c, CHECK_WARNING,
		  "locks: another program holds one of them now: %s", text);
}

static bool
user_may_make_one(const char *mailbox)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(mailbox, '/');

	snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - mailbox), mailbox);
	return access(dir, W_OK | X_OK) == 0;
}

/* False where it has said what is in the way. */
static bool
check_dotlock(struct check *c, const char *mailbox, bool keeper_may)
{
	struct lock_holder h;
	bool stale;

	if (dotlock_look(mailbox, &h, &stale)) {
		if (stale)
			check_say(
			    c, CHECK_WARNING,
			    "locks: %s.lock was left by a program that "
			    "has gone, %lld s ago: the next session takes "
			    "it over",
			    mailbox, (long long)h.age);
		else
			say_holder(c, &h);
		return false;
	}
	if (keeper_may || user_may_make_one(mailbox))
		return true;
	check_say(c, CHECK_ERROR,
		  "locks: %s.lock cannot be made where neither the user nor "
		  "group mail may write: chgrp mail and chmod 2775 the "
		  "directory, or leave dotlock out of --locks",
		  mailbox);
	return false;
}

void
check_locks(struct check *c, const char *mailbox, int fd, bool keeper_may)
{
	enum lock_kind kinds[LOCK_KINDS + 1];
	struct mailbox_lock lock;
	size_t n = 0;
	bool ok = true;

	for (const enum lock_kind *k = c->options->locks; *k != LOCK_NONE; k++)
		if (*k != LOCK_DOTLOCK)
			kinds[n++] = *k;
		else
			ok = check_dotlock(c, mailbox, keeper_may);
	kinds[n] = LOCK_NONE;
	lock_init(&lock, kinds, 1, mailbox, NULL);
	enum lock_result r = lock_exclusive(&lock, fd);
	if (r == LOCK_BUSY) {
		struct lock_holder h = lock_busy_holder(&lock, fd);

		say_holder(c, &h);
	} else if (r == LOCK_FAILED) {
		check_say(c, CHECK_ERROR, "locks: %s", strerror(errno));
	} else if (ok) {
		check_say(c, CHECK_OK, "locks: all of them can be had");
	}
	lock_release(&lock);
}
