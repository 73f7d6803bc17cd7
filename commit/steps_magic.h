/* What tells a journal of steps from a whole one. */
#ifndef STEPS_MAGIC_H
#define STEPS_MAGIC_H

#include <stdbool.h>
#include <string.h>

enum { STEPS_MAGIC_SIZE = 8 };

static const unsigned char steps_magic[STEPS_MAGIC_SIZE] = {
	'p', 'o', 'p', '3', 'd', 's', 't', 'p'
};

static inline bool
steps_is_head(const unsigned char *head)
{
	return memcmp(head, steps_magic, STEPS_MAGIC_SIZE) == 0;
}

#endif
