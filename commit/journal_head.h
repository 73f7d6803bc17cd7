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
#ifndef JOURNAL_HEAD_H
#define JOURNAL_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "commit/bytes.h"

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
	JOURNAL_STEPS,	 /* one of steps: steps_file.h */
	JOURNAL_NONE,	 /* there is none */
	JOURNAL_DAMAGED, /* no journal of ours, or not what was written */
	JOURNAL_ERROR	 /* errno tells */
};

/* Tests make it small, so that everything happens at its borders too. */
#ifndef JOURNAL_SECTOR
/* what a disk writes whole or not at all */
#define JOURNAL_SECTOR 512
#endif

enum {
	SECTOR = JOURNAL_SECTOR,
	ENTRY = 8, /* of the sector table */
	PAGE = 4096
};

/* Sets j->data once first is known. */
void journal_place(struct journal *j);

/* Where the sector table's entry is for the byte at pos of the mailbox. */
off_t journal_entry(const struct journal *j, off_t pos);

/* How long the whole file is. */
off_t journal_size(const struct journal *j);

bool journal_write_head(const struct journal *j);

/* Fills all of *j from j->fd: all but NONE. */
enum journal_result journal_read_head(struct journal *j);

#endif
