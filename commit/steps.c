/*
 * The order of a commit in steps: the journal is there, with a record of the
 * first step; the step's bytes are in their place; the record of the next step
 * takes the place of the older of two; and so on. Each is durable before the
 * next. The last record says that all is moved: then a NUL stands where the
 * mailbox is to end, as with a whole journal, and it is truncated.
 *
 * A record tells, by hashes, all that the mailbox holds from the first change
 * on, before its step and after it. Whoever finds neither leaves it alone. What
 * was delivered since stands behind all that and is moved down too.
 */
#include "commit/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fileio.h"
#include "base/log.h"
#include "commit/steps_file.h"
#include "commit/steps_room.h"

struct steps {
	struct steps_file file;
	struct steps_record record; /* the step that is next, or under way */
	unsigned char *payload;	    /* what it moves */
	off_t limit;		    /* what stands behind is not moved */
	XXH3_state_t moved;	    /* of all before the record's end */
};

enum { READ_SIZE = 64 * 1024 };

/* What the mailbox holds */

static struct journal_hash
digest(const XXH3_state_t *state)
{
	XXH128_hash_t hash = XXH3_128bits_digest(state);

	return (struct journal_hash){ hash.low64, hash.high64 };
}

static void
add(struct journal_hash *sum, struct journal_hash hash)
{
	sum->low += hash.low;
	sum->high += hash.high;
}

static void
subtract(struct journal_hash *sum, struct journal_hash hash)
{
	sum->low -= hash.low;
	sum->high -= hash.high;
}

/* Reads what the step moves, without the first `have` bytes of it. */
static bool
read_payload(const struct commit *c, const struct steps_move *m, off_t have)
{
	const struct steps_plan *p = &c->steps->file.plan;
	struct steps_cursor at = steps_cursor_at(p, m->from);
	off_t pos;

	(void)steps_pass(p, &at, have, m->next);
	while (have < m->len && at.pos < m->next) {
		off_t n = steps_piece(
		    p, &at, steps_min(m->len - have, m->next - at.pos), &pos);

		if (!file_read(c->mailbox, c->steps->payload + have, (size_t)n,
			       pos))
			return false;
		have += n;
	}
	return true;
}

/* The mailbox's bytes from `at` to `to` go into the hash of what is moved. */
static bool
hash_moved(struct commit *c, off_t at, off_t to)
{
	unsigned char *buf = aligned_alloc(PAGE, READ_SIZE);
	bool ok = buf != NULL;

	while (ok && at < to) {
		off_t n = steps_min(to - at, READ_SIZE);

		ok = file_read(c->mailbox, buf, (size_t)n, at);
		if (ok)
			(void)XXH3_128bits_update(&c->steps->moved, buf,
						  (size_t)n);
		at += n;
	}
	free(buf);
	return ok;
}

/* The sum of the hashes of all steps from there to the old end. */
static bool
hash_steps(struct commit *c, off_t to, off_t from, struct journal_hash *sum)
{
	struct steps *s = c->steps;

	*sum = (struct journal_hash){ 0, 0 };
	while (from < s->file.plan.old_size) {
		struct steps_move m = steps_plan_move(&s->file.plan, to, from,
						      s->file.plan.old_size);

		if (!read_payload(c, &m, 0))
			return false;
		add(sum, steps_hash(s->payload, m.len, (uint64_t)m.from));
		to += m.len;
		from = m.next;
	}
	return true;
}

/* Steps; each may be done again */

/* The record of the step that moves what is at `from`. */
static bool
prepare(struct commit *c, off_t to, off_t from, struct journal_hash rest)
{
	struct steps *s = c->steps;
	struct steps_record r = { .number = s->record.number + 1,
				  .before = digest(&s->moved),
				  .rest = rest };

	r.move = steps_plan_move(&s->file.plan, to, from, s->limit);
	if (!read_payload(c, &r.move, 0))
		return false;
	r.payload = steps_hash(s->payload, r.move.len, (uint64_t)from);
	r.kept = steps_hash(s->payload, r.move.kept, 0);
	if (from < s->file.plan.old_size)
		subtract(&r.rest, r.payload);
	(void)XXH3_128bits_update(&s->moved, s->payload, (size_t)r.move.len);
	r.after = digest(&s->moved);
	s->record = r;
	return true;
}

static bool
prepare_next(struct commit *c)
{
	struct steps *s = c->steps;
	off_t to = s->record.move.to + s->record.move.len;
	off_t from = s->record.move.next;

	if (from >= s->limit)
		s->limit = c->size;
	return prepare(c, to, from, s->record.rest);
}

