/*
 * Takes ranges of bytes out of a mailbox: when to write a journal, in which
 * order it is carried out, and what becomes of one that is found. In the
 * mailbox process and wherever a commit is finished. Must not know what the
 * bytes mean, nor how the journal's file looks.
 *
 * The order, each step durable before the next: the journal is there; the
 * payload is in place, with a NUL where the mailbox is to end; the journal is
 * marked; the mailbox is truncated; the journal is gone. No mail begins with a
 * NUL. So a journal without the mark belongs to a mailbox that still has its
 * old tail, and one with the mark to a mailbox with a NUL there, or to one that
 * has been truncated, whatever was delivered since.
 */
#include "commit/commit.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "commit/course.h"
#include "commit/fence.h"
#include "commit/journal.h"
#include "commit/steps.h"

enum { NAME_SIZE = 64 };

/* What a journal says to the mailbox that is there. */
enum fit {
	FIT_UNFINISHED, /* the mailbox is still to be truncated */
	FIT_TRUNCATED,	/* nothing is left to be done */
	FIT_NOT		/* somebody has changed the mailbox */
};

static const char rescue_draft[] = "rescue.tmp";

static bool
put_in_place(struct commit *c)
{
	static const char stop = '\0';
	const struct journal *j = &c->journal;

	if (!fence_stands(&c->fence, j))
		return false;
	if (c->fence.size < j->old_size) {
		errno = ESTALE;
		return false;
	}
	c->fence.settled = false;
	return journal_copy(j, c->mailbox, j->first) &&
	       file_write(c->mailbox, &stop, sizeof(stop), j->end) &&
	       file_sync(c->mailbox) && course_note(c);
}

static bool
note_truncation(struct commit *c)
{
	return fence_stands(&c->fence, &c->journal) &&
	       journal_mark(&c->journal);
}

/*
 * What has arrived behind the old end moves down to the new one by a commit of
 * its own, whose journal takes the place of the one that is in place already.
 */
static bool
turn_to_arrivals(struct commit *c)
{
	struct commit_range gap = { c->journal.end, c->journal.old_size };
	struct journal next;
	int saved;

	if (!fence_stands(&c->fence, &c->journal) ||
	    !journal_write(&next, c->dir, c->mailbox, c->size, &gap, 1, true))
		return false;
	if (!fence_stands(&c->fence, &c->journal) || !journal_publish(c->dir) ||
	    !course_sync_dir(c)) {
		saved = errno;
		(void)journal_close(&next);
		errno = saved;
		return false;
	}
	(void)journal_close(&c->journal);
	c->journal = next;
	return true;
}

/* The commit */

/* From a durable journal to none. */
static enum commit_result
finish(struct commit *c)
{
	if (!course_attempt(c, put_in_place, "writing the mailbox"))
		return course_pending();
	if (c->size > c->journal.old_size &&
	    (!course_attempt(c, turn_to_arrivals, "writing the journal") ||
	     !course_attempt(c, put_in_place, "writing the mailbox")))
		return course_pending();
	if (!course_attempt(c, note_truncation, "marking the journal") ||
	    !course_attempt(c, course_cut, "truncating the mailbox"))
		return course_pending();
	return course_conclude(c);
}

/* Nothing behind `end` is kept, and nothing else than the size changes. */
static enum commit_result
truncate_only(struct commit *c, off_t end)
{
	/* A disk that takes nothing any more tells so while all is there. */
	if (!file_sync(c->mailbox))
		return course_failed("cannot write the mailbox");
	if (!fence_stands(&c->fence, NULL))
		return course_failed("the mailbox's lock was lost");
	if (!file_truncate(c->mailbox, end))
		return course_failed("cannot truncate the mailbox");
	c->fence.size = end;
	/* There is no way back, and nothing that could be tried again. */
	if (!course_attempt(c, course_seal, "truncating the mailbox"))
		log_line(LOG_ERR, EVENT_COMMIT,
			 "the mailbox was made shorter, but %s: after a crash "
			 "the mail may be back",
			 strerror(errno));
	return COMMIT_DONE;
}

static bool
cover_the_end(const struct commit_range *ranges, size_t n, off_t size)
{
	off_t at = ranges[0].start;

	for (size_t i = 0; i < n; i++) {
		assert(at <= ranges[i].start);
		assert(ranges[i].start < ranges[i].end);
		if (at != ranges[i].start)
			return false;
		at = ranges[i].end;
	}
	return at == size;
}

/* Some of it may do. */
static bool
is_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static enum commit_result
remove_moving(struct commit *c, const struct commit_place *place,
	      const struct commit_range *ranges, size_t n)
{
	if (journal_write(&c->journal, c->dir, c->mailbox, c->size, ranges, n,
			  c->unread))
		return course_carry_through(c, finish);
	if (is_no_room(errno))
		return steps_commit(c, place, ranges, n);
	return course_failed("cannot write the journal");
}

