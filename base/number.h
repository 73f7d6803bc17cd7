/* Numbers as people and programs write them. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>

/*
 * Parses all of s as a decimal number from 0 to max: digits only, no sign,
 * no blanks. Returns false, and leaves *value alone, for anything else.
 */
bool parse_number(const char *s, unsigned long long max,
		  unsigned long long *value);

#endif
