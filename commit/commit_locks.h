/* How a commit asks whether its locks still are held. */
#ifndef COMMIT_LOCKS_H
#define COMMIT_LOCKS_H

#include <stdbool.h>

/*
 * Asked before each step that changes anything; where it says false errno
 * tells. A commit that lost its locks stops: COMMIT_FAILED before it is
 * decided, COMMIT_PENDING after.
 */
struct commit_locks {
	bool (*held)(const void *arg);
	const void *arg;
};

#endif
