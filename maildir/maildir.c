/*
 * A Maildir as a store: opened, listed, remembered in the index. What is in its
 * directories is scan.c's matter, its text is in text.c, and what QUIT removes
 * in removal.c.
 */
#include "maildir/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "maildir/index.h"
#include "maildir/maildir_store.h"
#include "maildir/names_journal.h"
#include "maildir/removal.h"
#include "maildir/scan.h"
#include "maildir/text.h"
#include "maildir/uidl.h"
#include "maildir/uidl_import.h"

bool
maildir_is(const char *path)
{
	size_t len = strlen(path);

	return (len > 0 && path[len - 1] == '/') || maildir_folder_is(path);
}

/* ---- opening and closing */

static void
close_store(struct store *s)
{
	struct maildir_store *m = maildir_store_of(s);

	maildir_text_close(m);
	maildir_folder_close(&m->folder);
	maildir_list_free(&m->list);
	free(m);
}

/* Opens the Maildir and finishes what was cut. */
static enum maildrop_result
open_folder(struct maildir_store **made, const struct store_place *place)
{
	struct maildir_store *m = malloc(sizeof(*m) + MAILDIR_PIECE_SIZE);
	struct stat st = { .st_dev = 0 };

	*made = m;
	if (m == NULL)
		return MAILDROP_TEMPORARY;
	memset(m, 0, sizeof(*m));
	m->store.operations = &maildir_operations;
	m->place = *place;
	m->fd = -1;
	enum maildrop_result r = maildir_folder_open(&m->folder, place->path);
	if (r == MAILDROP_OK && m->folder.top >= 0 &&
	    !file_look(m->folder.top, &st))
		r = maildir_system_fault(&m->folder);
	m->dev = file_disk(&st);
	if (r != MAILDROP_OK || !place->look_only)
		return r == MAILDROP_OK ? maildir_finish_removal(m) : r;
	if (!names_journal_waits(place->state_dir))
		return MAILDROP_OK;
	log_line(LOG_WARNING, EVENT_COMMIT,
		 "Maildir %s: an interrupted removal has to be finished first",
		 place->path);
	return MAILDROP_TEMPORARY;
}

/* Whether the index would say the same. */
static bool
is_as_known(const struct maildir_list *now, const struct maildir_list *known)
{
	if (now->count != known->count)
		return false;
	for (size_t i = 0; i < now->count; i++) {
		const struct maildir_message *x = &now->messages[i];
		const struct maildir_message *y = &known->messages[i];

		if (((x->flags ^ y->flags) & KEPT_FLAGS) != 0 ||
		    x->ino != y->ino || x->ctime != y->ctime ||
		    strcmp(maildir_name(now, x), maildir_name(known, y)) != 0)
			return false;
	}
	return true;
}

static enum maildrop_result
scan(struct maildir_store *m)
{
	struct maildir_list index = { .count = 0 };
	struct maildir_scan s = { .folder = &m->folder,
				  .known = &index,
				  .buf = m->piece,
				  .size = MAILDIR_PIECE_SIZE };

	if (m->folder.top < 0)
		return MAILDROP_OK;
	maildir_index_load(m->place.state_dir, m->place.options->uidl, m->dev,
			   &index);
	enum maildrop_result r = maildir_scan(&s);
	m->list = s.list;
	m->times = s.times;
	if (r == MAILDROP_OK &&
	    !maildir_uidl_import(&m->list, &m->folder, m->place.options,
				 m->piece, MAILDIR_PIECE_SIZE))
		r = maildir_system_fault(&m->folder);
	m->index_has_news = s.read > 0 || !is_as_known(&m->list, &index);
	maildir_list_free(&index);
	return r;
}

static size_t
find_last(const struct maildir_store *m)
{
	for (size_t n = m->list.count; n > 0; n--)
		if (maildir_message(m, n)->flags & IS_LAST)
			return n;
	return 0;
}

static enum maildrop_result
open_store(struct store **s, const struct store_place *place, size_t *last)
{
	struct maildir_store *m;
	enum maildrop_result r = open_folder(&m, place);

	if (r == MAILDROP_OK)
		r = scan(m);
	if (r != MAILDROP_OK) {
		if (m != NULL)
			close_store(&m->store);
		return r;
	}
	m->store.missing = m->folder.top < 0;
	*last = find_last(m);
	*s = &m->store;
	return r;
}

