/*
 * Runs in the mailbox process. Nobody locks a Maildir: a name may go while it
 * is looked at, and come back as another. So it is looked again until both
 * directories stay as they are, or it was often enough: what is missed then is
 * there at the next login.
 */
#include "maildir/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "maildir/measure.h"
#include "maildir/name.h"

enum { LOOKS_MAX = 4, READS_MAX = 3 };

/* ---- names */

static bool
add_name(void *arg, enum maildir_place place, const char *name)
{
	struct maildir_scan *s = arg;
	struct maildir_message *m = maildir_list_add(&s->list, name);

	if (m == NULL) {
		errno = ENOMEM;
		return false;
	}
	if (place == PLACE_NEW)
		m->flags |= IN_NEW;
	return true;
}

/* new/ first: what goes to cur/ meanwhile is seen there. */
static bool
list_names(struct maildir_scan *s)
{
	return maildir_folder_walk(s->folder, PLACE_NEW, s->buf, s->size,
				   add_name, s) &&
	       maildir_folder_walk(s->folder, PLACE_CUR, s->buf, s->size,
				   add_name, s);
}

/* ---- files */

/* What became of a name that was listed. */
enum look { LOOK_MESSAGE, LOOK_MISSING, LOOK_OTHER, LOOK_FAILED };

static enum look
look_failed(void)
{
	switch (errno) {
	case ENOENT:
		return LOOK_MISSING;
	case EACCES: /* not for this user to read */
	case EPERM:
	case ELOOP: /* a symbolic link */
	case ENXIO: /* a socket */
	case EBADF: /* see maildir_file_open */
		return LOOK_OTHER;
	default:
		return LOOK_FAILED;
	}
}

/* A file that is written to while it is read is looked at again. */
static enum look
read_message(struct maildir_scan *s, int dir, struct maildir_message *m)
{
	struct maildir_measure measure;
	struct stat st;
	enum look look = LOOK_OTHER;
	int fd = maildir_file_open(dir, maildir_name(&s->list, m), &st);

	if (fd < 0)
		return look_failed();
	for (int i = 0; i < READS_MAX && look == LOOK_OTHER; i++) {
		maildir_describe(m, &st);
		if (!maildir_measure_file(&measure, fd, s->buf, s->size) ||
		    fstat(fd, &st) != 0)
			look = LOOK_FAILED;
		else if (measure.bytes == m->size && maildir_is_same(m, &st))
			look = LOOK_MESSAGE;
	}
	close(fd);
	m->octets = measure.octets;
	if (file_time_is_fresh(&st.st_ctim))
		m->flags |= IS_RACY;
	s->read++;
	return look;
}

/* The file of this name that is known, whatever it holds now. */
static const struct maildir_message *
find_known(const struct maildir_scan *s, const struct maildir_table *known,
	   const struct maildir_message *m, const struct stat *st)
{
	const struct maildir_message *k;
	size_t probe = 0;

	do
		k = maildir_table_find(known, s->known,
				       maildir_name(&s->list, m), m->unique_len,
				       &probe);
	while (k != NULL && k->ino != st->st_ino);
	return k;
}

/*
 * Whether it holds what was read. The kernel notes in ctime all that is done to
 * a file, a new name too; so where the name is the old one, ctime must be.
 */
static bool
is_unchanged(const struct maildir_scan *s, const struct maildir_message *k,
	     const struct maildir_message *m, const struct stat *st)
{
	struct maildir_message now = { .size = 0 };

	maildir_describe(&now, st);
	return maildir_is_same(k, st) && (k->flags & IS_RACY) == 0 &&
	       (now.ctime == k->ctime ||
		((k->flags ^ m->flags) & IN_NEW) != 0 ||
		strcmp(maildir_name(&s->list, m), maildir_name(s->known, k)) !=
		    0);
}

static enum look
look_at(struct maildir_scan *s, const struct maildir_table *known,
	struct maildir_message *m)
{
	static const unsigned inherited =
	    IS_COPY | IS_LAST | HAS_OWN_ID | IS_INDEXED;
	int dir = s->folder->dirs[m->flags & IN_NEW ? PLACE_NEW : PLACE_CUR];
	struct stat st;

	if (fstatat(dir, maildir_name(&s->list, m), &st, AT_SYMLINK_NOFOLLOW) !=
	    0)
		return look_failed();
	if (!maildir_is_message(&st))
		return LOOK_OTHER;
	const struct maildir_message *k = find_known(s, known, m, &st);
	if (k != NULL)
		m->flags |= (uint16_t)(k->flags & inherited);
	if (k == NULL || !is_unchanged(s, k, m, &st))
		return read_message(s, dir, m);
	maildir_describe(m, &st);
	m->octets = k->octets;
	return LOOK_MESSAGE;
}

