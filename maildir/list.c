/* In the mailbox process and where a commit is recovered; pure. */
#include "maildir/list.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "maildir/name.h"

static_assert(sizeof(struct maildir_message) <= 64, "64 bytes a message");

enum { FIRST_MESSAGES = 64, FIRST_NAMES = 4096, NANOSECONDS = 1000000000 };

void
maildir_list_free(struct maildir_list *l)
{
	free(l->messages);
	free(l->names.text);
	free(l->ids.text);
	*l = (struct maildir_list){ .count = 0 };
}

bool
maildir_strings_add(struct maildir_strings *s, const char *text, size_t len,
		    uint32_t *at)
{
	if (s->capacity - s->len <= len) {
		size_t more = s->capacity * 2 + FIRST_NAMES + len;
		char *grown = realloc(s->text, more);

		if (grown == NULL)
			return false;
		s->text = grown;
		s->capacity = more;
	}
	if (s->len > UINT32_MAX)
		return false;
	*at = (uint32_t)s->len;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len++] = '\0';
	return true;
}

struct maildir_message *
maildir_list_add(struct maildir_list *l, const char *name)
{
	uint32_t at;

	if (l->count == l->capacity) {
		size_t more = l->capacity * 2 + FIRST_MESSAGES;
		struct maildir_message *grown =
		    reallocarray(l->messages, more, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		l->messages = grown;
		l->capacity = more;
	}
	if (l->count == UINT32_MAX ||
	    !maildir_strings_add(&l->names, name, strlen(name), &at))
		return NULL;
	struct maildir_message *m = &l->messages[l->count++];
	*m = (struct maildir_message){
		.name = at,
		.unique_len = (uint16_t)maildir_unique_length(name),
	};
	return m;
}

const char *
maildir_name(const struct maildir_list *l, const struct maildir_message *m)
{
	return l->names.text + m->name;
}

/* A time past the year 2262 is some number too, and always the same. */
static int64_t
nanoseconds(const struct timespec *t)
{
	return (int64_t)((uint64_t)t->tv_sec * NANOSECONDS +
			 (uint64_t)t->tv_nsec);
}

void
maildir_describe(struct maildir_message *m, const struct stat *st)
{
	m->size = st->st_size;
	m->ino = st->st_ino;
	m->mtime = nanoseconds(&st->st_mtim);
	m->ctime = nanoseconds(&st->st_ctim);
}

bool
maildir_is_same(const struct maildir_message *m, const struct stat *st)
{
	return S_ISREG(st->st_mode) && m->ino == st->st_ino &&
	       m->size == st->st_size && m->mtime == nanoseconds(&st->st_mtim);
}

/* ---- the table */

bool
maildir_table_make(struct maildir_table *t, size_t count)
{
	size_t size = 16;

	while (size / 2 < count)
		size *= 2;
	t->mask = size - 1;
	t->slots = calloc(size, sizeof(*t->slots));
	return t->slots != NULL;
}

void
maildir_table_free(struct maildir_table *t)
{
	free(t->slots);
	t->slots = NULL;
}

static size_t
place(const struct maildir_table *t, const char *name, size_t len)
{
	return (size_t)XXH3_64bits(name, len) & t->mask;
}

void
maildir_table_add(struct maildir_table *t, const struct maildir_list *l,
		  size_t i)
{
	const struct maildir_message *m = &l->messages[i];
	size_t at = place(t, maildir_name(l, m), m->unique_len);

	while (t->slots[at] != 0)
		at = (at + 1) & t->mask;
	t->slots[at] = (uint32_t)i + 1;
}

struct maildir_message *
maildir_table_find(const struct maildir_table *t, const struct maildir_list *l,
		   const char *name, size_t len, size_t *probe)
{
	size_t at = place(t, name, len);

	for (;;) {
		uint32_t slot = t->slots[(at + *probe) & t->mask];
		if (slot == 0)
			return NULL;
		*probe += 1;
		struct maildir_message *m = &l->messages[slot - 1];
		if (m->unique_len == len &&
		    memcmp(maildir_name(l, m), name, len) == 0)
			return m;
	}
}
