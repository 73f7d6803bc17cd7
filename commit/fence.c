/*
 * Asks the locks, the journal's name and the mailbox's times. Wherever a commit
 * is made or finished. Must not know the commit's steps.
 */
#include "commit/fence.h"

#include <errno.h>

#include "base/fileio.h"

static bool
stale(void)
{
	errno = ESTALE;
	return false;
}

bool
fence_note(struct fence *f)
{
	struct stat st;

	f->settled = false;
	if (!file_look(f->mailbox, &st))
		return false;
	f->size = st.st_size;
	f->mtime = st.st_mtim;
	f->settled = true;
	return true;
}

static bool
mailbox_stands(const struct fence *f)
{
	struct stat st;

	if (!file_look(f->mailbox, &st))
		return false;
	if (st.st_size != f->size ||
	    (f->settled && (st.st_mtim.tv_sec != f->mtime.tv_sec ||
			    st.st_mtim.tv_nsec != f->mtime.tv_nsec)))
		return stale();
	return true;
}

bool
fence_stands(const struct fence *f, const struct journal *j)
{
	if (f->locks != NULL && !f->locks->held(f->locks->arg))
		return false;
	/* Whoever finished it for us has removed it, or put his own there. */
	if (j != NULL && f->published && !journal_is_named(j, f->dir))
		return false;
	return mailbox_stands(f);
}
