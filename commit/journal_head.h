/* Where things are in a journal's file, and what stands at its head. */
#ifndef JOURNAL_HEAD_H
#define JOURNAL_HEAD_H

#include "commit/journal.h"

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

/* Fills all of *j from j->fd: OK, DAMAGED or ERROR. */
enum journal_result journal_read_head(struct journal *j);

#endif
