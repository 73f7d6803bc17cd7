/*
 * The text of one message, piece by piece. Its file may get another name, or
 * none, at any time: it is found again by its unique name, and once it is open
 * it stays. Runs in the mailbox process.
 */
#include "maildir/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "maildir/maildir_store.h"
#include "maildir/scan.h"

enum { FIND_TRIES = 5 };

void
maildir_text_close(struct maildir_store *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

void
maildir_text_begin(struct store *s, size_t n)
{
	struct maildir_store *m = maildir_store_of(s);

	maildir_text_close(m);
	m->reading = n;
	m->position = 0;
	m->ahead = 0;
}

/* By the name that is known; MAILDROP_GONE where that is not this file's. */
static enum maildrop_result
open_named(struct maildir_store *m, const struct maildir_message *msg)
{
	struct stat st;

	m->fd = maildir_file_open(maildir_dir(m, msg),
				  maildir_name(&m->list, msg), &st);
	if (m->fd >= 0 && maildir_is_same(msg, &st))
		return MAILDROP_OK;
	maildir_text_close(m);
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
	    errno == EIO || errno == EACCES)
		return maildir_system_fault(&m->folder);
	return MAILDROP_GONE;
}

static enum maildrop_result
open_message(struct maildir_store *m)
{
	struct maildir_message *msg = maildir_message(m, m->reading);

	for (int i = 0; i < FIND_TRIES; i++) {
		errno = 0;
		enum maildrop_result r = open_named(m, msg);
		if (r != MAILDROP_GONE)
			return r == MAILDROP_OK ? r : MAILDROP_TEMPORARY;
		if (!maildir_refresh(&m->folder, &m->list, &m->times, m->piece,
				     MAILDIR_PIECE_SIZE)) {
			maildir_system_fault(&m->folder);
			return MAILDROP_TEMPORARY;
		}
		m->index_has_news = true;
		if (msg->flags & IS_GONE)
			return MAILDROP_GONE;
	}
	/* The name stands, for another content. */
	msg->flags |= IS_GONE;
	return MAILDROP_GONE;
}

/* What was read counts only if the file is still the same afterwards. */
static enum maildrop_result
read_piece(struct maildir_store *m, const struct maildir_message *msg,
	   size_t *len)
{
	enum maildrop_result changed =
	    m->position == 0 ? MAILDROP_GONE : MAILDROP_TEMPORARY;
	off_t left = msg->size - m->position;
	size_t want =
	    left < MAILDIR_PIECE_SIZE ? (size_t)left : MAILDIR_PIECE_SIZE;
	struct stat st;
	ssize_t n =
	    TEMP_FAILURE_RETRY(pread(m->fd, m->piece, want, m->position));

	if (n < 0 || fstat(m->fd, &st) != 0) {
		maildir_system_fault(&m->folder);
		return MAILDROP_TEMPORARY;
	}
	if (!maildir_is_same(msg, &st) || (n == 0 && want > 0))
		return changed;
	*len = (size_t)n;
	return MAILDROP_OK;
}

bool
maildir_text_ahead(struct store *s, size_t n, const char **data, size_t *len)
{
	struct maildir_store *m = maildir_store_of(s);
	const struct maildir_message *msg = maildir_message(m, n);
	size_t size = (size_t)msg->size;
	struct stat st;

	m->ahead = 0;
	if (msg->size > MAILDIR_PIECE_SIZE || (msg->flags & IS_GONE) ||
	    m->fd >= 0)
		return false;
	int fd = maildir_file_open(maildir_dir(m, msg),
				   maildir_name(&m->list, msg), &st);
	if (fd < 0)
		return false;
	bool whole = pread(fd, m->piece, size, 0) == msg->size &&
		     fstat(fd, &st) == 0 && maildir_is_same(msg, &st);
	close(fd);
	if (!whole)
		return false;
	m->ahead = n;
	*data = m->piece;
	*len = size;
	return true;
}

bool
maildir_text_stands(struct store *s, size_t n)
{
	struct maildir_store *m = maildir_store_of(s);
	const struct maildir_message *msg = maildir_message(m, n);
	struct stat st;

	if (m->ahead != n ||
	    fstatat(maildir_dir(m, msg), maildir_name(&m->list, msg), &st,
		    AT_SYMLINK_NOFOLLOW) != 0 ||
	    !maildir_is_same(msg, &st))
		return false;
	m->reading = n;
	m->position = msg->size;
	return true;
}

enum maildrop_result
maildir_text(struct store *s, const char **data, size_t *len)
{
	struct maildir_store *m = maildir_store_of(s);
	struct maildir_message *msg = maildir_message(m, m->reading);
	enum maildrop_result r = MAILDROP_OK;

	*len = 0;
	if (m->position > 0 && m->position == msg->size)
		return MAILDROP_OK;
	if (m->fd < 0)
		r = open_message(m);
	if (r == MAILDROP_OK)
		r = read_piece(m, msg, len);
	if (r != MAILDROP_OK)
		return r;
	*data = m->piece;
	m->position += (off_t)*len;
	if (m->position == msg->size)
		maildir_text_close(m);
	return MAILDROP_OK;
}

void
maildir_accessed(struct store *s, size_t n)
{
	struct maildir_store *m = maildir_store_of(s);
	struct maildir_message *msg = maildir_message(m, n);

	if (m->reading == n && m->position == msg->size)
		msg->flags |= IS_READ;
}
