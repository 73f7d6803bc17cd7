/*
 * Looks for the room of a commit in steps: a file of its own, or the place of
 * one that is but a cache, and as much behind it as the file system and the
 * user's quota give. In the mailbox process. Must not know what is in the
 * mailbox.
 */
#include "commit/steps_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/compat.h"
#include "base/fileio.h"
#include "base/log.h"
#include "commit/journal.h"

/* Adjacent ranges are one. */
static bool
take_ranges(struct steps_file *f, const struct commit_range *ranges, size_t n)
{
	size_t taken = 0;

	f->ranges = calloc(n, sizeof(*f->ranges));
	if (f->ranges == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (taken > 0 && f->ranges[taken - 1].end == ranges[i].start)
			f->ranges[taken - 1].end = ranges[i].end;
		else
			f->ranges[taken++] = ranges[i];
	}
	f->plan.ranges = f->ranges;
	f->plan.n = taken;
	return true;
}

static off_t
count_moved(const struct steps_plan *p)
{
	struct steps_cursor c = steps_cursor_at(p, p->ranges[0].start);

	return steps_pass(p, &c, p->old_size, p->old_size);
}

static unsigned long
count_steps(const struct steps_plan *p)
{
	off_t to = p->ranges[0].start, from = steps_cursor_at(p, to).pos;
	unsigned long steps = 0;

	while (from < p->old_size && steps <= STEPS_MAX) {
		struct steps_move m = steps_plan_move(p, to, from, p->old_size);

		to += m.len;
		from = m.next;
		steps++;
	}
	return steps;
}

/* Where room cannot be reserved it is taken. */
static bool
fill_up(int fd, off_t size)
{
	static const unsigned char zeros[PAGE];
	struct stat st;

	if (!file_look(fd, &st))
		return false;
	for (off_t at = st.st_size; at < size; at += PAGE) {
		off_t n = size - at < PAGE ? size - at : PAGE;

		if (!file_write(fd, zeros, (size_t)n, at))
			return false;
	}
	/* Some file systems tell of a quota only here. */
	return file_sync_data(fd);
}

static bool
reserve_octets(int fd, off_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	if (limit.rlim_cur != RLIM_INFINITY &&
	    (uint64_t)size > limit.rlim_cur) {
		errno = EFBIG;
		return false;
	}
	if (TEMP_FAILURE_RETRY(fallocate(fd, 0, 0, size)) == 0)
		return true;
	return (errno == EOPNOTSUPP || errno == ENOSYS) && fill_up(fd, size);
}

/* The limit holds for writes inside the mailbox too. */
static bool
may_write_mailbox(off_t end)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	errno = EFBIG;
	return limit.rlim_cur == RLIM_INFINITY ||
	       (uint64_t)end < limit.rlim_cur;
}

/* As much as there is, but not more than is of use. */
static bool
take_room(struct steps_file *f)
{
	struct steps_plan *p = &f->plan;
	off_t base = steps_kept_at(f), useful = count_moved(p), piece = SECTOR;

	if (useful > p->step_max)
		useful = p->step_max;
	p->room = 0;
	if (!reserve_octets(f->fd, base))
		return false;
	while (piece < useful)
		piece *= 2;
	for (; piece >= SECTOR; piece /= 2)
		if (p->room + piece <= p->step_max && p->room < useful &&
		    reserve_octets(f->fd, base + p->room + piece))
			p->room += piece;
	/* What was there may be longer, and what failed may have grown. */
	return file_truncate(f->fd, base + p->room);
}

static void
say_none(const struct steps_file *f, const struct commit_place *place,
	 off_t whole, int why)
{
	off_t least = steps_kept_at(f) + count_moved(&f->plan) / STEPS_MAX;
	struct stat st = { .st_size = 0 };

	/* Where it fails, 0 is told. */
	(void)file_look(f->fd, &st);
	log_line(LOG_ERR, EVENT_COMMIT,
		 "%s: no room for the journal (%s): %lld octets are needed, or "
		 "%lld to do it in steps, and %lld were to be had",
		 place->path, strerror(why), (long long)whole, (long long)least,
		 (long long)st.st_size);
}

static void
say_steps(const struct steps_file *f, const struct commit_place *place,
	  off_t whole, unsigned long steps, int why)
{
	long long room = steps_kept_at(f) + f->plan.room;

	log_line(LOG_WARNING, EVENT_COMMIT,
		 "%s: no room for a journal of %lld octets (%s); with %lld the "
		 "mailbox is moved down in %lu steps",
		 place->path, (long long)whole, strerror(why), room, steps);
}

bool
steps_find_room(struct steps_file *f, off_t size,
		const struct commit_place *place,
		const struct commit_range *ranges, size_t n, int why)
{
	off_t whole = journal_need(size, ranges, n);
	unsigned long steps;

	f->plan.old_size = size;
	f->plan.step_max = STEPS_STEP_MAX;
	if (!take_ranges(f, ranges, n))
		return false;
	if (!may_write_mailbox(f->ranges[0].start + count_moved(&f->plan)))
		return false;
	f->fd = journal_create_draft(place->dir, place->spare);
	if (f->fd < 0)
		return false;
	steps = take_room(f) ? count_steps(&f->plan) : STEPS_MAX + 1;
	if (steps <= STEPS_MAX) {
		say_steps(f, place, whole, steps, why);
		return true;
	}
	say_none(f, place, whole, why);
	errno = why;
	return false;
}
