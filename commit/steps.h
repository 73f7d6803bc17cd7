/*
 * A commit where there is no room for a whole journal: the mailbox is moved
 * down in steps, each of which writes over nothing that is still needed. After
 * each, how far it has come is on the disk. Whoever finds such a journal goes
 * on from there. Same process, lock and proofs as commit.h's.
 */
#ifndef STEPS_H
#define STEPS_H

#include <stddef.h>

#include "commit/commit_place.h"
#include "commit/commit_result.h"
#include "commit/course.h"
#include "commit/range.h"

/*
 * Takes the ranges out, with as much room as can be had. COMMIT_FAILED where it
 * would take so many steps that the mailbox would be locked for too long. errno
 * is why there was no room for the whole journal; the log gets figures.
 */
enum commit_result steps_commit(struct commit *c,
				const struct commit_place *place,
				const struct commit_range *ranges, size_t n);

/* How a journal of steps fits the mailbox. */
enum steps_fit {
	STEPS_FIT,
	STEPS_DAMAGED, /* no journal of ours, or not what was written */
	STEPS_NOT,     /* somebody has changed the mailbox since */
	STEPS_ERROR    /* errno tells */
};

/*
 * Goes on with the journal that is open as c->journal.fd. Where it fits the
 * mailbox *result tells how that ended; else nothing was done.
 */
enum steps_fit steps_recover(struct commit *c, enum commit_result *result);

#endif