static void
say_other(const struct maildir_scan *s, const struct maildir_message *m)
{
	log_line(LOG_WARNING, EVENT_MAILBOX,
		 "Maildir %s: not served: %s/%s: it is no regular file of this "
		 "user's that can be read",
		 s->folder->path, m->flags & IN_NEW ? "new" : "cur",
		 maildir_name(&s->list, m));
}

static void
set_when(const struct maildir_list *l, struct maildir_message *m)
{
	m->when = maildir_name_when(maildir_name(l, m));
	if (m->when < 0)
		m->when = m->mtime / 1000;
}

static enum maildrop_result
look_at_all(struct maildir_scan *s, const struct maildir_table *known)
{
	struct maildir_list *l = &s->list;
	size_t kept = 0;

	s->others = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct maildir_message *m = &l->messages[i];

		switch (look_at(s, known, m)) {
		case LOOK_MESSAGE:
			set_when(l, m);
			l->messages[kept++] = *m;
			break;
		case LOOK_OTHER:
			if (s->others++ == 0)
				say_other(s, m);
			break;
		case LOOK_MISSING:
			break;
		case LOOK_FAILED:
			return maildir_system_fault(s->folder);
		}
	}
	l->count = kept;
	return MAILDROP_OK;
}

/* ---- two files with one unique name */

/* Whether x rather than y has the name for its id: as it was told before. */
static bool
comes_first(const struct maildir_message *x, const struct maildir_message *y)
{
	if ((x->flags ^ y->flags) & IS_COPY)
		return (x->flags & IS_COPY) == 0;
	if ((x->flags ^ y->flags) & IS_INDEXED)
		return (x->flags & IS_INDEXED) != 0;
	return x->mtime != y->mtime ? x->mtime < y->mtime : x->ino < y->ino;
}

/*
 * The same file under another name, as a mail reader leaves it that links and
 * then unlinks: one message. The later name, in cur/, is the one that stays.
 */
static bool
is_another_name(struct maildir_message *before, const struct maildir_message *m)
{
	if (before->ino != m->ino)
		return false;
	before->name = m->name;
	before->flags = (uint16_t)((before->flags & ~IN_NEW) |
				   (m->flags & IN_NEW) | IS_TWICE);
	return true;
}

/* False where m is no message of its own. */
static bool
compare_names(const struct maildir_table *t, struct maildir_list *l,
	      struct maildir_message *m)
{
	struct maildir_message *before;
	size_t probe = 0;

	while ((before = maildir_table_find(t, l, maildir_name(l, m),
					    m->unique_len, &probe)) != NULL) {
		if (is_another_name(before, m))
			return false;
		if (comes_first(before, m))
			m->flags |= IS_COPY;
		else
			before->flags |= IS_COPY;
	}
	return true;
}

static bool
mind_copies(struct maildir_list *l)
{
	struct maildir_table t;
	size_t kept = 0;

	if (!maildir_table_make(&t, l->count))
		return false;
	for (size_t i = 0; i < l->count; i++) {
		struct maildir_message *m = &l->messages[kept];

		*m = l->messages[i];
		if (!compare_names(&t, l, m))
			continue;
		maildir_table_add(&t, l, kept);
		kept++;
	}
	l->count = kept;
	maildir_table_free(&t);
	return true;
}

/* ---- all of it */

