/*
 * The messages of one session: which there are, and which are to go. Runs in
 * the mailbox process, as the user. Keeps other sessions out; what holds the
 * mail is a store's matter.
 */
#include "maildrop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "lock/session_lock.h"
#include "maildir/maildir.h"
#include "mbox/mbox.h"

enum {
	/* a session that is just ending leaves its lock within this time */
	SESSION_WAIT_MS = 1000,
	SESSION_STEP_MS = 20
};

struct maildrop {
	struct store *store; /* NULL until it is open */
	struct session_lock session_lock;
	int state_dir;
	size_t last, last_at_login;
};

/* ---- opening and closing */

/* The store for what is, or is to be, at this path. */
static const struct store_operations *
store_for(const char *path)
{
	return maildir_is(path) ? &maildir_operations : &mbox_operations;
}

static enum maildrop_result
state_fault(const char *what)
{
	log_line(LOG_ERR, EVENT_SETUP, "state directory: %s: %s", what,
		 strerror(errno));
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
		return MAILDROP_NO_ROOM;
	case EACCES:
	case EPERM:
	case ENOENT:
	case EROFS:
	case ELOOP:
		return MAILDROP_NO_STATE;
	default:
		return MAILDROP_TEMPORARY;
	}
}

static void
say_who_has_it(const struct maildrop *m)
{
	struct session_note holder;
	char since[NOTE_TIME_SIZE];

	if (!session_lock_holder(m->state_dir, &holder))
		return;
	session_note_since(&holder, since);
	log_line(LOG_NOTICE, EVENT_MAILBOX,
		 "another session has it: session=%s rhost=%s since %s, "
		 "process %d on %s",
		 holder.arrival.id, *holder.rhost != '\0' ? holder.rhost : "-",
		 since, (int)holder.pid, holder.host);
}

/* Ours in the place of what an earlier session may have left. */
static void
take_note(struct maildrop *m, const struct session_note *who)
{
	struct session_note before;
	char since[NOTE_TIME_SIZE];

	if (!session_lock_note(&m->session_lock, who, &before))
		return;
	session_note_since(&before, since);
	log_line_of(&before.arrival, before.rhost, LOG_WARNING, EVENT_PROTOCOL,
		    "the session since %s had no end: process %d on %s was "
		    "killed, or the host went down",
		    since, (int)before.pid, before.host);
}

static enum maildrop_result
take_session_lock(struct maildrop *m, const struct session_note *who)
{
	const struct timespec step = { .tv_nsec = SESSION_STEP_MS * 1000000L };
	enum lock_result r = LOCK_BUSY;

	for (int ms = 0; r == LOCK_BUSY && ms < SESSION_WAIT_MS;
	     ms += SESSION_STEP_MS) {
		r = session_lock_take(&m->session_lock, m->state_dir);
		if (r == LOCK_BUSY)
			nanosleep(&step, NULL);
	}
	if (r == LOCK_BUSY) {
		say_who_has_it(m);
		return MAILDROP_IN_USE;
	}
	if (r == LOCK_OK)
		take_note(m, who);
	return r == LOCK_OK ? MAILDROP_OK : state_fault("lock");
}

static enum maildrop_result
open_state_dir(const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 || fchdir(*fd) != 0)
		return state_fault(path);
	return MAILDROP_OK;
}

enum maildrop_result
maildrop_open(struct maildrop **maildrop, const struct options *o,
	      const char *path, const char *state_dir,
	      const struct dotlock_keeper *keeper,
	      const struct session_note *who)
{
	struct maildrop *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	m->session_lock = (struct session_lock){ .fd = -1, .watch = -1 };
	enum maildrop_result r = open_state_dir(state_dir, &m->state_dir);
	if (r == MAILDROP_OK)
		r = take_session_lock(m, who);
	if (r == MAILDROP_OK) {
		const struct store_place place = { .options = o,
						   .path = path,
						   .state_dir = m->state_dir,
						   .state_path = state_dir,
						   .keeper = keeper };

		r = store_for(path)->open(&m->store, &place, &m->last);
	}
	m->last_at_login = m->last;
	if (r == MAILDROP_OK)
		*maildrop = m;
	else
		maildrop_close(m);
	return r;
}

