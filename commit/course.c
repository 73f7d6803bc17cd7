/*
 * The parts of a commit's course that both kinds of journal have. In the
 * mailbox process and wherever a commit is finished. Must not know what is
 * moved where.
 */
#include "commit/course.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fileio.h"
#include "base/log.h"

/* Reports */

enum commit_result
course_failed(const char *what)
{
	int saved = errno;

	log_line(LOG_ERR, EVENT_COMMIT, "%s: %s; the mailbox is as it was",
		 what, strerror(saved));
	errno = saved;
	return COMMIT_FAILED;
}

enum commit_result
course_pending(void)
{
	int saved = errno;

	log_line(LOG_ERR, EVENT_COMMIT,
		 "a commit could not be finished: %s; it will be tried again",
		 strerror(saved));
	errno = saved;
	return COMMIT_PENDING;
}

/*
 * Nothing is undone from here on; what fails once may be over by now. Each step
 * asks the fence first, also the second time: a host that was cut off from the
 * file system fails here, and somebody else may have gone on since.
 */
bool
course_attempt(struct commit *c, bool (*step)(struct commit *),
	       const char *what)
{
	if (step(c))
		return true;
	log_line(LOG_WARNING, EVENT_COMMIT, "%s failed: %s; trying again", what,
		 strerror(errno));
	return step(c);
}

/* Times */

bool
course_examine(struct commit *c)
{
	struct stat st;

	if (!file_look(c->mailbox, &st))
		return false;
	c->size = st.st_size;
	c->atime = st.st_atim;
	c->unread = st.st_mtim.tv_sec > st.st_atim.tv_sec ||
		    (st.st_mtim.tv_sec == st.st_atim.tv_sec &&
		     st.st_mtim.tv_nsec > st.st_atim.tv_nsec);
	c->fence.size = st.st_size;
	c->fence.mtime = st.st_mtim;
	c->fence.settled = true;
	return true;
}

/*
 * "You have new mail" is said where a mailbox was written after it was read.
 * Neither our reading nor our writing shall change what is said.
 */
static void
set_times(const struct commit *c)
{
	struct timespec times[2];
	int saved = errno;

	/*
	 * The kernel would take the time of its last tick. One to the
	 * nanosecond is nobody else's: whoever writes after us changes it.
	 */
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[0] = c->unread ? c->atime : times[1];
	if (futimens(c->mailbox, times) != 0)
		log_line(LOG_WARNING, EVENT_COMMIT,
			 "cannot set the mailbox's times: %s", strerror(errno));
	errno = saved;
}

void
course_restore_times(const struct commit *c)
{
	if (c->unread)
		set_times(c);
}

/* Steps, each of which may be done again */

bool
course_sync_dir(struct commit *c)
{
	/* Some file systems cannot, and need not, sync a directory. */
	return file_sync(c->dir) || errno == EINVAL;
}

bool
course_settle(struct commit *c)
{
	return file_sync(c->journal.fd) && course_sync_dir(c) &&
	       file_sync(c->mailbox);
}

/* Our writing changes the times, never the size. */
bool
course_note(struct commit *c)
{
	off_t size = c->fence.size;

	if (!fence_note(&c->fence))
		return false;
	if (c->fence.size == size)
		return true;
	c->fence.size = size;
	c->fence.settled = false;
	errno = ESTALE;
	return false;
}

bool
course_seal(struct commit *c)
{
	c->fence.settled = false;
	set_times(c);
	return file_sync(c->mailbox) && course_note(c);
}

bool
course_cut(struct commit *c)
{
	if (!fence_stands(&c->fence, &c->journal))
		return false;
	c->fence.settled = false;
	if (!file_truncate(c->mailbox, c->journal.end))
		return false;
	c->fence.size = c->journal.end;
	return course_seal(c);
}

static bool
forget(struct commit *c)
{
	/* Removed already, by us: only the directory is to be written. */
	if (c->removed)
		return course_sync_dir(c);
	/* Another's journal must never be taken for ours. */
	if (!fence_stands(&c->fence, &c->journal) || !journal_remove(c->dir))
		return false;
	c->removed = true;
	return course_sync_dir(c);
}

struct commit
course_begin(int mailbox, int dir, const struct commit_locks *locks)
{
	return (struct commit){
		.mailbox = mailbox,
		.dir = dir,
		.fence = { .mailbox = mailbox, .dir = dir, .locks = locks }
	};
}

/* All is in the mailbox. */
enum commit_result
course_conclude(struct commit *c)
{
	if (!course_attempt(c, forget, "removing the journal") &&
	    journal_waits(c->dir))
		return course_pending();
	return COMMIT_DONE;
}

void
course_tell_finished(long long arrived)
{
	log_line(LOG_NOTICE, EVENT_RECOVERED,
		 "finished an interrupted commit; %lld octets of mail that "
		 "arrived since are kept",
		 arrived);
}

/* A journal that may not be there after a crash has decided nothing. */
static enum commit_result
take_back(const struct commit *c)
{
	int saved = errno;

	if (!fence_stands(&c->fence, &c->journal) || !journal_remove(c->dir))
		return course_pending();
	errno = saved;
	return course_failed("cannot write the state directory");
}

/* From a durable draft to the commit's end. */
enum commit_result
course_carry_through(struct commit *c,
		     enum commit_result (*finish)(struct commit *))
{
	enum commit_result result;

	if (!fence_stands(&c->fence, NULL)) {
		/* The draft may be another's by now; recovery clears it away */
		result = course_failed("the mailbox's lock was lost");
	} else if (!journal_publish(c->dir)) {
		result = course_failed("cannot rename the journal");
		(void)journal_remove_draft(c->dir);
	} else if (c->fence.published = true,
		   !course_attempt(c, course_sync_dir,
				   "writing the state directory")) {
		result = take_back(c);
	} else {
		result = finish(c);
	}
	if (!journal_close(&c->journal))
		log_line(LOG_WARNING, EVENT_COMMIT,
			 "cannot close the journal: %s", strerror(errno));
	return result;
}
