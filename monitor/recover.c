/*
 * Runs in the monitor, which forks a child for each account so that a journal
 * is never read with root's rights. The mailbox's path comes from the
 * template, never from the journal.
 */
#include "monitor/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "maildrop.h"
#include "base/boundary.h"
#include "base/log.h"
#include "monitor/keeper.h"
#include "sandbox/child.h"
#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"

/*
 * The journal, the mailbox and the process are the user's: a file of terabytes
 * that are not on the disk, or a SIGSTOP, must not keep the others waiting.
 * What is cut is left for the next try. Tests make them small.
 */
#ifndef RECOVER_CPU_SECONDS
#define RECOVER_CPU_SECONDS 60 /* some 100 GB */
#endif
#ifndef RECOVER_SECONDS
#define RECOVER_SECONDS 600
#endif

/*
 * The spool's dotlock needs root: the monitor takes it beforehand, and the
 * child finds it held.
 */
static enum lock_result
already_held(void *arg)
{
	const struct keeper *k = arg;

	return k->dotlock.held ? LOCK_OK : LOCK_FAILED;
}

static void
nothing_to_release(void *arg)
{
	(void)arg;
}

static int
recover_as_user(const struct options *o, const struct account *a,
		struct keeper *k)
{
	const struct dotlock_keeper held = { .try = already_held,
					     .release = nothing_to_release,
					     .arg = k };
	const struct sandbox_needs needs = account_needs(a, o);
	struct rlimit cpu = { RECOVER_CPU_SECONDS, RECOVER_CPU_SECONDS };

	if (setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    !sandbox_enter(ROLE_RECOVERY, &needs)) {
		log_line(LOG_ERR, EVENT_SETUP, "the recovery's sandbox: %s",
			 strerror(errno));
		return EX_OSERR;
	}
	return maildrop_recover(o, a->mailbox, a->state_dir, &held) ==
		       MAILDROP_OK
		   ? EX_OK
		   : EX_TEMPFAIL;
}

/* Of each store. */
static bool
has_journal(const struct options *o, const char *name)
{
	static const char *const journals[] = { "journal", "journal.maildir" };
	char path[PATH_MAX + NAME_MAX + sizeof("//journal.maildir")];
	struct stat st;

	for (size_t i = 0; i < sizeof(journals) / sizeof(journals[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", o->state_dir, name,
			 journals[i]);
		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

static void
say_left(void)
{
	log_line(LOG_ERR, EVENT_COMMIT,
		 "an interrupted commit is left for the next try");
}

/* False, logged, where another program has it. */
static bool
take_spool_dotlock(const struct options *o, const struct account *a,
		   struct keeper *k)
{
	for (unsigned tenths = 0; tenths <= o->lock_timeout * 10; tenths++) {
		if (keeper_try(k, a, getpid()) != LOCK_BUSY)
			return true;
		usleep(100000);
	}
	struct lock_holder h = { .kind = LOCK_DOTLOCK };
	bool stale;

	dotlock_look(a->mailbox, &h, &stale);
	lock_holder_log(&h, a->mailbox);
	return false;
}

/* The journal's replay, as the user; false where it waits. */
static bool
recover_in_child(const struct options *o, const struct account *a,
		 struct keeper *k)
{
	int status = -1;
	pid_t child;

	refusal_prepare();
	child = fork();
	if (child == 0)
		_exit(recover_as_user(o, a, k));
	if (child > 0)
		status = child_wait(child, RECOVER_SECONDS);
	return child > 0 && child_was_orderly(ROLE_RECOVERY, status);
}

bool
recover_account(const struct options *o, const struct account *a)
{
	struct keeper k = { .dotlock = { .held = false } };

	if (!has_journal(o, a->name))
		return true;
	bool finished =
	    take_spool_dotlock(o, a, &k) && recover_in_child(o, a, &k);
	keeper_release(&k, a);
	if (finished)
		return true;
	say_left();
	return false;
}

static bool
recover_name(const struct options *o, const char *name)
{
	struct account a;

	log_session(name, NULL);
	enum login_result r = account_find(&a, o, name);
	if (r == LOGIN_OK && strcmp(a.name, name) == 0)
		return recover_account(o, &a);
	if (r == LOGIN_OK || r == LOGIN_DENIED)
		log_line(LOG_WARNING, EVENT_SETUP,
			 "%s/%s belongs to no user who may log in",
			 o->state_dir, name);
	if (!has_journal(o, name))
		return true;
	say_left();
	return false;
}

int
recover_all(const struct options *o)
{
	DIR *dir = opendir(o->state_dir);
	struct dirent *entry;
	bool ok = true;

	if (dir == NULL && errno == ENOENT)
		return EX_OK;
	if (dir == NULL) {
		log_line(LOG_ERR, EVENT_SETUP, "%s: %s", o->state_dir,
			 strerror(errno));
		return EX_OSERR;
	}
	while ((entry = readdir(dir)) != NULL)
		if (account_name_valid(entry->d_name) &&
		    !recover_name(o, entry->d_name))
			ok = false;
	closedir(dir);
	return ok ? EX_OK : EX_TEMPFAIL;
}
