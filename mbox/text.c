/*
 * The text of one message, piece by piece, from where it is at that moment:
 * other programs may deliver and rewrite meanwhile. Runs in
 * the mailbox process.
 */
#include "mbox/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "mbox/body.h"

enum { READ_TRIES = 5 };

void
mbox_text_begin(struct store *s, size_t n)
{
	struct mbox_store *m = mbox_store_of(s);

	m->reading = n;
	m->position = 0;
	m->generation = m->mailbox.generation;
	m->ahead = 0;
}

/*
 * Bytes of the text, as if its last line had its LF: the same content may be
 * there with it or without.
 */
static off_t
whole_size(const struct mbox_message *msg)
{
	return mbox_text_end(msg) - mbox_text_start(msg) + msg->no_newline;
}

/*
 * The message was rewritten while it was being sent. Its body is the same, its
 * header may be longer now: what is left is counted from the end, and goes on
 * only if it is all body.
 */
static bool
find_position(struct mbox_store *m, off_t old_size)
{
	const struct mbox_message *msg = message(m, m->reading);
	off_t left = old_size - m->position;

	m->generation = m->mailbox.generation;
	if (m->position == 0)
		return true;
	off_t body = mbox_body_size(m->mailbox.fd, msg);
	m->position = whole_size(msg) - left;
	return body >= 0 && left <= body + msg->no_newline;
}

/* The last message's header may grow without its place being another one. */
static bool
was_rewritten(const struct mbox_store *m, off_t old_size)
{
	return m->generation != m->mailbox.generation ||
	       whole_size(message(m, m->reading)) != old_size;
}

/* One try under the lock; *len is what was read. */
static enum maildrop_result
read_piece(struct mbox_store *m, size_t *len)
{
	const struct mbox_message *msg = message(m, m->reading);
	off_t old_size = whole_size(msg);
	enum maildrop_result r = mailbox_revisit(&m->mailbox, false);

	if (r == MAILDROP_OK)
		r = mailbox_prove(&m->mailbox, m->reading - 1);
	if (r == MAILDROP_OK && was_rewritten(m, old_size) &&
	    !find_position(m, old_size))
		r = MAILDROP_GONE;
	if (r != MAILDROP_OK)
		return r == MAILDROP_IN_USE ? MAILDROP_TEMPORARY : r;
	off_t at = mbox_text_start(msg) + m->position;
	off_t left = mbox_text_end(msg) - at;
	size_t want = left < MBOX_PIECE_SIZE ? (size_t)left : MBOX_PIECE_SIZE;
	ssize_t n = want == 0 ? 0 : pread(m->mailbox.fd, m->piece, want, at);
	if (n < 0) {
		log_line(LOG_ERR, EVENT_MAILBOX, "mailbox %s: %s",
			 m->mailbox.path, strerror(errno));
		return MAILDROP_TEMPORARY;
	}
	*len = (size_t)n;
	return MAILDROP_OK;
}

/* All of the message was read: there is nothing to look at again. */
static bool
at_end(const struct mbox_store *m)
{
	const struct mbox_message *msg = message(m, m->reading);

	return m->position > 0 &&
	       m->position == mbox_text_end(msg) - mbox_text_start(msg);
}

bool
mbox_text_ahead(struct store *s, size_t n, const char **data, size_t *len)
{
	struct mbox_store *m = mbox_store_of(s);
	const struct mbox_message *msg = message(m, n);
	off_t at = mbox_text_start(msg), size = mbox_text_end(msg) - at;

	m->ahead = 0;
	if (size > MBOX_PIECE_SIZE || !mailbox_try(&m->mailbox, n - 1))
		return false;
	bool whole = pread(m->mailbox.fd, m->piece, (size_t)size, at) == size &&
		     mailbox_unchanged(&m->mailbox);
	lock_release(&m->mailbox.lock);
	if (!whole)
		return false;
	m->ahead = n;
	*data = m->piece;
	*len = (size_t)size;
	return true;
}

bool
mbox_text_stands(struct store *s, size_t n)
{
	const struct mbox_store *m = mbox_store_of(s);

	return m->ahead == n && mailbox_untouched(&m->mailbox);
}

enum maildrop_result
mbox_text(struct store *s, const char **data, size_t *len)
{
	struct mbox_store *m = mbox_store_of(s);
	struct lock_wait wait;

	*len = 0;
	if (at_end(m))
		return MAILDROP_OK;
	lock_wait_begin(&wait, m->place.options->lock_timeout);
	for (int i = 0; i < READ_TRIES || lock_wait(&wait); i++) {
		enum maildrop_result r = read_piece(m, len);
		bool same = r == MAILDROP_OK && mailbox_unchanged(&m->mailbox);

		lock_release(&m->mailbox.lock);
		if (r != MAILDROP_OK)
			return r;
		if (same) {
			*data = m->piece;
			m->position += (off_t)*len;
			return MAILDROP_OK;
		}
	}
	log_line(LOG_WARNING, EVENT_MAILBOX,
		 "mailbox %s: it is changed again and again without a lock",
		 m->mailbox.path);
	return MAILDROP_TEMPORARY;
}
