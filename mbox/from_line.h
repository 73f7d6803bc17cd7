/*
 * From_ lines, where the messages of an mbox begin. Part of
 * syntax.c: others use syntax.h.
 */
#ifndef FROM_LINE_H
#define FROM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FROM_WORD "From "

enum {
	FROM_WORD_LEN = sizeof(FROM_WORD) - 1,
	/* mbox_is_from_line() looks at that many bytes of a line's end. */
	FROM_TAIL = 128,
	/* What from_line_find() reads before p. */
	FROM_BEFORE = 3
};

/*
 * Looks for a line that may be a From_ line in the n bytes at p: returns the
 * first i where p[i] comes after an empty line and begins "From ", as far as
 * the n bytes tell, or n. Adds the LFs before it that no CR precedes to
 * *bare_lfs. The FROM_BEFORE bytes before p must be readable.
 */
size_t from_line_find(const unsigned char *p, size_t n, off_t *bare_lfs);

/*
 * Whether the line of len bytes, without its line end (LF or CRLF), is a
 * From_ line: "From ", a sender (any text), an asctime date with any zones, and
 * perhaps "remote from HOST".
 */
bool mbox_is_from_line(const char *line, size_t len);

#endif