/*
 * Only to make the mailbox shorter needs no journal but for this: the file
 * system fills the last block with zeros, and after a power cut they may be
 * there while the size is the old one. So a journal it is, if there is room for
 * one; with size 0 there is no last block.
 */
static enum commit_result
remove_end(struct commit *c, const struct commit_range *ranges, size_t n)
{
	if (ranges[0].start > 0 &&
	    journal_write(&c->journal, c->dir, c->mailbox, c->size, ranges, n,
			  c->unread))
		return course_carry_through(c, finish);
	return truncate_only(c, ranges[0].start);
}

enum commit_result
commit_remove(int mailbox, off_t size, const struct commit_place *place,
	      const struct commit_range *ranges, size_t n,
	      const struct commit_locks *locks)
{
	struct commit c = course_begin(mailbox, place->dir, locks);
	enum commit_result result;

	assert(n > 0 && ranges[0].start >= 0 && ranges[n - 1].end <= size);
	if (!course_examine(&c))
		return course_failed("cannot examine the mailbox");
	if (c.size != size) {
		errno = ESTALE;
		return course_failed("the mailbox has changed");
	}
	if (journal_waits(c.dir)) {
		errno = EBUSY;
		return course_failed("an interrupted commit waits");
	}
	result = cover_the_end(ranges, n, size)
		     ? remove_end(&c, ranges, n)
		     : remove_moving(&c, place, ranges, n);
	if (result != COMMIT_DONE)
		course_restore_times(&c);
	return result;
}

/* Recovery */

bool
commit_pending(int state_dir)
{
	return journal_waits(state_dir) || journal_draft_waits(state_dir);
}

/* A name with the time in it that nothing in the directory has. */
static bool
free_name(int dir, char name[NAME_SIZE], const char *prefix, const char *suffix)
{
	char when[32];
	time_t now = time(NULL);
	struct stat st;
	struct tm tm;

	if (!gmtime_r(&now, &tm) ||
	    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) == 0)
		return false;
	(void)snprintf(name, NAME_SIZE, "%s-%s%s", prefix, when, suffix);
	for (int i = 2; fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0; i++)
		(void)snprintf(name, NAME_SIZE, "%s-%s-%d%s", prefix, when, i,
			       suffix);
	return errno == ENOENT;
}

static bool
set_aside(struct commit *c, const char *prefix, char name[NAME_SIZE])
{
	return free_name(c->dir, name, prefix, "") &&
	       journal_set_aside(c->dir, name) && course_sync_dir(c);
}

/* The journal has no mail that could be saved. */
static enum commit_result
keep_journal(struct commit *c, const char *prefix, const char *why)
{
	char name[NAME_SIZE];

	if (!set_aside(c, prefix, name))
		return course_failed("cannot rename the journal");
	log_line(LOG_CRIT, EVENT_RESCUED,
		 "the journal of an interrupted commit %s; it is kept as %s in "
		 "the state directory, the mailbox is untouched",
		 why, name);
	return COMMIT_RESCUED;
}

static enum commit_result
give_up_damaged(struct commit *c)
{
	return keep_journal(c, "journal.damaged", "is damaged");
}

/* It would only have shortened the mailbox. */
static enum commit_result
give_up_shortening(struct commit *c)
{
	return keep_journal(c, "journal.rescued",
			    "was to remove the last mail of the mailbox, which "
			    "was changed since");
}

static bool
write_rescue(const struct commit *c)
{
	bool ok;
	int fd;

	if (unlinkat(c->dir, rescue_draft, 0) != 0 && errno != ENOENT)
		return false;
	fd = openat(c->dir, rescue_draft,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    S_IRUSR | S_IWUSR);
	if (fd < 0)
		return false;
	ok = journal_copy(&c->journal, fd, 0) && file_sync(fd);
	if (close(fd) != 0 && errno != EINTR)
		ok = false;
	return ok;
}

/* The journal's mail becomes a file of its own. */
static enum commit_result
rescue(struct commit *c)
{
	char name[NAME_SIZE], journal[NAME_SIZE];

	if (c->journal.shortens)
		return give_up_shortening(c);
	if (!write_rescue(c) || !free_name(c->dir, name, "rescue", ".mbox") ||
	    renameat(c->dir, rescue_draft, c->dir, name) != 0) {
		int saved = errno;

		(void)unlinkat(c->dir, rescue_draft, 0);
		errno = saved;
		return course_failed(
		    "cannot save the mail of an interrupted commit");
	}
	/* The mail has its new place before the journal loses its own. */
	if (!course_sync_dir(c) || !set_aside(c, "journal.rescued", journal))
		return course_failed("cannot rename the journal");
	log_line(LOG_CRIT, EVENT_RESCUED,
		 "the mailbox was changed after an interrupted commit; what "
		 "the commit was to keep of it is saved as %s in the state "
		 "directory, the journal as %s, the mailbox is untouched",
		 name, journal);
	return COMMIT_RESCUED;
}

