/*
 * Between the steps of a commit: whether mailbox and journal still are what our
 * own last step left, and the locks ours. A host may have been cut off from the
 * file system's server for minutes when its next step begins; another host has
 * finished the commit by then, from the journal, and gone on.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "commit/commit_locks.h"
#include "commit/journal.h"

struct fence {
	int mailbox, dir;
	const struct commit_locks *locks;
	off_t size; /* what our last step left */
	struct timespec mtime;
	bool settled;	/* mtime is known: that step did not fail */
	bool published; /* the journal has its name */
};

/* Notes the mailbox as it is now, after a step of ours. */
bool fence_note(struct fence *f);

/*
 * Whether a step may be taken; else errno is ESTALE or tells why nobody knows.
 * j is the journal, or NULL where there is none.
 */
bool fence_stands(const struct fence *f, const struct journal *j);

#endif
