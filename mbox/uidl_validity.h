/*
 * UIDVALIDITY and the last UID of a mailbox that an IMAP server has served, as
 * a file in the user's state directory. Unlike the index it is no cache: what
 * it says may be nowhere else.
 */
#ifndef UIDL_VALIDITY_H
#define UIDL_VALIDITY_H

#include <stdbool.h>
#include <stdint.h>

struct uidl_validity {
	uint32_t validity; /* 0: none is known */
	uint32_t last;	   /* the highest UID that was given out */
};

/*
 * False, with errno, where it is there and cannot be read; else *v is set. -1
 * is a directory that there is not.
 */
bool uidl_validity_load(int state_dir, struct uidl_validity *v);

/* Written atomically and to the disk. False, with errno, on failure. */
bool uidl_validity_save(int state_dir, const struct uidl_validity *v);

#endif
