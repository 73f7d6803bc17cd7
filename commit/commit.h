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
#include "commit/commit_place.h"
#include "commit/commit_result.h"
#include "commit/range.h"

/*
 * Removes the n ranges (sorted, not overlapping, n > 0, within size) from the
 * file `mailbox` (open for reading and writing), which is `size` bytes long.
 * Failures are logged. Where locks is NULL nobody else knows the file.
 */
enum commit_result commit_remove(int mailbox, off_t size,
				 const struct commit_place *place,
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
