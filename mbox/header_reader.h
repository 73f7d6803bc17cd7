/* The From_ line and the header of a message, read again from the mailbox. */
#ifndef HEADER_READER_H
#define HEADER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	HEADER_BUFFER = 16 * 1024,
	HEADER_PIECE_MIN = 1024 /* of a line that is longer */
};

struct header_piece {
	const char *text; /* not NUL-terminated; good until the next call */
	size_t len;	  /* with the LF, where it has come to it */
	bool starts_line;
};

struct header_reader {
	int fd;
	off_t at, end; /* what is still to be read */
	size_t pos, len;
	bool in_line, failed;
	char buf[HEADER_BUFFER];
};

/* Begins with the From_ line of a message that lies in [start, end) of fd. */
void header_begin(struct header_reader *r, int fd, off_t start, off_t end);

/*
 * The next line, or piece of a long line: its first has HEADER_PIECE_MIN bytes
 * at least. False behind the last line of the header, and, with errno and
 * r->failed set, where the file cannot be read.
 */
bool header_next(struct header_reader *r, struct header_piece *p);

#endif
