/* Numbers as people and programs write them. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parses all of s as a decimal number from 0 to max: digits only, no sign,
 * no blanks. Returns false, and leaves *value alone, for anything else.
 */
bool parse_number(const char *s, unsigned long long max,
		  unsigned long long *value);

/*
 * Takes the digits at *s, before `end`, as a number of at most 32 bits, and
 * leaves *s at what follows them. Returns 0, with *s somewhere before that,
 * where there are none or the number is larger.
 */
uint32_t number_take(const char **s, const char *end);

#endif
