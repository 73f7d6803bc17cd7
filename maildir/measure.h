/* How many octets a message's file is on the wire. */
#ifndef MAILDIR_MEASURE_H
#define MAILDIR_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct maildir_measure {
	off_t bytes, octets;
	char last; /* byte so far */
};

/* More of the text; m is all zero before the first. */
void maildir_measure_add(struct maildir_measure *m, const char *text,
			 size_t len);

/* The text is whole: its last line has an end on the wire. */
void maildir_measure_end(struct maildir_measure *m);

/* All of a file, read into buf piece by piece; false with errno. */
bool maildir_measure_file(struct maildir_measure *m, int fd, char *buf,
			  size_t size);

#endif
