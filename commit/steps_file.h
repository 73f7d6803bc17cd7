/*
 * The journal of a commit in steps: how far the mailbox has been moved down,
 * and what the step under way writes over. Its layout, numbers little endian:
 *
 *     at        what
 *     0         magic, 8 bytes; version, 4 bytes; 4 bytes 0
 *     16        old_size, room, step_max, n, flags: 8 bytes each
 *     56        hash of the ranges
 *     72        hash of all before, itself as zeros
 *     512       a record
 *     1024      a record; the one with the higher number counts
 *     1536      the ranges that go: start and end, 8 bytes each
 *     behind,   what the record's step writes over before it is moved;
 *     at 512's  `room` bytes
 *     multiple
 *
 * A record is written over the older one, once what the younger tells is in the
 * mailbox and on the disk. It is right where its hash is. Flag 1: there is mail
 * that nobody has looked at. The hashes are XXH3, against accidents.
 */
#ifndef STEPS_FILE_H
#define STEPS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "commit/bytes.h"
#include "commit/journal_head.h"
#include "commit/steps_plan.h"

/* Tests make it small, so that there are many steps. */
#ifndef STEPS_STEP_MAX
#define STEPS_STEP_MAX (4 * 1024 * 1024)
#endif

/* What the mailbox holds from the first change on, when the step begins. */
struct steps_record {
	uint64_t number;
	/* len is 0: all is moved, the mailbox ends at `to`, it ended at `from`
	 */
	struct steps_move move;
	struct journal_hash before;  /* of what is moved: all before `to` */
	struct journal_hash after;   /* the same, and what this step moves */
	struct journal_hash payload; /* of what this step moves */
	struct journal_hash kept;    /* of what the journal keeps of it */
	/* the sum of the hashes of the steps behind this one, to old_size */
	struct journal_hash rest;
};

struct steps_file {
	int fd;
	struct steps_plan plan;
	struct commit_range *ranges; /* the plan's, to be freed */
	bool unread;
};

/* Where a step's bytes are kept; so long is the journal without room. */
off_t steps_kept_at(const struct steps_file *f);

/* Head and ranges; the records are none. */
bool steps_write_head(const struct steps_file *f);

/* Fills all of *f from f->fd: OK, DAMAGED or ERROR. */
enum journal_result steps_read_head(struct steps_file *f);

/* Durably, with what is to be kept of the step. */
bool steps_write_record(const struct steps_file *f,
			const struct steps_record *r,
			const unsigned char *payload);

/*
 * Reads the two records, the younger one first, and says how many there are
 * that are right; -1: errno tells.
 */
int steps_read_records(const struct steps_file *f,
		       struct steps_record records[2]);

/* Reads what is kept of the record's step. */
bool steps_read_kept(const struct steps_file *f, const struct steps_record *r,
		     unsigned char *payload);

struct journal_hash steps_hash(const unsigned char *p, off_t len,
			       uint64_t seed);
bool steps_hash_equal(struct journal_hash a, struct journal_hash b);

#endif
