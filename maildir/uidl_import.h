/*
 * The ids that another server has given to the messages of a Maildir, from the
 * files that it has left there.
 */
#ifndef MAILDIR_UIDL_IMPORT_H
#define MAILDIR_UIDL_IMPORT_H

#include <stdbool.h>

#include "base/options.h"
#include "maildir/folder.h"
#include "maildir/list.h"

/*
 * Gives the messages the ids that the server of this kind has told for them,
 * where it has left one, and the message was not told with another one before.
 * Does nothing for kinds that leave no such file. buf is room to read into.
 * False, with errno, when something could not be read.
 */
bool maildir_uidl_import(struct maildir_list *l, const struct maildir_folder *f,
			 const struct options *o, char *buf, size_t size);

/*
 * An id as a format of Dovecot's pop3_uidl_format has it; NULL for the default.
 * False where it is none that can be told.
 */
struct dovecot_ids {
	uint32_t uid, validity;
	const char *name, *guid; /* not NUL-terminated */
	size_t name_len, guid_len;
};
bool maildir_dovecot_id(char *id, size_t size, const char *format,
			const struct dovecot_ids *d);

#endif
