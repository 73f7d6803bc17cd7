/* Matches two scans by content. Reads no file. */
#include "mbox/refind.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct order {
	uint32_t *index;
	size_t count;
	const struct mbox *mbox;
};

/* By content, copies as they come. */
static int
by_content(const void *a, const void *b, void *arg)
{
	const struct mbox_message *messages = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = memcmp(messages[x].id, messages[y].id, MBOX_ID_SIZE);

	return order != 0 ? order : (x > y) - (x < y);
}

static bool
sort(struct order *o, const struct mbox *m)
{
	*o = (struct order){ .mbox = m };
	o->index = malloc((m->count + 1) * sizeof(*o->index));
	if (o->index == NULL)
		return false;
	for (size_t i = 0; i < m->count; i++)
		if ((m->messages[i].flags & MESSAGE_GONE) == 0)
			o->index[o->count++] = (uint32_t)i;
	qsort_r(o->index, o->count, sizeof(*o->index), by_content, m->messages);
	return true;
}

static const struct mbox_message *
at(const struct order *o, size_t i)
{
	return &o->mbox->messages[o->index[i]];
}

/* How many copies of the content at `from` follow each other. */
static size_t
copies(const struct order *o, size_t from, const unsigned char *id)
{
	size_t n = 0;

	while (from + n < o->count &&
	       memcmp(at(o, from + n)->id, id, MBOX_ID_SIZE) == 0)
		n++;
	return n;
}

static void
move(struct mbox_message *seen, const struct mbox_message *now)
{
	seen->start = now->start;
	seen->size = now->size;
	seen->octets = now->octets;
	seen->from_len = now->from_len;
	seen->separator = now->separator;
	seen->no_newline = now->no_newline;
	seen->flags &= (uint8_t)~MESSAGE_UNPROVEN;
}

/* All copies are there: each has its place among them. */
static void
share_out(struct mbox *seen, const struct order *old, size_t i, size_t want,
	  const struct order *new, size_t j)
{
	for (size_t k = 0; k < want; k++)
		move(&seen->messages[old->index[i + k]], at(new, j + k));
}

/*
 * Of `want` copies in `seen` from i on there are only `have` in `now`, from j
 * on: first come those that are to stay.
 */
static void
share_out_few(struct mbox *seen, const struct order *old, size_t i, size_t want,
	      const struct order *new, size_t j, size_t have)
{
	size_t taken = 0;

	for (size_t k = 0; k < 2 * want; k++) {
		struct mbox_message *msg =
		    &seen->messages[old->index[i + k % want]];

		if (((msg->flags & MESSAGE_DELETED) != 0) != (k >= want))
			continue;
		if (taken == have) {
			msg->flags |= MESSAGE_GONE;
			continue;
		}
		move(msg, at(new, j + taken++));
		msg->flags |= MESSAGE_DOUBTFUL;
	}
}

bool
refind(struct mbox *seen, const struct mbox *now)
{
	struct order old = { 0 }, new = { 0 };
	size_t i = 0, j = 0;
	bool ok = sort(&old, seen) && sort(&new, now);

	while (ok && i < old.count) {
		const unsigned char *id = at(&old, i)->id;
		size_t want = copies(&old, i, id);

		while (j < new.count &&
		       memcmp(at(&new, j)->id, id, MBOX_ID_SIZE) < 0)
			j++;
		size_t have = copies(&new, j, id);
		if (have < want)
			share_out_few(seen, &old, i, want, &new, j, have);
		else
			share_out(seen, &old, i, want, &new, j);
		i += want;
		j += have;
	}
	free(old.index);
	free(new.index);
	return ok;
}
