/* What strangers have written, for an administrator's eyes. In any process. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>

/*
 * Copies text, bytes outside of first..0x7e and backslashes as \xNN, cut where
 * dst is full. With ' ' as the first blanks stay, with '!' they do not.
 */
void escape_text(char *dst, size_t size, const char *text, unsigned char first);

#endif
