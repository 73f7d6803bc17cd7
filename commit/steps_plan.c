/*
 * Plans the steps. In the mailbox process and wherever a commit is finished.
 * Must not know of files.
 */
#include "commit/steps_plan.h"

static void
skip_removed(const struct steps_plan *p, struct steps_cursor *c)
{
	while (c->range < p->n && p->ranges[c->range].start <= c->pos) {
		if (p->ranges[c->range].end > c->pos)
			c->pos = p->ranges[c->range].end;
		c->range++;
	}
}

struct steps_cursor
steps_cursor_at(const struct steps_plan *p, off_t pos)
{
	struct steps_cursor c = { pos, 0 };
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->ranges[middle].end <= pos)
			low = middle + 1;
		else
			high = middle;
	}
	c.range = low;
	skip_removed(p, &c);
	return c;
}

off_t
steps_piece(const struct steps_plan *p, struct steps_cursor *c, off_t len,
	    off_t *at)
{
	*at = c->pos;
	if (c->range < p->n)
		len = steps_min(len, p->ranges[c->range].start - c->pos);
	c->pos += len;
	skip_removed(p, c);
	return len;
}

off_t
steps_pass(const struct steps_plan *p, struct steps_cursor *c, off_t len,
	   off_t limit)
{
	off_t at, passed = 0;

	while (passed < len && c->pos < limit)
		passed += steps_piece(
		    p, c, steps_min(len - passed, limit - c->pos), &at);
	return passed;
}

/* How many bytes from the cursor to `end` are kept. */
static off_t
count_kept(const struct steps_plan *p, struct steps_cursor c, off_t end)
{
	off_t at, kept = 0;

	while (c.pos < end)
		kept += steps_piece(p, &c, end - c.pos, &at);
	return kept;
}

struct steps_move
steps_plan_move(const struct steps_plan *p, off_t to, off_t from, off_t limit)
{
	struct steps_cursor start = steps_cursor_at(p, from);
	struct steps_cursor safe = start, end = start;
	struct steps_move m = { .to = to, .from = from };

	/* To here the mailbox may be written over. */
	(void)steps_pass(p, &safe, p->room, limit);
	m.len =
	    steps_pass(p, &end, steps_min(safe.pos - to, p->step_max), limit);
	m.next = end.pos;
	m.kept = steps_min(m.len, count_kept(p, start, to + m.len));
	return m;
}
