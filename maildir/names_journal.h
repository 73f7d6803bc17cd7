/*
 * The journal of a removal: a file in the user's state directory with the
 * unique name, inode, size and time of each message that is to go. Once it is
 * there the removal is decided, and whoever finds it carries it out. It holds
 * no mail: one that is damaged is of no use, and no loss.
 *
 * Who makes it, or works by it, holds a lock on it: the monitor may finish what
 * was cut while the user is logging in again.
 */
#ifndef MAILDIR_NAMES_JOURNAL_H
#define MAILDIR_NAMES_JOURNAL_H

#include <stdbool.h>

#include "maildir/list.h"

enum names_result {
	NAMES_OK,
	NAMES_NONE,    /* there is none */
	NAMES_DAMAGED, /* it is none of ours, or not what was written */
	NAMES_NO_ROOM, /* on the disk; nothing is left of it */
	NAMES_FAILED   /* errno tells; when written, nothing is left of it */
};

/* Whether one is in the state directory. */
bool names_journal_waits(int state_dir);

/*
 * Writes one for the marked messages that are not gone. NAMES_OK: it is
 * durable, and *fd, to be closed after its removal, holds its lock. Where the
 * disk is full it takes the room of the index.
 */
enum names_result names_journal_write(int state_dir,
				      const struct maildir_list *l, int *fd);

/*
 * Waits for its lock, reads it, and fills an empty list with marked messages,
 * which have their unique name only. *fd as above, also where it is damaged; -1
 * where there is none.
 */
enum names_result names_journal_read(int state_dir, struct maildir_list *l,
				     int *fd);

/* Removes it; false with errno. */
bool names_journal_remove(int state_dir);

#endif
