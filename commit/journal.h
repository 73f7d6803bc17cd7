/*
 * The journal of a commit: a file in the user's state directory with every
 * byte that is to stand in the mailbox from the first change on, and with what
 * tells whether the mailbox is still the one it was written for. Its layout,
 * all numbers little endian:
 *
 *     at        what
 *     0         magic, 8 bytes
 *     8         version, sector size: 4 bytes each
 *     16        first, end, old_size, flags: 8 bytes each
 *     48        hash of the mailbox from end + 1 to old_size
 *     64        hash of the payload
 *     80        hash of the sector table
 *     96        hash of all before the payload, itself and the mark as zeros
 *     2048      mark: the mailbox may be truncated already
 *     data      payload: the mailbox's new bytes from first to end
 *     behind    sector table: 8 bytes for each sector of the mailbox that the
 *               payload touches, a hash of its old bytes from first to end
 *
 * Where nothing behind the change is kept the payload is what stands before it,
 * so that it can be told whether the mailbox is still the same: flag 2. Flag 1:
 * there is mail that nobody has looked at.
 *
 * data is 4096 + first % 4096, so that pages of the mailbox are pages of the
 * journal. The hashes are XXH3, against accidents: whoever may write the
 * journal may write the mailbox.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "commit/commit.h"

struct journal_hash {
	uint64_t low, high;
};

struct journal {
	int fd;
	off_t first;	/* where the payload begins in the mailbox */
	off_t end;	/* the mailbox's new size */
	off_t old_size; /* its size before; old_size > end > first */
	off_t data;	/* where in the journal the byte for `first` stands */
	bool unread;	/* there was mail that nobody had looked at */
	bool shortens;	/* the payload is no news, the mailbox only ends */
	bool marked;	/* the mailbox may be truncated already */
	struct journal_hash tail, payload, table;
};

enum journal_result {
	JOURNAL_OK,
	JOURNAL_NONE,	 /* there is none */
	JOURNAL_DAMAGED, /* no journal of ours, or not what was written */
	JOURNAL_ERROR	 /* errno tells */
};

/* What the mailbox holds, held against the journal. */
struct journal_view {
	bool all_new;	 /* from first to end it is the payload */
	bool old_or_new; /* each sector from first to end is, or as it was */
	bool old_tail;	 /* from end + 1 to old_size it is as it was */
};

/* Whether a journal is in the state directory. */
bool journal_waits(int dir);

/* Whether one is there that was never finished, and so decides nothing. */
bool journal_draft_waits(int dir);

/* Removes such a draft, if there is one. */
bool journal_remove_draft(int dir);

/*
 * Writes the draft of a journal that takes the ranges out of the mailbox, but
 * not all there is. It is durable when this returns true, but counts only when
 * published. Else errno tells, and nothing is left of it.
 */
bool journal_write(struct journal *j, int dir, int mailbox, off_t size,
		   const struct commit_range *ranges, size_t n, bool unread);

/* Makes the draft the journal, in the place of one that may be there. */
bool journal_publish(int dir);

/* Opens the journal; its header is right when the result is JOURNAL_OK. */
enum journal_result journal_open(struct journal *j, int dir);

/*
 * Reads all of the journal, checks it, and compares it with the mailbox, which
 * is `size` bytes long.
 */
enum journal_result journal_compare(const struct journal *j, int mailbox,
				    off_t size, struct journal_view *view);

/* Copies the payload to offset `at` of another file. */
bool journal_copy(const struct journal *j, int to, off_t at);

/* Notes durably that the mailbox is about to be truncated. */
bool journal_mark(struct journal *j);

/* Removes the journal; that there is none any more is no error. */
bool journal_remove(int dir);

/* Gives the journal a name under which nobody looks for it. */
bool journal_set_aside(int dir, const char *name);

bool journal_close(struct journal *j);

#endif
