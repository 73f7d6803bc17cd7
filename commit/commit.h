/*
 * commit/: takes byte ranges out of a file so that no kill, power cut or full
 * disk can lose a byte of the others. Runs as the user, in the mailbox process
 * at QUIT and wherever a cut commit is finished; must not know of messages.
 *
 * The caller holds the mailbox's lock, exclusive, over each of these calls.
 */
#ifndef COMMIT_H
#define COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "commit/commit_locks.h"
#include "commit/range.h"

enum commit_result {
	COMMIT_DONE,	/* removed, and durable, or the log says why not */
	COMMIT_NOTHING, /* recovery only: there was no journal */
	COMMIT_FAILED,	/* errno tells; the mailbox is as it was */
	COMMIT_PENDING, /* the journal is durable, recovery will finish it;
			   errno tells, but where the mailbox is missing */
	COMMIT_RESCUED	/* recovery only: the journal fits the mailbox no
			   longer; its mail is saved in a file of its own, the
			   mailbox is untouched */
};

/*
 * Removes the n ranges (sorted, not overlapping, n > 0, within size) from the
 * file `mailbox` (open for reading and writing), which is `size` bytes long.
 * state_dir is a descriptor of the user's state directory, where the journal
 * goes. Failures are logged. Where locks is NULL nobody else knows the file.
 */
enum commit_result commit_remove(int mailbox, off_t size, int state_dir,
				 const struct commit_range *ranges, size_t n,
				 const struct commit_locks *locks);

/* Whether a journal waits in state_dir. */
bool commit_pending(int state_dir);

/*
 * Finishes the commit whose journal is in state_dir. mailbox is the file open
 * for reading and writing, or -1 where there is none, which a journal waits
 * for: COMMIT_PENDING. Harmless when done twice, or cut and done again. What it
 * did is logged.
 */
enum commit_result commit_recover(int mailbox, int state_dir,
				  const struct commit_locks *locks);

#endif
