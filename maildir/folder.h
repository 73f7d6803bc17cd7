/*
 * The directories of a Maildir and the files in them, looked at so that nobody
 * who may put something there can make us wait, follow a link or take another
 * thing for a message.
 */
#ifndef MAILDIR_FOLDER_H
#define MAILDIR_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store.h"

enum maildir_place { PLACE_CUR, PLACE_NEW, PLACES };

struct maildir_folder {
	char path[PATH_MAX]; /* without a slash at its end */
	int top;	  /* only to reach other files; -1: it is not there */
	int dirs[PLACES]; /* -1: it is not there */
};

/* When both directories were changed last. */
struct maildir_times {
	struct timespec changed[PLACES];
	bool racy; /* just now: another change may not move the times */
};

/* Whether path names a Maildir without saying so by a slash. */
bool maildir_folder_is(const char *path);

/*
 * Opens it. MAILDROP_OK also where there is none: nothing is open then. Else
 * it is logged why. To be closed in each case.
 */
enum maildrop_result maildir_folder_open(struct maildir_folder *f,
					 const char *path);
void maildir_folder_close(struct maildir_folder *f);

/* Logs what is wrong. */
enum maildrop_result maildir_fault(const struct maildir_folder *f,
				   enum maildrop_result r, const char *what);
/* The same for errno. */
enum maildrop_result maildir_system_fault(const struct maildir_folder *f);

/* False with errno. */
bool maildir_folder_times(const struct maildir_folder *f,
			  struct maildir_times *t);
bool maildir_times_same(const struct maildir_times *a,
			const struct maildir_times *b);

/* Whether the file's own descriptor makes it a message of this user's. */
bool maildir_is_message(const struct stat *st);

/*
 * Opens a file for reading, which leaves its times alone where that can be
 * had. Only a regular file of this user's: else -1 with EBADF.
 */
int maildir_file_open(int dir, const char *name, struct stat *st);

/*
 * Calls visit for each name in the directory that may be a message's: false
 * from it ends the walk. buf is room to read into. False with errno where that
 * failed, or visit did.
 */
typedef bool (*maildir_visitor)(void *arg, enum maildir_place place,
				const char *name);
bool maildir_folder_walk(const struct maildir_folder *f,
			 enum maildir_place place, char *buf, size_t size,
			 maildir_visitor visit, void *arg);

/* Both directories are on the disk as they are. */
bool maildir_folder_sync(const struct maildir_folder *f);

#endif
