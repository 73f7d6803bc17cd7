/* Compares inode, size and times; reads no content. */
#include "mbox/snapshot.h"

#include "base/fileio.h"

void
snapshot_take(struct snapshot *s, const struct stat *st)
{
	*s = (struct snapshot){
		.dev = file_disk(st),
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (int32_t)st->st_mtim.tv_nsec,
		.ctime_sec = st->st_ctim.tv_sec,
		.ctime_nsec = (int32_t)st->st_ctim.tv_nsec,
		.racy = file_time_is_fresh(&st->st_ctim),
	};
}

enum change
snapshot_compare(const struct snapshot *old, const struct stat *st)
{
	if (old->dev != file_disk(st) || old->ino != st->st_ino ||
	    st->st_size < old->size)
		return CHANGED;
	if (st->st_size > old->size)
		return MAY_HAVE_GROWN;
	if (old->mtime_sec != st->st_mtim.tv_sec ||
	    old->mtime_nsec != st->st_mtim.tv_nsec ||
	    old->ctime_sec != st->st_ctim.tv_sec ||
	    old->ctime_nsec != st->st_ctim.tv_nsec)
		return CHANGED;
	return old->racy ? MAY_HAVE_CHANGED : UNCHANGED;
}
