/* Where a commit keeps its journal. */
#ifndef COMMIT_PLACE_H
#define COMMIT_PLACE_H

/* The user's state directory. */
struct commit_place {
	int dir;
	const char *path; /* for the log */
	/*
	 * A file in it that is but a cache. Where there is no room for a
	 * journal it becomes one, with the room that it has. Or NULL.
	 */
	const char *spare;
};

#endif
