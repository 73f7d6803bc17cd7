/*
 * The messages of one session: which there are, and which are to go. Runs in
 * the mailbox process, as the user; how the mailbox file is watched is
 * mailbox.c's matter.
 */
#include "mbox/maildrop_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commit/commit.h"
#include "base/log.h"
#include "mbox/refind.h"
#include "mbox/uidl.h"

enum {
	/* a session that is just ending leaves its lock within this time */
	SESSION_WAIT_MS = 1000,
	SESSION_STEP_MS = 20
};

/* ---- opening and closing */

static enum maildrop_result
state_fault(const char *what)
{
	log_line(LOG_ERR, EVENT_SETUP, "state directory: %s: %s", what,
		 strerror(errno));
	return errno == EACCES || errno == EPERM || errno == ENOENT ||
		       errno == EROFS || errno == ELOOP
		   ? MAILDROP_PERMANENT
		   : MAILDROP_TEMPORARY;
}

static enum maildrop_result
take_session_lock(struct maildrop *m)
{
	const struct timespec step = { .tv_nsec = SESSION_STEP_MS * 1000000L };
	enum lock_result r = LOCK_BUSY;

	for (int ms = 0; r == LOCK_BUSY && ms < SESSION_WAIT_MS;
	     ms += SESSION_STEP_MS) {
		r = session_lock_take(&m->session_lock, m->state_dir);
		if (r == LOCK_BUSY)
			nanosleep(&step, NULL);
	}
	if (r == LOCK_BUSY)
		return MAILDROP_IN_USE;
	return r == LOCK_OK ? MAILDROP_OK : state_fault("lock");
}

static enum maildrop_result
prepare(struct maildrop *m, const struct options *o, const char *path,
	const char *state_dir, const struct dotlock_keeper *keeper)
{
	m->options = o;
	m->session_lock = (struct session_lock){ .fd = -1, .watch = -1 };
	m->mailbox.path = path;
	m->mailbox.fd = -1;
	lock_init(&m->mailbox.lock, o->locks, o->lock_timeout, path, keeper);
	m->state_dir =
	    open(state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->state_dir < 0 || fchdir(m->state_dir) != 0)
		return state_fault(state_dir);
	return MAILDROP_OK;
}

static enum maildrop_result
finish_commit(struct maildrop *m)
{
	switch (commit_recover(m->mailbox.fd, m->state_dir)) {
	case COMMIT_DONE:
	case COMMIT_NOTHING:
	case COMMIT_RESCUED:
		return MAILDROP_OK;
	case COMMIT_PENDING:
		return m->mailbox.fd < 0 ? MAILDROP_OK : MAILDROP_TEMPORARY;
	default:
		return MAILDROP_TEMPORARY;
	}
}

/* Opens the mailbox, locks it, and finishes what was cut. */
static enum maildrop_result
open_locked(struct maildrop *m)
{
	enum maildrop_result r = mailbox_open(&m->mailbox);

	if (r == MAILDROP_OK)
		r = mailbox_lock_exclusive(&m->mailbox);
	if (r == MAILDROP_OK && commit_pending(m->state_dir))
		r = finish_commit(m);
	return r;
}

static void
find_last(struct maildrop *m)
{
	const struct index_last *last = &m->kept_last;

	for (size_t n = maildrop_count(m); last->known && n > 0; n--)
		if (message(m, n)->copy == last->copy &&
		    memcmp(message(m, n)->id, last->id, MBOX_ID_SIZE) == 0) {
			m->last = n;
			break;
		}
	m->last_at_login = m->last;
}

/*
 * Of a mailbox that was rewritten in the session: which message has which id,
 * but no place, so that it fits no mailbox.
 */
static bool
save_ids(const struct maildrop *m)
{
	static const struct snapshot none;
	const struct mbox *box = &m->mailbox.mbox;
	struct mbox ids = { .uidls = box->uidls,
			    .uidls_len = box->uidls_len,
			    .messages =
				calloc(box->count + 1, sizeof(*ids.messages)) };

	if (ids.messages == NULL)
		return false;
	for (size_t i = 0; i < box->count; i++) {
		const struct mbox_message *msg = &box->messages[i];
		struct mbox_message *kept = &ids.messages[ids.count];

		if (msg->flags & MESSAGE_GONE)
			continue;
		kept->uidl = msg->uidl;
		memcpy(kept->id, msg->id, MBOX_ID_SIZE);
		ids.count++;
	}
	bool ok = index_save(m->state_dir, m->options->uidl, &ids, &none,
			     &m->kept_last);
	free(ids.messages);
	return ok;
}

