/* RETR and TOP, and what is said where a maildrop cannot be read. */
#ifndef RETRIEVAL_H
#define RETRIEVAL_H

#include "session.h"

/* "-ERR"'s text: a response code, and what the client may make of it. */
const char *retrieval_error(enum maildrop_result r);

enum outcome command_retr(struct session *s, const struct arguments *a);
enum outcome command_top(struct session *s, const struct arguments *a);

#endif
