/*
 * From marks to the ranges of the file that go. Runs in the mailbox process, at
 * QUIT; how they are taken out is commit/'s matter.
 */
#include "mbox/removal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/log.h"
#include "commit/commit.h"
#include "mbox/index.h"

static size_t
marked(const struct mbox_store *m)
{
	size_t n = 0;

	for (size_t i = 1; i <= m->mailbox.mbox.count; i++)
		if (message(m, i)->flags & MESSAGE_DELETED)
			n++;
	return n;
}

static int
by_start(const void *a, const void *b)
{
	const struct commit_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool
is_removable(const struct mbox_message *msg)
{
	return (msg->flags & (MESSAGE_DELETED | MESSAGE_GONE |
			      MESSAGE_DOUBTFUL)) == MESSAGE_DELETED;
}

/* Each message to be removed is looked at before it is. */
static enum maildrop_result
prove_deleted(struct mbox_store *m)
{
	for (size_t n = 1; n <= m->mailbox.mbox.count; n++) {
		if (!is_removable(message(m, n)))
			continue;
		enum maildrop_result r = mailbox_prove(&m->mailbox, n - 1);
		if (r != MAILDROP_OK && r != MAILDROP_GONE)
			return r;
	}
	return MAILDROP_OK;
}

static struct commit_range *
collect_ranges(struct mbox_store *m, size_t *count)
{
	struct commit_range *ranges = malloc((marked(m) + 1) * sizeof(*ranges));

	*count = 0;
	for (size_t n = 1; ranges != NULL && n <= m->mailbox.mbox.count; n++) {
		const struct mbox_message *msg = message(m, n);
		if (is_removable(msg))
			ranges[(*count)++] =
			    (struct commit_range){ msg->start,
						   msg->start + msg->size };
	}
	if (ranges != NULL)
		qsort(ranges, *count, sizeof(*ranges), by_start);
	return ranges;
}

/* Marked and not taken away: because nobody can tell which copy it was. */
static size_t
left_over(const struct mbox_store *m)
{
	size_t left = 0;

	for (size_t n = 1; n <= m->mailbox.mbox.count; n++) {
		unsigned flags = message(m, n)->flags;
		if ((flags & MESSAGE_DELETED) && (flags & MESSAGE_DOUBTFUL) &&
		    (flags & MESSAGE_GONE) == 0)
			left++;
	}
	return left;
}

static void
tell_removed(const struct mbox_store *m)
{
	for (size_t n = 1;
	     m->store.removed != NULL && n <= m->mailbox.mbox.count; n++)
		if (is_removable(message(m, n)))
			m->store.removed(m->store.removed_arg, n);
}

/*
 * What is the first now may look like c-client's own message, which only there
 * is not listed.
 */
static bool
is_internal_now(const struct mbox_store *m)
{
	const struct mbox *box = &m->mailbox.mbox;
	struct mbox one = { 0 };
	bool internal = box->count > 0 && box->messages[0].start == 0 &&
			mbox_scan(&one, m->mailbox.fd, 0,
				  box->messages[0].size) == MBOX_OK &&
			one.internal > 0;

	mbox_free(&one);
	return internal;
}

/*
 * The index of what is left, from the one of what was. Where the commit is not
 * finished yet the mailbox is in nobody's state.
 */
static void
drop_removed(struct mbox_store *m, bool finished)
{
	struct mbox *box = &m->mailbox.mbox;
	bool first_goes = is_removable(&box->messages[0]);
	off_t removed = 0;
	size_t kept = 0;
	struct stat st;

	for (size_t i = 0; i < box->count; i++) {
		struct mbox_message msg = box->messages[i];

		if (is_removable(&msg)) {
			removed += msg.size;
			continue;
		}
		msg.start -= removed;
		box->messages[kept++] = msg;
	}
	box->count = kept;
	box->size -= removed;
	if (!finished || !file_look(m->mailbox.fd, &st) ||
	    (first_goes && is_internal_now(m)))
		m->mailbox.rewritten = true;
	else
		mailbox_committed(&m->mailbox, &st);
	m->index_has_news = true;
}

static bool
still_held(const void *lock)
{
	return lock_still_held(lock);
}

struct commit_locks
mbox_locks(const struct mbox_store *m)
{
	return (struct commit_locks){ still_held, &m->mailbox.lock };
}

static enum maildrop_result
read_only(const struct mbox_store *m)
{
	log_line(LOG_ERR, EVENT_COMMIT,
		 "mailbox %s is read-only, nothing was removed",
		 m->mailbox.path);
	return MAILDROP_PERMANENT;
}

static enum maildrop_result
commit_locked(struct mbox_store *m, size_t *removed)
{
	size_t count, wanted = marked(m);
	struct stat st;
	enum maildrop_result r = prove_deleted(m);

	if (r != MAILDROP_OK)
		return r;
	if (!m->mailbox.writable && m->mailbox.fd >= 0)
		return read_only(m);
	size_t left = left_over(m);
	struct commit_range *ranges = collect_ranges(m, &count);
	const struct commit_locks locks = mbox_locks(m);
	const struct commit_place place = { m->place.state_dir,
					    m->place.state_path, index_name };
	enum commit_result result = COMMIT_FAILED;
	if (ranges != NULL && count == 0)
		result = COMMIT_DONE;
	else if (ranges != NULL && file_look(m->mailbox.fd, &st))
		result = commit_remove(m->mailbox.fd, st.st_size, &place,
				       ranges, count, &locks);
	free(ranges);
	if (result == COMMIT_FAILED) {
		/* The journal may have had its place. */
		m->index_has_news = true;
		return MAILDROP_TEMPORARY;
	}
	tell_removed(m);
	/* Also one that is still to be finished is decided. */
	*removed = wanted - left;
	if (count > 0)
		drop_removed(m, result == COMMIT_DONE);
	return left == 0 ? MAILDROP_OK : MAILDROP_TEMPORARY;
}

enum maildrop_result
mbox_remove_marked(struct mbox_store *m, size_t *removed)
{
	*removed = 0;
	if (marked(m) == 0)
		return MAILDROP_OK;
	enum maildrop_result r = mailbox_revisit(&m->mailbox, true);
	if (r == MAILDROP_OK) {
		r = commit_locked(m, removed);
		lock_release(&m->mailbox.lock);
	}
	if (r != MAILDROP_OK)
		log_line(LOG_ERR, EVENT_COMMIT,
			 "mailbox %s: not all was removed", m->mailbox.path);
	return r;
}