static bool
put_step(struct commit *c)
{
	const struct steps *s = c->steps;

	if (!fence_stands(&c->fence, &c->journal))
		return false;
	c->fence.settled = false;
	return file_write(c->mailbox, s->payload, (size_t)s->record.move.len,
			  s->record.move.to) &&
	       file_sync(c->mailbox) && course_note(c);
}

static bool
put_stop(struct commit *c)
{
	static const char stop = '\0';

	if (!fence_stands(&c->fence, &c->journal))
		return false;
	c->fence.settled = false;
	return file_write(c->mailbox, &stop, sizeof(stop),
			  c->steps->record.move.to) &&
	       file_sync(c->mailbox) && course_note(c);
}

static bool
note_record(struct commit *c)
{
	const struct steps *s = c->steps;

	return fence_stands(&c->fence, &c->journal) &&
	       steps_write_record(&s->file, &s->record, s->payload);
}

/* The course */

static enum commit_result
end_mailbox(struct commit *c)
{
	c->journal.end = c->steps->record.move.to;
	if (!course_attempt(c, course_cut, "truncating the mailbox"))
		return course_pending();
	return course_conclude(c);
}

/* The step that the record tells of is in its place: the next ones. */
static enum commit_result
go_on(struct commit *c)
{
	const struct steps_move *m = &c->steps->record.move;

	for (;;) {
		if (!course_attempt(c, prepare_next, "reading the mailbox") ||
		    (m->len == 0 &&
		     !course_attempt(c, put_stop, "writing the mailbox")) ||
		    !course_attempt(c, note_record, "writing the journal"))
			return course_pending();
		if (m->len == 0)
			return end_mailbox(c);
		if (!course_attempt(c, put_step, "writing the mailbox"))
			return course_pending();
	}
}

/* The record's step is to be done. */
static enum commit_result
finish_steps(struct commit *c)
{
	if (!course_attempt(c, put_step, "writing the mailbox"))
		return course_pending();
	return go_on(c);
}

/* The commit */

static bool
begin(struct commit *c)
{
	struct steps *s = aligned_alloc(_Alignof(struct steps), sizeof(*s));

	if (s == NULL)
		return false;
	memset(s, 0, sizeof(*s));
	s->file.fd = -1;
	c->steps = s;
	return true;
}

static bool
allocate(struct steps *s)
{
	s->payload = aligned_alloc(PAGE, (size_t)s->file.plan.step_max);
	(void)XXH3_128bits_reset(&s->moved);
	return s->payload != NULL;
}

static void
end(struct commit *c)
{
	int saved = errno;

	free(c->steps->payload);
	free(c->steps->file.ranges);
	free(c->steps);
	c->steps = NULL;
	errno = saved;
}

static bool
write_steps(struct commit *c)
{
	struct steps *s = c->steps;
	struct journal_hash all;
	off_t to = s->file.ranges[0].start;
	off_t from = steps_cursor_at(&s->file.plan, to).pos;

	s->limit = s->file.plan.old_size;
	return allocate(s) && steps_write_head(&s->file) &&
	       hash_steps(c, to, from, &all) && prepare(c, to, from, all) &&
	       steps_write_record(&s->file, &s->record, s->payload) &&
	       file_sync(s->file.fd);
}

static enum commit_result
give_up(struct commit *c)
{
	int saved = errno;

	(void)journal_close(&c->journal);
	/* One that stays behind decides nothing and is removed later. */
	(void)journal_remove_draft(c->dir);
	errno = saved;
	return course_failed("cannot write the journal");
}

enum commit_result
steps_commit(struct commit *c, const struct commit_place *place,
	     const struct commit_range *ranges, size_t n)
{
	enum commit_result result;
	int why = errno;

	c->journal = (struct journal){ .fd = -1 };
	if (!begin(c))
		return give_up(c);
	struct steps_file *f = &c->steps->file;
	f->unread = c->unread;
	bool room = steps_find_room(f, c->size, place, ranges, n, why);
	c->journal.fd = f->fd;
	result = room && write_steps(c) ? course_carry_through(c, finish_steps)
					: give_up(c);
	end(c);
	return result;
}

/* Recovery */

enum standing {
	STANDING_BEFORE, /* the record's step is to be done */
	STANDING_AFTER,	 /* it is done */
	STANDING_NOT,	 /* somebody has changed the mailbox */
	STANDING_ERROR
};

/* All that the step moves: what is kept of it, and the rest in the mailbox. */
static bool
restore_payload(struct commit *c, const struct steps_record *r)
{
	struct steps *s = c->steps;

	return steps_read_kept(&s->file, r, s->payload) &&
	       read_payload(c, &r->move, r->move.kept);
}

static bool
rest_stands(struct commit *c, const struct steps_record *r, bool *stands)
{
	struct journal_hash rest;

	if (!hash_steps(c, r->move.to + r->move.len, r->move.next, &rest))
		return false;
	*stands = steps_hash_equal(rest, r->rest);
	return true;
}