static enum maildrop_result
recover(const struct store_place *place)
{
	struct maildir_store *m;
	enum maildrop_result r = open_folder(&m, place);

	/* The Maildir is missing. */
	if (r == MAILDROP_OK && names_journal_waits(place->state_dir))
		r = MAILDROP_TEMPORARY;
	if (m != NULL)
		close_store(&m->store);
	return r;
}

/* A cache that cannot be written costs time, not mail. */
static void
save(struct store *s)
{
	struct maildir_store *m = maildir_store_of(s);

	if (!m->index_has_news || m->folder.top < 0)
		return;
	if (!maildir_index_save(m->place.state_dir, m->place.options->uidl,
				m->dev, &m->list))
		log_line(LOG_WARNING, EVENT_SETUP, "index: %s",
			 strerror(errno));
	m->index_has_news = false;
}

/* ---- what there is */

static size_t
count(const struct store *s)
{
	return maildir_store_seen(s)->list.count;
}

static off_t
octets(const struct store *s, size_t n)
{
	return maildir_message(maildir_store_seen(s), n)->octets;
}

static void
identify(const struct store *s, size_t n, char uidl[UIDL_SIZE])
{
	const struct maildir_store *m = maildir_store_seen(s);

	maildir_uidl_format(&m->list, maildir_message(m, n),
			    m->place.options->uidl, uidl);
}

static void
mark(struct store *s, size_t n, bool goes)
{
	struct maildir_message *msg = maildir_message(maildir_store_of(s), n);

	msg->flags =
	    (uint16_t)((msg->flags & ~IS_MARKED) | (goes ? IS_MARKED : 0));
}

static bool
is_marked(const struct store *s, size_t n)
{
	return (maildir_message(maildir_store_seen(s), n)->flags & IS_MARKED) !=
	       0;
}

/* ---- the end */

/* The highest message that was accessed and stays. */
static void
keep_last(struct maildir_store *m, size_t last)
{
	size_t before = find_last(m), n = last;

	while (n > 0 && (maildir_message(m, n)->flags & (IS_MARKED | IS_GONE)))
		n--;
	if (n == before)
		return;
	for (size_t i = 0; i < m->list.count; i++)
		m->list.messages[i].flags &= (uint16_t)~IS_LAST;
	if (n > 0)
		maildir_message(m, n)->flags |= IS_LAST;
	m->index_has_news = true;
}

static enum maildrop_result
commit(struct store *s, size_t last, size_t *removed)
{
	struct maildir_store *m = maildir_store_of(s);

	keep_last(m, last);
	maildir_move_read(m);
	enum maildrop_result r = maildir_remove_marked(m, removed);
	save(s);
	return r;
}

const struct store_operations maildir_operations = {
	.open = open_store,
	.recover = recover,
	.close = close_store,
	.save = save,
	.count = count,
	.octets = octets,
	.identify = identify,
	.mark = mark,
	.is_marked = is_marked,
	.text_begin = maildir_text_begin,
	.text = maildir_text,
	.text_ahead = maildir_text_ahead,
	.text_stands = maildir_text_stands,
	.accessed = maildir_accessed,
	.commit = commit,
};

/* ---- without a session */

bool
maildir_survey(const char *path, struct maildir_survey *survey)
{
	struct maildir_store *m = malloc(sizeof(*m) + MAILDIR_PIECE_SIZE);
	const struct maildir_list nothing = { .count = 0 };

	*survey = (struct maildir_survey){ .there = false };
	if (m == NULL)
		return false;
	bool ok = maildir_folder_open(&m->folder, path) == MAILDROP_OK;
	survey->there = ok && m->folder.top >= 0;
	if (survey->there) {
		struct maildir_scan s = { .folder = &m->folder,
					  .known = &nothing,
					  .buf = m->piece,
					  .size = MAILDIR_PIECE_SIZE };

		ok = maildir_scan(&s) == MAILDROP_OK;
		survey->messages = s.list.count;
		survey->others = s.others;
		for (size_t i = 0; i < s.list.count; i++)
			survey->bytes += s.list.messages[i].size;
		survey->writable =
		    faccessat(m->folder.top, "cur", W_OK, AT_EACCESS) == 0 &&
		    faccessat(m->folder.top, "new", W_OK, AT_EACCESS) == 0;
		maildir_list_free(&s.list);
	}
	maildir_folder_close(&m->folder);
	free(m);
	return ok;
}
