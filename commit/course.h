/*
 * A commit under way, from what it has found to its end. Its order of steps is
 * commit.c's and steps.c's matter; each step may be done again.
 */
#ifndef COURSE_H
#define COURSE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "commit/commit_result.h"
#include "commit/fence.h"
#include "commit/journal.h"

struct commit {
	int mailbox, dir;
	off_t size; /* the mailbox's at the start */
	struct timespec atime;
	bool unread;  /* there is mail that nobody has looked at */
	bool removed; /* the journal is */
	struct journal journal;
	struct steps *steps; /* where the journal is one of steps */
	struct fence fence;
};

struct commit course_begin(int mailbox, int dir,
			   const struct commit_locks *locks);

/* What the mailbox is at the start. */
bool course_examine(struct commit *c);

/* Log what errno tells, and keep it. */
enum commit_result course_failed(const char *what);
enum commit_result course_pending(void);

/* Takes a step, and once again where it fails; `what` names it in the log. */
bool course_attempt(struct commit *c, bool (*step)(struct commit *),
		    const char *what);

/* "You have new mail" as before the commit, where nothing was removed. */
void course_restore_times(const struct commit *c);

bool course_sync_dir(struct commit *c);

/*
 * What a killed process has left in journal, directory and mailbox may not be
 * on the disk: it must be before a recovery builds on it.
 */
bool course_settle(struct commit *c);

/* To be called after what we have written into the mailbox is on the disk. */
bool course_note(struct commit *c);

/* All that was done to the mailbox is on the disk, its times too. */
bool course_seal(struct commit *c);

/* The mailbox ends where the journal says. */
bool course_cut(struct commit *c);

/* From a durable draft to the commit's end; finish begins with a journal. */
enum commit_result
course_carry_through(struct commit *c,
		     enum commit_result (*finish)(struct commit *));

/* All is in the mailbox: from a journal to none. */
enum commit_result course_conclude(struct commit *c);

/* Logs that a recovery has come to its end; octets of mail came meanwhile. */
void course_tell_finished(long long arrived);

#endif