/* What is before the record's step is as it says. */
static enum standing
judge_step(struct commit *c, const struct steps_record *r)
{
	struct steps *s = c->steps;
	XXH3_state_t before;
	bool stands;

	if (c->size < s->file.plan.old_size || c->size < r->move.next)
		return STANDING_NOT;
	if (!rest_stands(c, r, &stands))
		return STANDING_ERROR;
	if (!stands)
		return STANDING_NOT;
	XXH3_copyState(&before, &s->moved);
	if (!hash_moved(c, r->move.to, r->move.to + r->move.len))
		return STANDING_ERROR;
	if (steps_hash_equal(digest(&s->moved), r->after))
		return STANDING_AFTER;
	if (!restore_payload(c, r))
		return STANDING_ERROR;
	XXH3_copyState(&s->moved, &before);
	(void)XXH3_128bits_update(&s->moved, s->payload, (size_t)r->move.len);
	return steps_hash_equal(digest(&s->moved), r->after) ? STANDING_BEFORE
							     : STANDING_NOT;
}

/* Where the record says that all is moved. */
static enum standing
judge_end(struct commit *c, const struct steps_record *r)
{
	char byte;

	/* It is truncated already where it is shorter, or has other mail. */
	if (c->size < r->move.from)
		return STANDING_AFTER;
	if (!file_read(c->mailbox, &byte, 1, r->move.to))
		return STANDING_ERROR;
	return byte == '\0' ? STANDING_BEFORE : STANDING_AFTER;
}

static enum standing
judge_record(struct commit *c, const struct steps_record *r)
{
	struct steps *s = c->steps;

	(void)XXH3_128bits_reset(&s->moved);
	if (c->size < r->move.to)
		return STANDING_NOT;
	if (!hash_moved(c, s->file.ranges[0].start, r->move.to))
		return STANDING_ERROR;
	if (!steps_hash_equal(digest(&s->moved), r->before))
		return STANDING_NOT;
	return r->move.len > 0 ? judge_step(c, r) : judge_end(c, r);
}

static enum commit_result
carry_out_end(struct commit *c, enum standing standing)
{
	const struct steps_move *m = &c->steps->record.move;

	if (standing == STANDING_BEFORE)
		return c->size > m->from ? go_on(c) : end_mailbox(c);
	if (!course_attempt(c, course_seal, "writing the mailbox"))
		return course_pending();
	return course_conclude(c);
}

static enum commit_result
carry_out_record(struct commit *c, enum standing standing)
{
	struct steps *s = c->steps;
	bool ended = s->record.move.len == 0;
	bool truncated = ended && standing == STANDING_AFTER;
	long long arrived =
	    c->size - (truncated ? s->record.move.to : s->file.plan.old_size);
	enum commit_result result;

	c->unread = s->file.unread || arrived > 0;
	s->limit = s->record.move.from < s->file.plan.old_size
		       ? s->file.plan.old_size
		       : c->size;
	if (!course_attempt(c, course_settle, "writing the journal"))
		return course_pending();
	if (ended)
		result = carry_out_end(c, standing);
	else
		result =
		    standing == STANDING_AFTER ? go_on(c) : finish_steps(c);
	if (result == COMMIT_DONE)
		course_tell_finished(arrived);
	return result;
}

/*
 * The younger record counts, if what is kept of its step is on the disk too;
 * else its step was not begun, and the older one's is done.
 */
static enum steps_fit
replay_records(struct commit *c, enum commit_result *result)
{
	struct steps *s = c->steps;
	struct steps_record records[2];
	int n = steps_read_records(&s->file, records);

	if (n == 0)
		return STEPS_DAMAGED;
	for (int i = 0; i < n; i++) {
		enum standing standing = judge_record(c, &records[i]);

		if (standing == STANDING_ERROR)
			return STEPS_ERROR;
		if (standing == STANDING_NOT)
			continue;
		s->record = records[i];
		*result = carry_out_record(c, standing);
		return STEPS_FIT;
	}
	return n < 0 ? STEPS_ERROR : STEPS_NOT;
}

enum steps_fit
steps_recover(struct commit *c, enum commit_result *result)
{
	enum steps_fit fit = STEPS_ERROR;

	if (!begin(c))
		return STEPS_ERROR;
	c->steps->file.fd = c->journal.fd;
	switch (steps_read_head(&c->steps->file)) {
	case JOURNAL_OK:
		if (allocate(c->steps))
			fit = replay_records(c, result);
		break;
	case JOURNAL_DAMAGED:
		fit = STEPS_DAMAGED;
		break;
	default:
		break;
	}
	end(c);
	return fit;
}