static bool
save_all(const struct maildrop *m)
{
	/* Mail that arrived meanwhile is for the next to scan. */
	struct snapshot seen = m->mailbox.snapshot;

	seen.size = m->mailbox.mbox.size;
	return index_save(m->state_dir, m->options->uidl, &m->mailbox.mbox,
			  &seen, &m->kept_last);
}

/* A cache that cannot be written costs time, not mail. */
static void
save_index(struct maildrop *m)
{
	if (m->mailbox.fd < 0)
		return;
	if (!(m->mailbox.rewritten ? save_ids(m) : save_all(m)))
		log_line(LOG_WARNING, EVENT_SETUP, "index: %s",
			 strerror(errno));
	m->index_has_news = false;
}

void
maildrop_save_index(struct maildrop *m)
{
	if (m->index_has_news)
		save_index(m);
}

static enum maildrop_result
open_maildrop(struct maildrop *m)
{
	bool indexed;
	enum maildrop_result r = take_session_lock(m);

	if (r == MAILDROP_OK)
		r = open_locked(m);
	if (r == MAILDROP_OK)
		r = mailbox_scan(&m->mailbox, m->state_dir, m->options->uidl,
				 &m->kept_last, &indexed);
	lock_release(&m->mailbox.lock);
	if (r != MAILDROP_OK)
		return r;
	find_last(m);
	m->index_has_news = !indexed;
	return r;
}

static struct maildrop *
make_maildrop(void)
{
	struct maildrop *m = malloc(sizeof(*m) + MAILDROP_PIECE_SIZE);

	if (m != NULL)
		memset(m, 0, sizeof(*m));
	return m;
}

enum maildrop_result
maildrop_open(struct maildrop **maildrop, const struct options *o,
	      const char *path, const char *state_dir,
	      const struct dotlock_keeper *keeper)
{
	struct maildrop *m = make_maildrop();

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	enum maildrop_result r = prepare(m, o, path, state_dir, keeper);
	if (r == MAILDROP_OK)
		r = open_maildrop(m);
	if (r == MAILDROP_OK)
		*maildrop = m;
	else
		maildrop_close(m);
	return r;
}

enum maildrop_result
maildrop_recover(const struct options *o, const char *path,
		 const char *state_dir, const struct dotlock_keeper *keeper)
{
	struct maildrop *m = make_maildrop();

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	enum maildrop_result r = prepare(m, o, path, state_dir, keeper);
	if (r == MAILDROP_OK)
		r = open_locked(m);
	/* The mailbox is missing. */
	if (r == MAILDROP_OK && commit_pending(m->state_dir))
		r = MAILDROP_TEMPORARY;
	maildrop_close(m);
	return r;
}

void
maildrop_close(struct maildrop *m)
{
	mailbox_close(&m->mailbox);
	mbox_free(&m->mailbox.mbox);
	session_lock_release(&m->session_lock);
	if (m->state_dir >= 0)
		close(m->state_dir);
	free(m);
}

int
maildrop_offer(struct maildrop *m)
{
	return session_lock_offer(&m->session_lock);
}

bool
maildrop_resume(struct maildrop *m)
{
	return session_lock_resume(&m->session_lock);
}

/* ---- what there is */

size_t
maildrop_count(const struct maildrop *m)
{
	return m->mailbox.mbox.count;
}

bool
maildrop_exists(const struct maildrop *m, size_t n)
{
	return n > 0 && n <= maildrop_count(m) &&
	       (message(m, n)->flags & MESSAGE_DELETED) == 0;
}

void
maildrop_total(const struct maildrop *m, size_t *count, off_t *octets)
{
	*count = 0;
	*octets = 0;
	for (size_t n = 1; n <= maildrop_count(m); n++)
		if (maildrop_exists(m, n)) {
			*count += 1;
			*octets += message(m, n)->octets;
		}
}

off_t
maildrop_octets(const struct maildrop *m, size_t n)
{
	return message(m, n)->octets;
}

void
maildrop_uidl(const struct maildrop *m, size_t n, char uidl[MAILDROP_UIDL_SIZE])
{
	uidl_format(&m->mailbox.mbox, n - 1, uidl);
}

void
maildrop_delete(struct maildrop *m, size_t n)
{
	message(m, n)->flags |= MESSAGE_DELETED;
}

void
maildrop_reset(struct maildrop *m)
{
	for (size_t n = 1; n <= maildrop_count(m); n++)
		message(m, n)->flags &= (uint8_t)~MESSAGE_DELETED;
	m->last = m->last_at_login;
}

