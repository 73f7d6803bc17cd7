/*
 * Where the bytes of a mailbox go that is moved down in steps: pure arithmetic,
 * so that the recovery comes to the same steps again.
 *
 * Behind the first removed piece is a gap. A step copies as much as the gap
 * takes and, where the journal has room for what would be written over before
 * it was moved, so much more. The gap then is behind what was copied, and grows
 * with each removed piece that it passes.
 */
#ifndef STEPS_PLAN_H
#define STEPS_PLAN_H

#include <stddef.h>
#include <sys/types.h>

#include "commit/range.h"

struct steps_plan {
	off_t old_size;
	off_t room;	/* octets that the journal can keep for a step */
	off_t step_max; /* octets of a step, at most */
	const struct commit_range *ranges;
	size_t n;
};

/* A byte that is kept, or the end: no removed piece is at pos. */
struct steps_cursor {
	off_t pos;
	size_t range; /* the first one behind it */
};

struct steps_move {
	off_t to, from, len; /* len octets that are kept, from `from` on */
	off_t next;	     /* the kept byte behind them */
	off_t kept;	     /* so many of them are written over */
};

static inline off_t
steps_min(off_t a, off_t b)
{
	return a < b ? a : b;
}

struct steps_cursor steps_cursor_at(const struct steps_plan *p, off_t pos);

/* Goes over up to len kept bytes, not beyond limit. Returns how many. */
off_t steps_pass(const struct steps_plan *p, struct steps_cursor *c, off_t len,
		 off_t limit);

/*
 * The next piece without a gap at the cursor, of up to len bytes: its offset in
 * *at, the result is its length. The cursor is behind it then.
 */
off_t steps_piece(const struct steps_plan *p, struct steps_cursor *c, off_t len,
		  off_t *at);

/* The step that moves what is at `from` to `to`, not what is behind limit. */
struct steps_move steps_plan_move(const struct steps_plan *p, off_t to,
				  off_t from, off_t limit);

#endif
