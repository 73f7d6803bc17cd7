/* The kinds of mailbox lock, by name: how they are taken is lock/'s matter. */
#ifndef LOCK_KIND_H
#define LOCK_KIND_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum lock_kind { LOCK_NONE, LOCK_FLOCK, LOCK_FCNTL, LOCK_DOTLOCK };
enum { LOCK_KINDS = 3 };

/* What became of a try; the boundary carries it as well. */
enum lock_result {
	LOCK_OK,
	LOCK_BUSY,  /* someone else holds it */
	LOCK_FAILED /* errno tells */
};

/* Who holds one, as far as is known; the boundary carries it as well. */
struct lock_holder {
	uint32_t kind;	     /* enum lock_kind; LOCK_NONE: not known */
	int32_t pid;	     /* 0: not known */
	int64_t age;	     /* of a dotlock, in seconds */
	uint64_t mount, ino; /* the mailbox's, for the kernel's locks */
};

/* What the name of a mailbox's dotlock ends in. */
#define DOTLOCK_SUFFIX ".lock"

/* Whether path is what another mailbox's dotlock would be named. */
static inline bool
dotlock_has_name(const char *path)
{
	size_t len = strlen(path), end = strlen(DOTLOCK_SUFFIX);

	return len >= end && strcmp(path + len - end, DOTLOCK_SUFFIX) == 0;
}

#endif
