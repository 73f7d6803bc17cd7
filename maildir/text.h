/* The text of a message in a Maildir, as store.h has it. */
#ifndef MAILDIR_TEXT_H
#define MAILDIR_TEXT_H

#include "store.h"

void maildir_text_begin(struct store *s, size_t n);
enum maildrop_result maildir_text(struct store *s, const char **data,
				  size_t *len);
bool maildir_text_ahead(struct store *s, size_t n, const char **data,
			size_t *len);
bool maildir_text_stands(struct store *s, size_t n);
void maildir_accessed(struct store *s, size_t n);

/* Closes the file that is open, if there is one. */
struct maildir_store;
void maildir_text_close(struct maildir_store *m);

#endif