static int
by_delivery(const void *a, const void *b, void *arg)
{
	const struct maildir_message *x = a, *y = b;
	const struct maildir_list *l = arg;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	size_t len =
	    x->unique_len < y->unique_len ? x->unique_len : y->unique_len;
	int order = memcmp(maildir_name(l, x), maildir_name(l, y), len);
	if (order != 0)
		return order;
	if (x->unique_len != y->unique_len)
		return x->unique_len < y->unique_len ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static enum maildrop_result
look_once(struct maildir_scan *s)
{
	struct maildir_table known;

	if (!list_names(s))
		return maildir_system_fault(s->folder);
	if (!maildir_table_make(&known, s->known->count))
		return maildir_fault(s->folder, MAILDROP_TEMPORARY,
				     "memory is short");
	for (size_t i = 0; i < s->known->count; i++)
		maildir_table_add(&known, s->known, i);
	enum maildrop_result r = look_at_all(s, &known);
	maildir_table_free(&known);
	return r;
}

enum maildrop_result
maildir_scan(struct maildir_scan *s)
{
	const struct maildir_list *index = s->known;
	struct maildir_list before = { .count = 0 };
	enum maildrop_result r = MAILDROP_OK;
	struct maildir_times now;

	for (int i = 0; i < LOOKS_MAX && r == MAILDROP_OK; i++) {
		if (!maildir_folder_times(s->folder, &s->times))
			r = maildir_system_fault(s->folder);
		if (r == MAILDROP_OK)
			r = look_once(s);
		if (r != MAILDROP_OK ||
		    (maildir_folder_times(s->folder, &now) &&
		     maildir_times_same(&now, &s->times)))
			break;
		if (i + 1 == LOOKS_MAX)
			break;
		/* What was read need not be read again. */
		maildir_list_free(&before);
		before = s->list;
		s->list = (struct maildir_list){ .count = 0 };
		s->known = &before;
	}
	s->known = index;
	maildir_list_free(&before);
	if (r == MAILDROP_OK && !mind_copies(&s->list))
		r = maildir_fault(s->folder, MAILDROP_TEMPORARY,
				  "memory is short");
	if (r == MAILDROP_OK && s->list.count > 1)
		qsort_r(s->list.messages, s->list.count,
			sizeof(*s->list.messages), by_delivery, &s->list);
	return r;
}

/* ---- a second look at the names */

static const uint32_t nowhere = UINT32_MAX;

struct refresh {
	const struct maildir_folder *folder;
	struct maildir_list *list;
	struct maildir_table table;
	uint32_t *places; /* of each message's name in names, or nowhere */
	struct maildir_strings names;
};

static bool
has_name(const struct maildir_list *l, const struct maildir_message *m,
	 enum maildir_place place, const char *name)
{
	return (m->flags & IN_NEW ? PLACE_NEW : PLACE_CUR) == place &&
	       strcmp(maildir_name(l, m), name) == 0;
}

/* The message of this name, if it is one that was listed. */
static struct maildir_message *
find_message(const struct refresh *r, enum maildir_place place,
	     const char *name)
{
	size_t probe = 0, len = maildir_unique_length(name);
	struct maildir_message *m;
	struct stat st;

	while ((m = maildir_table_find(&r->table, r->list, name, len,
				       &probe)) != NULL) {
		if (has_name(r->list, m, place, name) ||
		    (fstatat(r->folder->dirs[place], name, &st,
			     AT_SYMLINK_NOFOLLOW) == 0 &&
		     maildir_is_same(m, &st)))
			return m;
	}
	return NULL;
}

static bool
note_name(void *arg, enum maildir_place place, const char *name)
{
	struct refresh *r = arg;
	struct maildir_message *m = find_message(r, place, name);

	if (m == NULL)
		return true;
	uint32_t *at = &r->places[m - r->list->messages];
	unsigned flags = m->flags & ~(unsigned)(IS_GONE | IN_NEW);
	if (place == PLACE_NEW)
		flags |= IN_NEW;
	if (*at != nowhere)
		flags |= IS_TWICE;
	m->flags = (uint16_t)flags;
	if (maildir_strings_add(&r->names, name, strlen(name), at))
		return true;
	errno = ENOMEM;
	return false;
}

/* The new names take the place of the old ones, but where there is none. */
static bool
take_names(struct refresh *r)
{
	struct maildir_list *l = r->list;

	for (size_t i = 0; i < l->count; i++) {
		struct maildir_message *m = &l->messages[i];
		const char *name = maildir_name(l, m);

		if (r->places[i] != nowhere)
			continue;
		m->flags |= IS_GONE;
		if (!maildir_strings_add(&r->names, name, strlen(name),
					 &r->places[i])) {
			errno = ENOMEM;
			return false;
		}
	}
	for (size_t i = 0; i < l->count; i++)
		l->messages[i].name = r->places[i];
	free(l->names.text);
	l->names = r->names;
	r->names = (struct maildir_strings){ .len = 0 };
	return true;
}

static bool
refresh_once(struct refresh *r, char *buf, size_t size)
{
	struct maildir_list *l = r->list;

	r->places = malloc((l->count + 1) * sizeof(*r->places));
	if (r->places == NULL || !maildir_table_make(&r->table, l->count)) {
		errno = ENOMEM;
		return false;
	}
	for (size_t i = 0; i < l->count; i++) {
		r->places[i] = nowhere;
		maildir_table_add(&r->table, l, i);
	}
	return maildir_folder_walk(r->folder, PLACE_NEW, buf, size, note_name,
				   r) &&
	       maildir_folder_walk(r->folder, PLACE_CUR, buf, size, note_name,
				   r) &&
	       take_names(r);
}

bool
maildir_refresh(const struct maildir_folder *f, struct maildir_list *l,
		struct maildir_times *times, char *buf, size_t size)
{
	struct maildir_times now, after;
	bool ok = true, calm = false;

	for (int i = 0; ok && !calm && i < LOOKS_MAX; i++) {
		struct refresh r = { .folder = f, .list = l };

		ok = maildir_folder_times(f, &now);
		if (ok && !now.racy && !times->racy &&
		    maildir_times_same(&now, times))
			return true;
		ok = ok && refresh_once(&r, buf, size) &&
		     maildir_folder_times(f, &after);
		free(r.places);
		free(r.names.text);
		maildir_table_free(&r.table);
		calm = ok && maildir_times_same(&now, &after);
	}
	if (ok)
		*times = now;
	return ok;
}
