/* A piece that a commit takes out of a file. */
#ifndef COMMIT_RANGE_H
#define COMMIT_RANGE_H

#include <sys/types.h>

struct commit_range {
	off_t start, end; /* bytes [start, end) go */
};

#endif
