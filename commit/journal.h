/*
 * Writing a commit's journal, reading it, and holding it against the mailbox.
 * What is in the file stands in journal_head.h.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "commit/journal_head.h"
#include "commit/range.h"

/* What the mailbox holds, held against the journal. */
struct journal_view {
	bool all_new;	 /* from first to end it is the payload */
	bool old_or_new; /* each sector from first to end is, or as it was */
	bool old_tail;	 /* from end + 1 to old_size it is as it was */
};

/* Whether a journal is in the state directory. */
bool journal_waits(int dir);

/* Whether one is there that was never finished, and so decides nothing. */
bool journal_draft_waits(int dir);

/* Removes such a draft, if there is one. */
bool journal_remove_draft(int dir);

/*
 * An empty draft, open for reading and writing; -1: errno tells. Where there is
 * a file `spare` (or NULL) in the directory it becomes the draft as it is.
 */
int journal_create_draft(int dir, const char *spare);

/* How large the journal is that takes the ranges out. */
off_t journal_need(off_t size, const struct commit_range *ranges, size_t n);

/*
 * Writes the draft of a journal that takes the ranges out of the mailbox, but
 * not all there is. It is durable when this returns true, but counts only when
 * published. Else errno tells, and nothing is left of it.
 */
bool journal_write(struct journal *j, int dir, int mailbox, off_t size,
		   const struct commit_range *ranges, size_t n, bool unread);

/* Makes the draft the journal, in the place of one that may be there. */
bool journal_publish(int dir);

/*
 * Opens the journal; its header is right when the result is JOURNAL_OK, and
 * nothing but its fd is known when it is JOURNAL_STEPS.
 */
enum journal_result journal_open(struct journal *j, int dir);

/*
 * Reads all of the journal, checks it, and compares it with the mailbox, which
 * is `size` bytes long.
 */
enum journal_result journal_compare(const struct journal *j, int mailbox,
				    off_t size, struct journal_view *view);

/* Copies the payload to offset `at` of another file. */
bool journal_copy(const struct journal *j, int to, off_t at);

/* Notes durably that the mailbox is about to be truncated. */
bool journal_mark(struct journal *j);

/* Whether it still is the one that the state directory names; else ESTALE. */
bool journal_is_named(const struct journal *j, int dir);

/* Removes the journal; that there is none any more is no error. */
bool journal_remove(int dir);

/* Gives the journal a name under which nobody looks for it. */
bool journal_set_aside(int dir, const char *name);

bool journal_close(struct journal *j);

#endif