size_t
maildrop_deleted(const struct maildrop *m)
{
	size_t deleted = 0;

	for (size_t n = 1; n <= maildrop_count(m); n++)
		if (message(m, n)->flags & MESSAGE_DELETED)
			deleted++;
	return deleted;
}

size_t
maildrop_last(const struct maildrop *m)
{
	return m->last;
}

void
maildrop_accessed(struct maildrop *m, size_t n)
{
	if (n > m->last)
		m->last = n;
}

/* ---- removing */

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
prove_deleted(struct maildrop *m)
{
	for (size_t n = 1; n <= maildrop_count(m); n++) {
		if (!is_removable(message(m, n)))
			continue;
		enum maildrop_result r = mailbox_prove(&m->mailbox, n - 1);
		if (r != MAILDROP_OK && r != MAILDROP_GONE)
			return r;
	}
	return MAILDROP_OK;
}

static struct commit_range *
collect_ranges(struct maildrop *m, size_t *count)
{
	struct commit_range *ranges =
	    malloc((maildrop_deleted(m) + 1) * sizeof(*ranges));

	*count = 0;
	for (size_t n = 1; ranges != NULL && n <= maildrop_count(m); n++) {
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
left_over(const struct maildrop *m)
{
	size_t left = 0;

	for (size_t n = 1; n <= maildrop_count(m); n++) {
		unsigned flags = message(m, n)->flags;
		if ((flags & MESSAGE_DELETED) && (flags & MESSAGE_DOUBTFUL) &&
		    (flags & MESSAGE_GONE) == 0)
			left++;
	}
	return left;
}

/*
 * What is the first now may look like c-client's own message, which only there
 * is not listed.
 */
static bool
is_internal_now(const struct maildrop *m)
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
drop_removed(struct maildrop *m, bool finished)
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
	if (!finished || fstat(m->mailbox.fd, &st) != 0 ||
	    (first_goes && is_internal_now(m)))
		m->mailbox.rewritten = true;
	else
		mailbox_committed(&m->mailbox, &st);
	m->index_has_news = true;
}

static enum maildrop_result
read_only(const struct maildrop *m)
{
	log_line(LOG_ERR, EVENT_COMMIT,
		 "mailbox %s is read-only, nothing was removed",
		 m->mailbox.path);
	return MAILDROP_PERMANENT;
}

static enum maildrop_result
commit_locked(struct maildrop *m, size_t *removed)
{
	size_t count, wanted = maildrop_deleted(m);
	struct stat st;
	enum maildrop_result r = prove_deleted(m);

	if (r != MAILDROP_OK)
		return r;
	if (!m->mailbox.writable && m->mailbox.fd >= 0)
		return read_only(m);
	size_t left = left_over(m);
	struct commit_range *ranges = collect_ranges(m, &count);
	enum commit_result result = COMMIT_FAILED;
	if (ranges != NULL && count == 0)
		result = COMMIT_DONE;
	else if (ranges != NULL && fstat(m->mailbox.fd, &st) == 0)
		result = commit_remove(m->mailbox.fd, st.st_size, m->state_dir,
				       ranges, count);
	free(ranges);
	if (result == COMMIT_FAILED)
		return MAILDROP_TEMPORARY;
	/* Also one that is still to be finished is decided. */
	*removed = wanted - left;
	if (count > 0)
		drop_removed(m, result == COMMIT_DONE);
	return left == 0 ? MAILDROP_OK : MAILDROP_TEMPORARY;
}

static enum maildrop_result
remove_deleted(struct maildrop *m, size_t *removed)
{
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

/* The content of the highest message that was accessed and stays. */
static void
keep_last(struct maildrop *m)
{
	for (size_t n = m->last; n > 0; n--) {
		const struct mbox_message *msg = message(m, n);
		if (msg->flags & (MESSAGE_DELETED | MESSAGE_GONE))
			continue;
		if (!m->kept_last.known || m->kept_last.copy != msg->copy ||
		    memcmp(m->kept_last.id, msg->id, MBOX_ID_SIZE) != 0)
			m->index_has_news = true;
		m->kept_last.known = true;
		m->kept_last.copy = msg->copy;
		memcpy(m->kept_last.id, msg->id, MBOX_ID_SIZE);
		return;
	}
	m->index_has_news |= m->kept_last.known;
	m->kept_last.known = false;
}

enum maildrop_result
maildrop_commit(struct maildrop *m, size_t *removed)
{
	enum maildrop_result r = MAILDROP_OK;

	*removed = 0;
	keep_last(m);
	if (maildrop_deleted(m) > 0)
		r = remove_deleted(m, removed);
	maildrop_save_index(m);
	return r;
}
