/*
 * The name of a message's file: what never changes up to the colon, then what
 * mail readers note. Nothing is taken for granted: whoever may deliver chooses
 * it.
 */
#ifndef MAILDIR_NAME_H
#define MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the unique name, which ends before the first colon. */
size_t maildir_unique_length(const char *name);

/*
 * When it was delivered, in microseconds; -1 where the name does not begin
 * with the time.
 */
int64_t maildir_name_when(const char *name);

/* The value of ,S=, which quotas are counted by; -1: there is none. */
off_t maildir_name_size(const char *name);

/* Whether a mail reader has noted this flag. */
bool maildir_name_has_flag(const char *name, char flag);

#endif
