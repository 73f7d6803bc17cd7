/* What tells whether a file is the one that was seen, unchanged. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct snapshot {
	uint64_t dev; /* 0 where it is only a number of the mount */
	uint64_t ino;
	int64_t size;
	int64_t mtime_sec, ctime_sec;
	int32_t mtime_nsec, ctime_nsec;
	/*
	 * The last change is as fresh as the clock's grain: another one could
	 * follow without moving the times.
	 */
	bool racy;
};

enum change { UNCHANGED, MAY_HAVE_CHANGED, MAY_HAVE_GROWN, CHANGED };

/* Describes the file as it is now. */
void snapshot_take(struct snapshot *s, const struct stat *st);

/*
 * What st says of the file since `old` was taken. MAY_HAVE_GROWN: it is longer,
 * all else is for its content to tell. MAY_HAVE_CHANGED: all is the same, but
 * the times of a racy snapshot prove nothing.
 */
enum change snapshot_compare(const struct snapshot *old, const struct stat *st);

#endif