/* Whether the mailbox has the NUL that was put where it is to end. */
static bool
has_stop(const struct commit *c, bool *stop)
{
	char byte;

	*stop = false;
	if (c->size < c->journal.old_size)
		return true;
	if (!file_read(c->mailbox, &byte, 1, c->journal.end))
		return false;
	*stop = byte == '\0';
	return true;
}

static enum fit
judge(const struct commit *c, const struct journal_view *view, bool stop)
{
	if (!c->journal.marked && view->old_or_new && view->old_tail)
		return FIT_UNFINISHED;
	if (!view->all_new)
		return FIT_NOT;
	return c->journal.marked && stop ? FIT_UNFINISHED : FIT_TRUNCATED;
}

static enum commit_result
carry_out(struct commit *c, enum fit fit)
{
	enum commit_result result;
	off_t end = fit == FIT_TRUNCATED ? c->journal.end : c->journal.old_size;
	long long arrived = c->size - end;

	c->unread = c->journal.unread || arrived > 0;
	if (!course_attempt(c, course_settle, "writing the journal"))
		return course_pending();
	if (fit == FIT_UNFINISHED)
		result = finish(c);
	else if (course_attempt(c, course_seal, "writing the mailbox"))
		result = course_conclude(c);
	else
		result = course_pending();
	if (result == COMMIT_DONE)
		course_tell_finished(arrived);
	return result;
}

static enum commit_result
replay(struct commit *c)
{
	struct journal_view view;
	enum fit fit;
	bool stop = false;

	switch (journal_compare(&c->journal, c->mailbox, c->size, &view)) {
	case JOURNAL_OK:
		break;
	case JOURNAL_DAMAGED:
		return give_up_damaged(c);
	case JOURNAL_STEPS:
	case JOURNAL_NONE:
	case JOURNAL_ERROR:
		return course_failed("cannot compare journal and mailbox");
	}
	if (view.all_new && !has_stop(c, &stop))
		return course_failed("cannot read the mailbox");
	fit = judge(c, &view, stop);
	return fit == FIT_NOT ? rescue(c) : carry_out(c, fit);
}

/* The journal has but what one step writes over. */
static enum commit_result
give_up_steps(struct commit *c)
{
	return keep_journal(c, "journal.rescued",
			    "was to move the mailbox down in steps, but the "
			    "mailbox was changed since");
}

static enum commit_result
replay_steps(struct commit *c)
{
	enum commit_result result = COMMIT_FAILED;

	switch (steps_recover(c, &result)) {
	case STEPS_FIT:
		return result;
	case STEPS_DAMAGED:
		return give_up_damaged(c);
	case STEPS_NOT:
		return give_up_steps(c);
	default:
		return course_failed("cannot compare journal and mailbox");
	}
}

static enum commit_result
remove_draft(const struct commit *c)
{
	if (!journal_remove_draft(c->dir))
		return course_failed("cannot remove an unfinished journal");
	return COMMIT_NOTHING;
}

/* It may come back, in a file system that is not mounted, half written. */
static enum commit_result
wait_for_mailbox(const struct commit *c)
{
	if (!journal_waits(c->dir))
		return remove_draft(c);
	log_line(LOG_WARNING, EVENT_COMMIT,
		 "the mailbox is missing, an interrupted commit waits for it");
	return COMMIT_PENDING;
}

enum commit_result
commit_recover(int mailbox, int state_dir, const struct commit_locks *locks)
{
	struct commit c = course_begin(mailbox, state_dir, locks);
	enum journal_result kind;
	enum commit_result result;

	if (mailbox < 0)
		return wait_for_mailbox(&c);
	if (!course_examine(&c))
		return course_failed("cannot examine the mailbox");
	kind = journal_open(&c.journal, state_dir);
	switch (kind) {
	case JOURNAL_OK:
	case JOURNAL_STEPS:
		break;
	case JOURNAL_NONE:
		return remove_draft(&c);
	case JOURNAL_DAMAGED:
		return give_up_damaged(&c);
	default:
		return course_failed("cannot read the journal");
	}
	c.fence.published = true;
	result = kind == JOURNAL_OK ? replay(&c) : replay_steps(&c);
	if (!journal_close(&c.journal))
		log_line(LOG_WARNING, EVENT_COMMIT,
			 "cannot close the journal: %s", strerror(errno));
	if (result != COMMIT_DONE)
		course_restore_times(&c);
	return result;
}