enum maildrop_result
maildrop_look(struct maildrop **maildrop, const struct options *o,
	      const char *path, const char *state_dir)
{
	struct maildrop *m = calloc(1, sizeof(*m));
	enum maildrop_result r = MAILDROP_OK;

	if (m == NULL)
		return MAILDROP_TEMPORARY;
	m->session_lock = (struct session_lock){ .fd = -1, .watch = -1 };
	m->state_dir =
	    open(state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->state_dir < 0 && errno != ENOENT)
		r = state_fault(state_dir);
	const struct store_place place = { .options = o,
					   .path = path,
					   .state_dir = m->state_dir,
					   .look_only = true };
	if (r == MAILDROP_OK)
		r = store_for(path)->open(&m->store, &place, &m->last);
	if (r == MAILDROP_OK)
		*maildrop = m;
	else
		maildrop_close(m);
	return r;
}

void
maildrop_save_index(struct maildrop *m)
{
	m->store->operations->save(m->store);
}

enum maildrop_result
maildrop_recover(const struct options *o, const char *path,
		 const char *state_dir, const struct dotlock_keeper *keeper)
{
	struct store_place place = { .options = o,
				     .path = path,
				     .state_path = state_dir,
				     .keeper = keeper };
	enum maildrop_result r = open_state_dir(state_dir, &place.state_dir);

	if (r == MAILDROP_OK)
		r = store_for(path)->recover(&place);
	if (place.state_dir >= 0)
		close(place.state_dir);
	return r;
}

void
maildrop_close(struct maildrop *m)
{
	if (m->store != NULL)
		m->store->operations->close(m->store);
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

bool
maildrop_is_missing(const struct maildrop *m)
{
	return m->store->missing;
}

size_t
maildrop_count(const struct maildrop *m)
{
	return m->store->operations->count(m->store);
}

bool
maildrop_exists(const struct maildrop *m, size_t n)
{
	return n > 0 && n <= maildrop_count(m) &&
	       !m->store->operations->is_marked(m->store, n);
}

void
maildrop_total(const struct maildrop *m, size_t *count, off_t *octets)
{
	*count = 0;
	*octets = 0;
	for (size_t n = 1; n <= maildrop_count(m); n++)
		if (maildrop_exists(m, n)) {
			*count += 1;
			*octets += maildrop_octets(m, n);
		}
}

off_t
maildrop_octets(const struct maildrop *m, size_t n)
{
	return m->store->operations->octets(m->store, n);
}

void
maildrop_uidl(const struct maildrop *m, size_t n, char uidl[UIDL_SIZE])
{
	m->store->operations->identify(m->store, n, uidl);
}

void
maildrop_delete(struct maildrop *m, size_t n)
{
	m->store->operations->mark(m->store, n, true);
}

void
maildrop_reset(struct maildrop *m)
{
	for (size_t n = 1; n <= maildrop_count(m); n++)
		m->store->operations->mark(m->store, n, false);
	m->last = m->last_at_login;
}

size_t
maildrop_deleted(const struct maildrop *m)
{
	size_t deleted = 0;

	for (size_t n = 1; n <= maildrop_count(m); n++)
		if (!maildrop_exists(m, n))
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
	if (m->store->operations->accessed != NULL)
		m->store->operations->accessed(m->store, n);
}

/* ---- reading and removing */

void
maildrop_read_begin(struct maildrop *m, size_t n)
{
	m->store->operations->text_begin(m->store, n);
}

enum maildrop_result
maildrop_read(struct maildrop *m, const char **data, size_t *len)
{
	return m->store->operations->text(m->store, data, len);
}

bool
maildrop_read_ahead(struct maildrop *m, size_t n, const char **data,
		    size_t *len)
{
	return m->store->operations->text_ahead(m->store, n, data, len);
}

bool
maildrop_ahead_stands(struct maildrop *m, size_t n)
{
	return m->store->operations->text_stands(m->store, n);
}

void
maildrop_tell_removed(struct maildrop *m, void (*removed)(void *arg, size_t n),
		      void *arg)
{
	m->store->removed = removed;
	m->store->removed_arg = arg;
}

enum maildrop_result
maildrop_commit(struct maildrop *m, size_t *removed)
{
	return m->store->operations->commit(m->store, m->last, removed);
}
