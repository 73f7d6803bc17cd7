/*
 * Runs in the mailbox process at QUIT, and where a removal is finished. Nobody
 * can lock a Maildir: each file is looked at before its name is removed, and
 * one that another program has renamed meanwhile is searched for.
 */
#include "maildir/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/fileio.h"
#include "base/log.h"
#include "maildir/maildir_store.h"
#include "maildir/name.h"
#include "maildir/names_journal.h"
#include "maildir/quota.h"
#include "maildir/scan.h"

enum { TRIES_MAX = 5 };

/* ---- what is to go */

static bool
is_to_go(const struct maildir_message *msg)
{
	return (msg->flags & (IS_MARKED | IS_GONE)) == IS_MARKED;
}

static size_t
count_with(const struct maildir_list *l, unsigned mask, unsigned flags)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += (l->messages[i].flags & mask) == flags;
	return n;
}

enum state { STANDS, RENAMED, CHANGED, UNKNOWN };

static enum state
state_of(const struct maildir_store *m, const struct maildir_message *msg)
{
	struct stat st;

	if (fstatat(maildir_dir(m, msg), maildir_name(&m->list, msg), &st,
		    AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? RENAMED : UNKNOWN;
	return maildir_is_same(msg, &st) ? STANDS : CHANGED;
}

/* Sets IS_GONE of the marked ones that are not there; false with errno. */
static bool
look_at_marked(struct maildir_store *m)
{
	for (size_t i = 0; i < m->list.count; i++)
		if (m->list.messages[i].flags & IS_MARKED)
			m->list.messages[i].flags &= (uint16_t)~IS_GONE;
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		bool renamed = false;

		for (size_t i = 0; i < m->list.count; i++) {
			struct maildir_message *msg = &m->list.messages[i];
			enum state state =
			    is_to_go(msg) ? state_of(m, msg) : STANDS;
			if (state == UNKNOWN)
				return false;
			renamed |= state == RENAMED;
			/* What the client has marked is not there any more. */
			if (state == CHANGED)
				msg->flags |= IS_GONE;
		}
		if (!renamed)
			return true;
		if (!maildir_refresh(&m->folder, &m->list, &m->times, m->piece,
				     MAILDIR_PIECE_SIZE))
			return false;
	}
	errno = EBUSY;
	return false;
}

/* ---- removing by a walk through the directories */

struct sweep {
	struct maildir_store *store;
	struct maildir_list *list; /* its marked messages go */
	struct maildir_table table;
	struct maildir_quota quota;
	size_t unlinked;
	int error; /* of what could not be removed; 0: none */
};

static void
note_unlinked(struct maildir_quota *q, struct maildir_message *msg,
	      const char *name)
{
	if ((msg->flags & IS_GONE) == 0)
		maildir_quota_count(q, name, msg->size);
	msg->flags |= IS_GONE;
}

static bool
sweep_name(void *arg, enum maildir_place place, const char *name)
{
	struct sweep *w = arg;
	int dir = w->store->folder.dirs[place];
	size_t probe = 0, len = maildir_unique_length(name);
	struct maildir_message *msg;
	struct stat st;

	while ((msg = maildir_table_find(&w->table, w->list, name, len,
					 &probe)) != NULL) {
		if ((msg->flags & IS_MARKED) == 0 ||
		    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !maildir_is_same(msg, &st))
			continue;
		if (unlinkat(dir, name, 0) == 0) {
			note_unlinked(&w->quota, msg, name);
			w->unlinked++;
		} else if (errno != ENOENT) {
			w->error = errno;
		}
		return true;
	}
	return true;
}

static bool
sweep_once(struct sweep *w)
{
	const struct maildir_folder *f = &w->store->folder;
	char *buf = w->store->piece;

	w->unlinked = 0;
	return maildir_folder_walk(f, PLACE_NEW, buf, MAILDIR_PIECE_SIZE,
				   sweep_name, w) &&
	       maildir_folder_walk(f, PLACE_CUR, buf, MAILDIR_PIECE_SIZE,
				   sweep_name, w);
}

/*
 * All files of the list's marked messages, however they are called. A walk may
 * miss what is renamed under it, so the last one has found nothing to do, and
 * nothing changing. False with errno.
 */
static bool
sweep_all(struct sweep *w)
{
	struct maildir_times before, after;
	bool ok = true, calm = false;

	if (!maildir_table_make(&w->table, w->list->count)) {
		errno = ENOMEM;
		return false;
	}
	for (size_t i = 0; i < w->list->count; i++)
		maildir_table_add(&w->table, w->list, i);
	for (int i = 0; ok && !calm && i < TRIES_MAX; i++) {
		ok = maildir_folder_times(&w->store->folder, &before) &&
		     sweep_once(w) &&
		     maildir_folder_times(&w->store->folder, &after);
		if (ok && w->error != 0) {
			errno = w->error;
			ok = false;
		}
		calm = ok && w->unlinked == 0 &&
		       maildir_times_same(&before, &after);
	}
	int saved = errno;
	maildir_table_free(&w->table);
	errno = ok ? EBUSY : saved;
	return calm;
}

/* ---- the commit */

enum outcome { REMOVED, NOTHING_REMOVED, NOT_ALL_REMOVED };

/*
 * By the names that are known, and where that is not enough by a walk. errno
 * tells why where not all were removed.
 */
static enum outcome
unlink_marked(struct maildir_store *m, struct maildir_quota *q)
{
	bool walk = false, begun = false;

	for (size_t i = 0; i < m->list.count; i++) {
		struct maildir_message *msg = &m->list.messages[i];
		const char *name = maildir_name(&m->list, msg);
		bool twice = (msg->flags & IS_TWICE) != 0;

		if (!is_to_go(msg))
			continue;
		enum state state = state_of(m, msg);
		if (state == CHANGED)
			continue; /* just now, and so it stays */
		if (state == STANDS &&
		    unlinkat(maildir_dir(m, msg), name, 0) == 0) {
			note_unlinked(q, msg, name);
			begun = true;
			walk |= twice;
			continue;
		}
		if (errno != ENOENT && !begun)
			return NOTHING_REMOVED;
		walk = true;
	}
	if (!walk)
		return REMOVED;
	struct sweep w = { .store = m, .list = &m->list, .quota = *q };
	bool ok = sweep_all(&w);
	*q = w.quota;
	return ok ? REMOVED : NOT_ALL_REMOVED;
}

static enum maildrop_result
log_failure(const struct maildir_store *m, const char *what)
{
	int error = errno;

	log_line(LOG_ERR, EVENT_COMMIT, "Maildir %s: %s: %s", m->folder.path,
		 what, strerror(error));
	return error == EACCES || error == EPERM || error == EROFS
		   ? MAILDROP_PERMANENT
		   : MAILDROP_TEMPORARY;
}

/* Only where it is no more is the removal not decided. */
static bool
take_back(struct maildir_store *m, int journal)
{
	return journal < 0 || (names_journal_remove(m->place.state_dir) &&
			       file_sync(m->place.state_dir));
}

/*
 * Once there is a journal, what could not be removed is left to the next who
 * finds it.
 */
static enum maildrop_result
carry_out(struct maildir_store *m, int journal)
{
	struct maildir_quota quota = { .messages = 0 };
	enum maildrop_result r = MAILDROP_OK;
	enum outcome outcome = unlink_marked(m, &quota);
	int error = errno;
	bool synced = maildir_folder_sync(&m->folder);

	if (!synced)
		log_failure(m, "what was removed may come back");
	maildir_quota_note(&m->folder, &quota);
	errno = error;
	if (outcome == NOTHING_REMOVED && take_back(m, journal)) {
		errno = error;
		return log_failure(m, "nothing was removed");
	}
	errno = error;
	if (outcome != REMOVED)
		r = log_failure(m, journal < 0
				       ? "not all was removed"
				       : "the rest is removed at the next "
					 "login");
	else if (synced && journal >= 0 &&
		 !names_journal_remove(m->place.state_dir))
		log_failure(m, "the journal stays");
	return journal < 0 ? r : MAILDROP_OK;
}

/*
 * One name is removed whole or not at all. More need a journal, but where there
 * is no room for it, to remove them makes some.
 */
static enum maildrop_result
decide(struct maildir_store *m, int *journal)
{
	*journal = -1;
	if (count_with(&m->list, IS_MARKED | IS_GONE, IS_MARKED) < 2 &&
	    count_with(&m->list, IS_MARKED | IS_TWICE, IS_MARKED | IS_TWICE) ==
		0)
		return MAILDROP_OK;
	switch (names_journal_write(m->place.state_dir, &m->list, journal)) {
	case NAMES_OK:
		return MAILDROP_OK;
	case NAMES_NO_ROOM:
		log_line(LOG_WARNING, EVENT_COMMIT,
			 "no room for a journal: messages are removed one by "
			 "one");
		return MAILDROP_OK;
	default:
		return log_failure(m, "no journal, nothing was removed");
	}
}

/* Those that are still there; the others somebody else has removed. */
static void
set_going(struct maildir_store *m)
{
	for (size_t i = 0; i < m->list.count; i++)
		if (is_to_go(&m->list.messages[i]))
			m->list.messages[i].flags |= IS_GOING;
}

/* all: those too that a journal keeps for the next who finds it. */
static void
tell_removed(const struct maildir_store *m, bool all)
{
	for (size_t i = 0; m->store.removed != NULL && i < m->list.count; i++) {
		unsigned flags = m->list.messages[i].flags;

		if ((flags & IS_GOING) && (all || (flags & IS_GONE)))
			m->store.removed(m->store.removed_arg, i + 1);
	}
}

enum maildrop_result
maildir_remove_marked(struct maildir_store *m, size_t *removed)
{
	size_t wanted = count_with(&m->list, IS_MARKED, IS_MARKED);
	int journal;

	*removed = 0;
	if (wanted == 0)
		return MAILDROP_OK;
	m->index_has_news = true;
	if (!look_at_marked(m))
		return log_failure(m, "nothing was removed");
	*removed =
	    wanted - count_with(&m->list, IS_MARKED | IS_GONE, IS_MARKED);
	if (*removed == wanted)
		return MAILDROP_OK;
	enum maildrop_result r = decide(m, &journal);
	if (r != MAILDROP_OK)
		return r;
	set_going(m);
	r = carry_out(m, journal);
	if (journal >= 0)
		close(journal);
	tell_removed(m, names_journal_waits(m->place.state_dir));
	*removed =
	    r == MAILDROP_OK
		? wanted
		: wanted - count_with(&m->list, IS_MARKED | IS_GONE, IS_MARKED);
	return r;
}

/* ---- a removal that was cut */

static enum maildrop_result
drop_damaged(struct maildir_store *m)
{
	log_line(LOG_ERR, EVENT_RECOVERED,
		 "Maildir %s: the journal of a removal is damaged and dropped: "
		 "what is not removed yet stays",
		 m->folder.path);
	if (names_journal_remove(m->place.state_dir))
		return MAILDROP_OK;
	return log_failure(m, "the journal stays");
}

static enum maildrop_result
finish(struct maildir_store *m, struct maildir_list *names)
{
	struct sweep w = { .store = m, .list = names };
	bool swept = sweep_all(&w);
	int error = errno;

	maildir_quota_note(&m->folder, &w.quota);
	errno = error;
	if (!swept || !maildir_folder_sync(&m->folder) ||
	    !names_journal_remove(m->place.state_dir))
		return log_failure(m, "an interrupted removal is not finished");
	log_line(LOG_NOTICE, EVENT_RECOVERED,
		 "finished an interrupted commit; %zu messages had been left",
		 w.quota.messages);
	return MAILDROP_OK;
}

enum maildrop_result
maildir_finish_removal(struct maildir_store *m)
{
	struct maildir_list names = { .count = 0 };
	enum maildrop_result r = MAILDROP_OK;
	int journal = -1;

	if (m->folder.top < 0)
		return MAILDROP_OK;
	switch (names_journal_read(m->place.state_dir, &names, &journal)) {
	case NAMES_NONE:
		break;
	case NAMES_OK:
		r = finish(m, &names);
		break;
	case NAMES_DAMAGED:
		r = drop_damaged(m);
		break;
	default:
		r = log_failure(m, "an interrupted removal is not finished");
	}
	if (journal >= 0)
		close(journal);
	maildir_list_free(&names);
	return r;
}

/* ---- from new/ to cur/ */

/* Never in the place of another file, also where a rename cannot say so. */
static bool
rename_to_cur(const struct maildir_folder *f, const char *from, const char *to)
{
	int cur = f->dirs[PLACE_CUR], new = f->dirs[PLACE_NEW];

	if (compat_rename_new(new, from, cur, to) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	return linkat(new, from, cur, to, 0) == 0 &&
	       unlinkat(new, from, 0) == 0;
}

static bool
move(struct maildir_store *m, struct maildir_message *msg)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 4];
	bool plain = msg->unique_len == strlen(maildir_name(&m->list, msg));
	struct stat st;
	uint32_t at;

	snprintf(from, sizeof(from), "%s", maildir_name(&m->list, msg));
	snprintf(to, sizeof(to), "%s%s", from, plain ? ":2," : "");
	if (!maildir_strings_add(&m->list.names, to, strlen(to), &at) ||
	    state_of(m, msg) != STANDS || !rename_to_cur(&m->folder, from, to))
		return false;
	msg->name = at;
	msg->flags &= (uint16_t)~IN_NEW;
	m->index_has_news = true;
	/* The rename is in its ctime. */
	if (fstatat(m->folder.dirs[PLACE_CUR], to, &st, AT_SYMLINK_NOFOLLOW) ==
		0 &&
	    maildir_is_same(msg, &st))
		maildir_describe(msg, &st);
	return true;
}

void
maildir_move_read(struct maildir_store *m)
{
	static const unsigned mask = IS_READ | IN_NEW | IS_MARKED | IS_GONE;
	bool moved = false;

	if (m->folder.dirs[PLACE_CUR] < 0)
		return;
	for (size_t i = 0; i < m->list.count; i++) {
		struct maildir_message *msg = &m->list.messages[i];

		if ((msg->flags & mask) == (IS_READ | IN_NEW))
			moved |= move(m, msg);
	}
	/* The kernel keeps both names or one, at any time. */
	if (moved && !maildir_folder_sync(&m->folder))
		log_failure(m, "what was moved to cur/ may come back to new/");
}
