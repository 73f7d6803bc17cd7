/*
 * What was found out of each message, for the next login: a cache. It is
 * believed for a file that has the same unique name, inode, size and times.
 */
#ifndef MAILDIR_INDEX_H
#define MAILDIR_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "maildir/list.h"

/*
 * Fills an empty list; leaves it empty where there is no index of this kind
 * for the file system dev that can be believed.
 */
void maildir_index_load(int state_dir, enum uidl_kind kind, uint64_t dev,
			struct maildir_list *l);

/* Of the messages that are not gone. False with errno. */
bool maildir_index_save(int state_dir, enum uidl_kind kind, uint64_t dev,
			const struct maildir_list *l);

/* Its name in the state directory, for whoever needs its room on the disk. */
extern const char maildir_index_name[];

#endif
