/*
 * The cache of a scan, one file per user. Never trusted beyond what the caller
 * checks against the mailbox; damaged, it does not exist.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>

#include "base/options.h"
#include "mbox/snapshot.h"
#include "mbox/syntax.h"

/* The file's name in the state directory. */
extern const char index_name[];

/* RFC 1225's LAST: the content of the highest message accessed. */
struct index_last {
	bool known;
	unsigned char id[MBOX_ID_SIZE];
	uint32_t copy;
};

/*
 * Reads the index in state_dir into m (empty before), s and last. False where
 * there is none for this kind of ids, any byte of it is damaged, or it is too
 * large for a mailbox of about mailbox_size bytes.
 */
bool index_load(int state_dir, enum uidl_kind kind, off_t mailbox_size,
		struct mbox *m, struct snapshot *s, struct index_last *last);

/* Writes it, atomically. False, with errno, when it could not be written. */
bool index_save(int state_dir, enum uidl_kind kind, const struct mbox *m,
		const struct snapshot *s, const struct index_last *last);

#endif
