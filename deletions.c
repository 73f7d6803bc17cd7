/*
 * Nothing is written to the log before the commit, which may fail, nor in it,
 * while the mailbox is locked.
 */
#include "deletions.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/header_field.h"
#include "base/log.h"

struct deletion {
	size_t message;
	off_t octets;
	bool removed;
	char *id; /* Message-ID, or NULL */
	char uidl[UIDL_SIZE];
};

struct deletions {
	size_t count;
	struct deletion list[]; /* by message */
};

/*
 * NULL where it has none, or cannot be read. *readable: false where the same is
 * to be expected of the next, after as long a wait for a lock.
 */
static char *
message_id(struct maildrop *m, size_t n, bool *readable)
{
	char value[HEADER_VALUE_SIZE];
	enum maildrop_result r;
	const char *data;
	size_t len;

	if (!*readable)
		return NULL;
	maildrop_read_begin(m, n);
	r = maildrop_read(m, &data, &len);
	*readable = r == MAILDROP_OK || r == MAILDROP_GONE;
	if (r != MAILDROP_OK || !header_field(data, len, "Message-ID", value))
		return NULL;
	return strdup(value);
}

static int
by_message(const void *a, const void *b)
{
	const struct deletion *x = a, *y = b;

	return (x->message > y->message) - (x->message < y->message);
}

/* The store tells it, in the middle of the commit. */
static void
note_removed(void *arg, size_t n)
{
	struct deletions *d = arg;
	const struct deletion key = { .message = n };
	struct deletion *found =
	    bsearch(&key, d->list, d->count, sizeof(d->list[0]), by_message);

	if (found != NULL)
		found->removed = true;
}

struct deletions *
deletions_collect(struct maildrop *m)
{
	size_t marked = maildrop_deleted(m);
	struct deletions *d =
	    calloc(1, sizeof(*d) + marked * sizeof(d->list[0]));
	bool readable = true;

	if (d == NULL) {
		log_line(LOG_WARNING, EVENT_REMOVED,
			 "no lines about %zu deletions: %s", marked,
			 strerror(errno));
		return NULL;
	}
	for (size_t n = 1; n <= maildrop_count(m); n++) {
		struct deletion *new = &d->list[d->count];

		if (maildrop_exists(m, n))
			continue;
		new->message = n;
		new->octets = maildrop_octets(m, n);
		maildrop_uidl(m, n, new->uidl);
		new->id = message_id(m, n, &readable);
		d->count++;
	}
	maildrop_tell_removed(m, note_removed, d);
	return d;
}

void
deletions_log(struct deletions *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->count; i++) {
		const struct deletion *one = &d->list[i];

		if (one->removed)
			log_removed(one->uidl, one->octets,
				    one->id != NULL ? one->id : "");
		free(one->id);
	}
	free(d);
}
