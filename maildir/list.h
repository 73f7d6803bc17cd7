/* The messages of a Maildir in memory: 64 bytes each, and their names. */
#ifndef MAILDIR_LIST_H
#define MAILDIR_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum maildir_flag {
	/* kept in the index */
	IN_NEW = 1,	/* not in cur/ */
	IS_COPY = 2,	/* another file has the same unique name */
	IS_LAST = 4,	/* the highest that was accessed, for LAST */
	HAS_OWN_ID = 8, /* told, while the other server had none for it */
	IS_RACY = 16,	/* as fresh as the clock's grain when it was read */
	KEPT_FLAGS = 31,
	/* of the session */
	IS_MARKED = 32,
	IS_READ = 64, /* by the client, to its end */
	IS_GONE = 128,
	IS_TWICE = 256,	  /* the same file has another name in cur/ or new/ */
	IS_INDEXED = 512, /* an earlier session has told its id */
	IS_GOING = 1024	  /* the commit is about to remove it */
};

struct maildir_message {
	int64_t when;	     /* delivered, in microseconds */
	off_t octets;	     /* on the wire */
	off_t size;	     /* of the file */
	uint64_t ino;	     /* of the file */
	int64_t mtime;	     /* of the file, in nanoseconds */
	int64_t ctime;	     /* the same */
	uint32_t name;	     /* where it stands in names */
	uint32_t id;	     /* where another server's stands in ids; 0: none */
	uint16_t unique_len; /* of the name */
	uint16_t flags;
};

/* Strings one after another, each with its NUL. */
struct maildir_strings {
	char *text;
	size_t len, capacity;
};

struct maildir_list {
	struct maildir_message *messages;
	size_t count, capacity;
	struct maildir_strings names, ids;
};

/* A list's messages by their unique name. */
struct maildir_table {
	uint32_t *slots;
	size_t mask;
};

void maildir_list_free(struct maildir_list *l);

/* Adds a string; false when memory is short. */
bool maildir_strings_add(struct maildir_strings *s, const char *text,
			 size_t len, uint32_t *at);

/* Adds a message of this name, all else zero; NULL when memory is short. */
struct maildir_message *maildir_list_add(struct maildir_list *l,
					 const char *name);

/* Good until a name is added. */
const char *maildir_name(const struct maildir_list *l,
			 const struct maildir_message *m);

/* Takes over what the file system says; and whether it still says so. */
void maildir_describe(struct maildir_message *m, const struct stat *st);
bool maildir_is_same(const struct maildir_message *m, const struct stat *st);

/* An empty table for so many; to be freed. False when memory is short. */
bool maildir_table_make(struct maildir_table *t, size_t count);
void maildir_table_free(struct maildir_table *t);

void maildir_table_add(struct maildir_table *t, const struct maildir_list *l,
		       size_t i);

/*
 * The next message with the same unique name as `name`, whose length is len;
 * NULL after the last. *probe is 0 for the first.
 */
struct maildir_message *maildir_table_find(const struct maildir_table *t,
					   const struct maildir_list *l,
					   const char *name, size_t len,
					   size_t *probe);

#endif
