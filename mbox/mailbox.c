/*
 * Runs in the mailbox process. What it says of a message is true of the file
 * at the moment it is used, or it says that the message is gone.
 */
#include "mbox/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "mbox/foreign.h"
#include "mbox/refind.h"
#include "mbox/uidl.h"
#include "mbox/uidl_import.h"

enum {
	FROM_SIZE = 5,
	REVISITS_MAX = 5,
	LOOKS_MAX = 1000,
	/*
	 * A scan of that much takes a millisecond or two: no reason to take
	 * From_ lines for proof that what was there before has not changed.
	 */
	SCANNED_ANYWAY = 8 * 1024 * 1024
};

static enum maildrop_result
fault(const struct mailbox *b, enum maildrop_result r, const char *what)
{
	log_line(LOG_ERR, EVENT_MAILBOX, "mailbox %s: %s", b->path, what);
	return r;
}

static bool
is_permanent(int error)
{
	return error == EACCES || error == EPERM || error == ELOOP ||
	       error == ENOTDIR || error == EISDIR || error == EROFS ||
	       error == ENAMETOOLONG || error == ENXIO;
}

static enum maildrop_result
system_fault(const struct mailbox *b)
{
	return fault(
	    b, is_permanent(errno) ? MAILDROP_PERMANENT : MAILDROP_TEMPORARY,
	    strerror(errno));
}

/* ---- opening */

/* Reading must not make new mail look read: hence O_NOATIME. */
static int
open_file(struct mailbox *b)
{
	static const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	static const int tries[] = { O_RDWR | O_NOATIME, O_RDWR,
				     O_RDONLY | O_NOATIME, O_RDONLY };
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(tries) / sizeof(tries[0]);
	     i++) {
		fd = open(b->path, tries[i] | flags);
		b->writable = fd >= 0 && i < 2;
		if (fd < 0 && errno != EPERM && errno != EACCES &&
		    errno != EROFS)
			return fd;
	}
	return fd;
}

static const char *
what_is_wrong(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != geteuid())
		return "it belongs to another user";
	if (st->st_nlink > 1)
		return "it has several links";
	return NULL;
}

enum maildrop_result
mailbox_open(struct mailbox *b)
{
	struct stat st;

	b->fd = open_file(b);
	if (b->fd < 0 && errno == ENOENT)
		return MAILDROP_OK;
	if (b->fd < 0 && errno == ELOOP)
		return fault(b, MAILDROP_PERMANENT, "it is a symbolic link");
	if (b->fd < 0 && errno == EISDIR)
		return fault(b, MAILDROP_PERMANENT,
			     "it is a directory, and no Maildir");
	if (b->fd < 0)
		return system_fault(b);
	const char *wrong =
	    !file_look(b->fd, &st) ? strerror(errno) : what_is_wrong(&st);
	if (wrong == NULL)
		return MAILDROP_OK;
	mailbox_close(b);
	return fault(b, MAILDROP_PERMANENT, wrong);
}

