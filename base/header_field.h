/* One field of a message's header, as one line of bounded length. */
#ifndef HEADER_FIELD_H
#define HEADER_FIELD_H

#include <stdbool.h>
#include <stddef.h>

enum { HEADER_VALUE_SIZE = 256 };

/*
 * Finds the first field of this name, in any case, in a message's text, of
 * which len bytes are there: those behind them are not looked at. False, and
 * "", where there is none. The value has neither blanks at its ends nor line
 * ends in it; what else there is in it comes as it is, up to a NUL. Who shows
 * it has to escape it.
 */
bool header_field(const char *text, size_t len, const char *name,
		  char value[HEADER_VALUE_SIZE]);

#endif
