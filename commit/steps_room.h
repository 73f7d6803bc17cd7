/* How many steps a commit takes with the room that there is. */
#ifndef STEPS_ROOM_H
#define STEPS_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "commit/commit_place.h"
#include "commit/range.h"
#include "commit/steps_file.h"

/*
 * More of them would keep the mailbox locked for too long: each waits for the
 * disk twice. Tests make it small.
 */
#ifndef STEPS_MAX
#define STEPS_MAX 2000
#endif

/*
 * Makes the draft, with room for a step and a plan for the ranges that fits it.
 * why is the errno of the whole journal. Logged with figures; where it is false
 * errno tells, and f->fd may be open.
 */
bool steps_find_room(struct steps_file *f, off_t size,
		     const struct commit_place *place,
		     const struct commit_range *ranges, size_t n, int why);

#endif