void
mailbox_close(struct mailbox *b)
{
	lock_release(&b->lock);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

/* Whether path still names the open file, or nothing where nothing is open. */
static bool
still_named(const struct mailbox *b)
{
	struct stat named, open;

	if (!file_look_at(AT_FDCWD, b->path, &named))
		return b->fd < 0 && errno == ENOENT;
	return b->fd >= 0 && file_look(b->fd, &open) &&
	       named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

static enum maildrop_result
take_lock(struct mailbox *b, bool exclusive)
{
	enum lock_result r = exclusive ? lock_exclusive(&b->lock, b->fd)
				       : lock_shared(&b->lock, b->fd);

	b->exclusive = exclusive;
	if (r == LOCK_OK)
		return MAILDROP_OK;
	if (r == LOCK_BUSY) {
		lock_blame(&b->lock, b->fd);
		return MAILDROP_IN_USE;
	}
	if (errno == EROFS && !b->writable)
		return MAILDROP_OK; /* nobody else can write there either */
	log_line(LOG_ERR, EVENT_MAILBOX, "mailbox %s: cannot be locked: %s",
		 b->path, strerror(errno));
	return is_permanent(errno) ? MAILDROP_PERMANENT : MAILDROP_TEMPORARY;
}

/* Locks; opens the file anew as long as path names another one. */
static enum maildrop_result
lock_named(struct mailbox *b, bool exclusive)
{
	for (int i = 0; i < REVISITS_MAX; i++) {
		enum maildrop_result r = MAILDROP_OK;

		if (b->fd >= 0)
			r = take_lock(b, exclusive);
		if (r != MAILDROP_OK || still_named(b))
			return r;
		mailbox_close(b);
		r = mailbox_open(b);
		if (r != MAILDROP_OK)
			return r;
	}
	return fault(b, MAILDROP_TEMPORARY, "it is replaced again and again");
}

enum maildrop_result
mailbox_lock_exclusive(struct mailbox *b)
{
	return lock_named(b, true);
}

enum maildrop_result
mailbox_lock_shared(struct mailbox *b)
{
	return lock_named(b, false);
}

/* ---- looking */

static bool
look(const struct mailbox *b, struct stat *st)
{
	*st = (struct stat){ 0 };
	return b->fd < 0 || file_look(b->fd, st);
}

static enum maildrop_result
scan_result(const struct mailbox *b, enum mbox_result r)
{
	switch (r) {
	case MBOX_OK:
		return MAILDROP_OK;
	case MBOX_NOT_MBOX:
		return fault(b, MAILDROP_PERMANENT, foreign_look(b->fd));
	case MBOX_CHANGED:
		return fault(b, MAILDROP_TEMPORARY,
			     "it became shorter while it was read");
	case MBOX_NO_MEMORY:
		return fault(b, MAILDROP_TEMPORARY, "memory is short");
	case MBOX_IO_ERROR:
		break;
	}
	return fault(b, MAILDROP_TEMPORARY, strerror(errno));
}

/*
 * Whether messages still begin with "From " after a line's end: all of them,
 * or, because each look costs a microsecond, LOOKS_MAX evenly spread ones. A
 * program that inserts or takes out a byte moves all that is behind it; where
 * that is not seen here, the content is looked at before it is used.
 */
static bool
from_lines_stand(const struct mailbox *b, const struct mbox *m)
{
	char text[FROM_SIZE + 1];
	size_t step = m->count / LOOKS_MAX + 1;

	for (size_t i = 0; i < m->count; i += step) {
		off_t start = m->messages[i].start;
		size_t before = start > 0;

		if (m->messages[i].flags & MESSAGE_GONE)
			continue;
		if (!file_read(b->fd, text, FROM_SIZE + before,
			       start - (off_t)before) ||
		    (before && text[0] != '\n') ||
		    memcmp(text + before, "From ", FROM_SIZE) != 0)
			return false;
	}
	return true;
}

/* Whether y has the content of x, and its text the same place in it. */
static bool
is_same_message(const struct mbox_message *x, const struct mbox_message *y)
{
	return x->size == y->size && x->octets == y->octets &&
	       x->from_len == y->from_len && x->separator == y->separator &&
	       memcmp(x->id, y->id, MBOX_ID_SIZE) == 0;
}

/* The content of one message as it is now. */
static bool
content_is(const struct mailbox *b, const struct mbox_message *msg, off_t end)
{
	struct mbox one = { 0 };
	bool same = mbox_scan(&one, b->fd, msg->start, end) == MBOX_OK &&
		    one.count > 0 && is_same_message(&one.messages[0], msg);

	mbox_free(&one);
	return same;
}

/*
 * The message that was the last one in the file may end differently now: its
 * missing newline or empty line was added with the next.
 */
static bool
extend_last(const struct mailbox *b, struct mbox *m, off_t size)
{
	struct mbox_message *last = NULL;
	struct mbox tail = { 0 };

	for (size_t i = 0; i < m->count; i++)
		if (last == NULL || m->messages[i].start > last->start)
			last = &m->messages[i];
	if (last == NULL || (last->flags & MESSAGE_GONE))
		return false;
	bool same = mbox_scan(&tail, b->fd, last->start, size) == MBOX_OK &&
		    tail.count > 0 &&
		    memcmp(tail.messages[0].id, last->id, MBOX_ID_SIZE) == 0;
	if (same) {
		last->size = tail.messages[0].size;
		last->octets = tail.messages[0].octets;
		last->from_len = tail.messages[0].from_len;
		last->separator = tail.messages[0].separator;
		last->no_newline = tail.messages[0].no_newline;
	}
	mbox_free(&tail);
	return same;
}

/* Grown at the end and else as it was, as far as From_ lines tell. */
static bool
has_only_grown(const struct mailbox *b, struct mbox *m, off_t size)
{
	if (m->count == 0 || b->fd < 0 || !from_lines_stand(b, m) ||
	    !extend_last(b, m, size))
		return false;
	for (size_t i = 0; i < m->count; i++)
		m->messages[i].flags |= MESSAGE_UNPROVEN;
	return true;
}

/* ---- the first look */

static enum maildrop_result
scan_all(struct mailbox *b, const struct stat *st)
{
	mbox_free(&b->mbox);
	if (b->fd < 0)
		return MAILDROP_OK;
	return scan_result(b, mbox_scan(&b->mbox, b->fd, 0, st->st_size));
}

/* The index is of this mailbox, or of its beginning. */
static bool
index_fits(struct mailbox *b, const struct stat *st)
{
	enum change change = snapshot_compare(&b->snapshot, st);

	if (b->fd < 0 || b->mbox.size != b->snapshot.size)
		return false;
	for (size_t i = 0; i < b->mbox.count; i++)
		b->mbox.messages[i].flags &= MESSAGE_UNPROVEN;
	return change == UNCHANGED ||
	       (change == MAY_HAVE_GROWN && st->st_size > SCANNED_ANYWAY &&
		has_only_grown(b, &b->mbox, st->st_size));
}

static enum maildrop_result
scan_new(struct mailbox *b, const struct stat *st)
{
	struct mbox_message *last = &b->mbox.messages[b->mbox.count - 1];
	off_t from = last->start + last->size;

	if (from == st->st_size)
		return MAILDROP_OK;
	return scan_result(b, mbox_scan(&b->mbox, b->fd, from, st->st_size));
}

/* What was told before is in the index, though its places are of no use. */
static bool
keep_ids(struct mailbox *b, const struct stat *st, int state_dir)
{
	struct mbox before = { 0 };
	struct index_last last;
	struct snapshot s;
	bool ok = true;

	if (b->mbox.uidls_len <= 1)
		return true;
	if (index_load(state_dir, UIDL_AUTO, st->st_size, &before, &s, &last))
		ok = uidl_stay(&b->mbox, &before);
	mbox_free(&before);
	return ok;
}

static enum maildrop_result
scan_with_ids(struct mailbox *b, const struct stat *st, bool indexed,
	      int state_dir, enum uidl_kind kind)
{
	size_t first = indexed ? b->mbox.count : 0;
	enum maildrop_result r = indexed ? scan_new(b, st) : scan_all(b, st);

	if (r == MAILDROP_OK && !uidl_import(&b->mbox, first, b->fd, state_dir,
					     kind, !b->look_only))
		r = system_fault(b);
	if (r == MAILDROP_OK && !indexed && kind == UIDL_AUTO &&
	    !keep_ids(b, st, state_dir))
		r = fault(b, MAILDROP_TEMPORARY, "memory is short");
	return r;
}

enum maildrop_result
mailbox_scan(struct mailbox *b, int state_dir, enum uidl_kind kind,
	     struct index_last *last, bool *indexed)
{
	enum maildrop_result r = MAILDROP_OK;
	struct stat st;

	if (!look(b, &st))
		return system_fault(b);
	*indexed = index_load(state_dir, kind, st.st_size, &b->mbox,
			      &b->snapshot, last) &&
		   index_fits(b, &st);
	bool as_indexed = *indexed && st.st_size == b->snapshot.size;
	if (as_indexed && !b->mbox.has_copies)
		return MAILDROP_OK;
	if (!as_indexed)
		r = scan_with_ids(b, &st, *indexed, state_dir, kind);
	/* The index does not say which copy is which; their order does. */
	if (r == MAILDROP_OK && !uidl_assign(&b->mbox, kind))
		r = fault(b, MAILDROP_TEMPORARY, "memory is short");
	*indexed = as_indexed;
	if (as_indexed)
		return r;
	snapshot_take(&b->snapshot, &st);
	b->mbox.size = st.st_size;
	return r;
}

/* ---- later looks */

/* Whether a new scan shows what was seen, each message in its old place. */
static bool
is_same(const struct mbox *seen, const struct mbox *now)
{
	if (now->count < seen->count)
		return false;
	for (size_t i = 0; i < seen->count; i++) {
		const struct mbox_message *x = &seen->messages[i];
		const struct mbox_message *y = &now->messages[i];

		if ((x->flags & MESSAGE_GONE) || x->start != y->start ||
		    !is_same_message(x, y))
			return false;
	}
	return true;
}

static void
mark_proven(struct mbox *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->messages[i].flags &= (uint8_t)~MESSAGE_UNPROVEN;
}

/*
 * Who takes the dotlock only may be in the middle of writing: what is missing
 * then is missing for a moment, and nothing may be concluded from it.
 */
static enum maildrop_result
wait_for_writers(struct mailbox *b)
{
	if (b->fd < 0 || b->exclusive)
		return MAILDROP_OK;
	lock_release(&b->lock);
	return lock_named(b, true);
}

/*
 * Gives the messages the places they have in a new scan. Also where these are
 * the same, fields that are no part of the content may have changed theirs.
 */
static enum maildrop_result
adopt(struct mailbox *b, const struct mbox *now)
{
	b->generation++;
	if (is_same(&b->mbox, now)) {
		mark_proven(&b->mbox);
		return MAILDROP_OK;
	}
	if (!refind(&b->mbox, now))
		return fault(b, MAILDROP_TEMPORARY, "memory is short");
	b->rewritten = true;
	log_line(LOG_NOTICE, EVENT_MAILBOX,
		 "mailbox %s: another program has rewritten it", b->path);
	return MAILDROP_OK;
}

static enum maildrop_result
find_again(struct mailbox *b)
{
	struct mailbox now = { .path = b->path };
	enum maildrop_result r = wait_for_writers(b);
	struct snapshot seen;
	struct stat st;

	if (r != MAILDROP_OK)
		return r;
	if (!look(b, &st))
		return system_fault(b);
	snapshot_take(&seen, &st);
	now.fd = b->fd;
	r = scan_all(&now, &st);
	if (r == MAILDROP_OK)
		r = adopt(b, &now.mbox);
	mbox_free(&now.mbox);
	if (r == MAILDROP_OK)
		b->snapshot = seen;
	return r;
}

static enum maildrop_result
look_again(struct mailbox *b)
{
	struct stat st;

	if (!look(b, &st))
		return system_fault(b);
	enum change change = b->fd < 0 && b->snapshot.ino == 0
				 ? UNCHANGED
				 : snapshot_compare(&b->snapshot, &st);
	if (change == UNCHANGED)
		return MAILDROP_OK;
	if (change == CHANGED || !has_only_grown(b, &b->mbox, st.st_size))
		return find_again(b);
	snapshot_take(&b->snapshot, &st);
	return MAILDROP_OK;
}

enum maildrop_result
mailbox_revisit(struct mailbox *b, bool exclusive)
{
	enum maildrop_result r = lock_named(b, exclusive);

	if (r == MAILDROP_OK)
		r = look_again(b);
	if (r != MAILDROP_OK)
		lock_release(&b->lock);
	return r;
}

static bool
confirm(struct mailbox *b, struct mbox_message *msg)
{
	if ((msg->flags & MESSAGE_UNPROVEN) == 0)
		return true;
	if (!content_is(b, msg, msg->start + msg->size))
		return false;
	msg->flags &= (uint8_t)~MESSAGE_UNPROVEN;
	b->generation++; /* as adopt() does */
	return true;
}

enum maildrop_result
mailbox_prove(struct mailbox *b, size_t i)
{
	struct mbox_message *msg = &b->mbox.messages[i];

	if (msg->flags & MESSAGE_GONE)
		return MAILDROP_GONE;
	if (confirm(b, msg))
		return MAILDROP_OK;
	enum maildrop_result r = find_again(b);
	if (r != MAILDROP_OK)
		return r;
	return msg->flags & MESSAGE_GONE ? MAILDROP_GONE : MAILDROP_OK;
}

bool
mailbox_untouched(const struct mailbox *b)
{
	struct stat st;

	return b->fd >= 0 && file_look_at(AT_FDCWD, b->path, &st) &&
	       snapshot_compare(&b->snapshot, &st) == UNCHANGED;
}

bool
mailbox_try(struct mailbox *b, size_t i)
{
	struct mbox_message *msg = &b->mbox.messages[i];

	if (b->fd < 0 || (msg->flags & MESSAGE_GONE) ||
	    lock_try_shared(&b->lock, b->fd) != LOCK_OK)
		return false;
	b->exclusive = false;
	if (mailbox_untouched(b) && confirm(b, msg))
		return true;
	lock_release(&b->lock);
	return false;
}

/* Where times are whole seconds, or ours could not be set, others share it. */
static bool
has_own_time(const struct snapshot *s)
{
	return s->mtime_nsec != 0 &&
	       (s->mtime_sec != s->ctime_sec || s->mtime_nsec != s->ctime_nsec);
}

void
mailbox_committed(struct mailbox *b, const struct stat *st)
{
	snapshot_take(&b->snapshot, st);
	if (!b->snapshot.racy || !has_own_time(&b->snapshot))
		return;
	/*
	 * The commit's mtime, of a nanosecond, is no other writer's, unless
	 * one puts it back within the clock's grain: for that one the content
	 * is looked at before it is used.
	 */
	for (size_t i = 0; i < b->mbox.count; i++)
		b->mbox.messages[i].flags |= MESSAGE_UNPROVEN;
	b->snapshot.racy = false;
}

bool
mailbox_unchanged(const struct mailbox *b)
{
	struct stat st;

	/* A racy snapshot says "changed"; this asks for a difference only. */
	struct snapshot settled = b->snapshot;
	settled.racy = false;
	return look(b, &st) && snapshot_compare(&settled, &st) == UNCHANGED;
}
