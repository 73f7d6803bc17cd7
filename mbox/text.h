/* The text of a message in an mbox. */
#ifndef MBOX_TEXT_H
#define MBOX_TEXT_H

#include "mbox/mbox_store.h"

/* Those of store.h; a piece is at most MBOX_PIECE_SIZE bytes. */
void mbox_text_begin(struct store *s, size_t n);
enum maildrop_result mbox_text(struct store *s, const char **data, size_t *len);
bool mbox_text_ahead(struct store *s, size_t n, const char **data, size_t *len);
bool mbox_text_stands(struct store *s, size_t n);

#endif
