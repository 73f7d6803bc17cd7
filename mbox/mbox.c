/*
 * An mbox as a store: opened, listed, remembered in the index. How the file is
 * watched is mailbox.c's matter, its text is in text.c, and what QUIT removes
 * in removal.c.
 */
#include "mbox/mbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "commit/commit.h"
#include "mbox/mbox_store.h"
#include "mbox/removal.h"
#include "mbox/text.h"
#include "mbox/uidl.h"

/* ---- opening and closing */

static struct mbox_store *
make(const struct store_place *place)
{
	struct mbox_store *m = malloc(sizeof(*m) + MBOX_PIECE_SIZE);

	if (m == NULL)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->store.operations = &mbox_operations;
	m->place = *place;
	m->mailbox.path = place->path;
	m->mailbox.fd = -1;
	m->mailbox.look_only = place->look_only;
	lock_init(&m->mailbox.lock, place->options->locks,
		  place->options->lock_timeout, place->path, place->keeper);
	return m;
}

static void
close_store(struct store *s)
{
	struct mbox_store *m = mbox_store_of(s);

	mailbox_close(&m->mailbox);
	mbox_free(&m->mailbox.mbox);
	free(m);
}

static enum maildrop_result
finish_commit(struct mbox_store *m)
{
	const struct commit_locks locks = mbox_locks(m);

	switch (commit_recover(m->mailbox.fd, m->place.state_dir, &locks)) {
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
open_locked(struct mbox_store *m)
{
	enum maildrop_result r = mailbox_open(&m->mailbox);

	if (r == MAILDROP_OK)
		r = mailbox_lock_exclusive(&m->mailbox);
	if (r == MAILDROP_OK && commit_pending(m->place.state_dir))
		r = finish_commit(m);
	return r;
}

/* What a commit has left half-way is no mailbox to be listed. */
static enum maildrop_result
look_locked(struct mbox_store *m)
{
	enum maildrop_result r = mailbox_open(&m->mailbox);

	if (r == MAILDROP_OK)
		r = mailbox_lock_shared(&m->mailbox);
	if (r != MAILDROP_OK || m->place.state_dir < 0 ||
	    !commit_pending(m->place.state_dir))
		return r;
	log_line(LOG_WARNING, EVENT_COMMIT,
		 "mailbox %s: an interrupted commit has to be finished first",
		 m->mailbox.path);
	return MAILDROP_TEMPORARY;
}

/* The message that LAST told, in this mailbox. */
static size_t
find_last(const struct mbox_store *m)
{
	const struct index_last *last = &m->kept_last;

	for (size_t n = m->mailbox.mbox.count; last->known && n > 0; n--)
		if (message(m, n)->copy == last->copy &&
		    memcmp(message(m, n)->id, last->id, MBOX_ID_SIZE) == 0)
			return n;
	return 0;
}

/*
 * Of a mailbox that was rewritten in the session: which message has which id,
 * but no place, so that it fits no mailbox.
 */
static bool
save_ids(const struct mbox_store *m)
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
	bool ok = index_save(m->place.state_dir, m->place.options->uidl, &ids,
			     &none, &m->kept_last);
	free(ids.messages);
	return ok;
}

static bool
save_all(const struct mbox_store *m)
{
	/* Mail that arrived meanwhile is for the next to scan. */
	struct snapshot seen = m->mailbox.snapshot;

	seen.size = m->mailbox.mbox.size;
	return index_save(m->place.state_dir, m->place.options->uidl,
			  &m->mailbox.mbox, &seen, &m->kept_last);
}

/* A cache that cannot be written costs time, not mail. */
static void
save_index(struct mbox_store *m)
{
	if (m->mailbox.fd < 0)
		return;
	if (!(m->mailbox.rewritten ? save_ids(m) : save_all(m)))
		log_line(LOG_WARNING, EVENT_SETUP, "index: %s",
			 strerror(errno));
	m->index_has_news = false;
}

static void
save(struct store *s)
{
	struct mbox_store *m = mbox_store_of(s);

	if (m->index_has_news)
		save_index(m);
}

static enum maildrop_result
open_store(struct store **s, const struct store_place *place, size_t *last)
{
	struct mbox_store *m = make(place);
	bool indexed = false;

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	enum maildrop_result r =
	    place->look_only ? look_locked(m) : open_locked(m);
	if (r == MAILDROP_OK)
		r = mailbox_scan(&m->mailbox, place->state_dir,
				 place->options->uidl, &m->kept_last, &indexed);
	lock_release(&m->mailbox.lock);
	if (r != MAILDROP_OK) {
		close_store(&m->store);
		return r;
	}
	m->index_has_news = !indexed;
	m->store.missing = m->mailbox.fd < 0;
	*last = find_last(m);
	*s = &m->store;
	return r;
}

static enum maildrop_result
recover(const struct store_place *place)
{
	struct mbox_store *m = make(place);

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	enum maildrop_result r = open_locked(m);
	/* The mailbox is missing. */
	if (r == MAILDROP_OK && commit_pending(place->state_dir))
		r = MAILDROP_TEMPORARY;
	close_store(&m->store);
	return r;
}

/* ---- what there is */

static size_t
count(const struct store *s)
{
	return mbox_store_seen(s)->mailbox.mbox.count;
}

static off_t
octets(const struct store *s, size_t n)
{
	return message(mbox_store_seen(s), n)->octets;
}

static void
identify(const struct store *s, size_t n, char uidl[UIDL_SIZE])
{
	uidl_format(&mbox_store_seen(s)->mailbox.mbox, n - 1, uidl);
}

static void
mark(struct store *s, size_t n, bool goes)
{
	struct mbox_message *msg = message(mbox_store_of(s), n);

	msg->flags = (uint8_t)((msg->flags & ~MESSAGE_DELETED) |
			       (goes ? MESSAGE_DELETED : 0));
}

static bool
is_marked(const struct store *s, size_t n)
{
	return (message(mbox_store_seen(s), n)->flags & MESSAGE_DELETED) != 0;
}

/* ---- the end */

/* The content of the highest message that was accessed and stays. */
static void
keep_last(struct mbox_store *m, size_t last)
{
	for (size_t n = last; n > 0; n--) {
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

static enum maildrop_result
commit(struct store *s, size_t last, size_t *removed)
{
	struct mbox_store *m = mbox_store_of(s);

	keep_last(m, last);
	enum maildrop_result r = mbox_remove_marked(m, removed);
	save(s);
	return r;
}

const struct store_operations mbox_operations = {
	.open = open_store,
	.recover = recover,
	.close = close_store,
	.save = save,
	.count = count,
	.octets = octets,
	.identify = identify,
	.mark = mark,
	.is_marked = is_marked,
	.text_begin = mbox_text_begin,
	.text = mbox_text,
	.text_ahead = mbox_text_ahead,
	.text_stands = mbox_text_stands,
	.commit = commit,
};
