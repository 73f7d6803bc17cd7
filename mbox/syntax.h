/*
 * The syntax of an mbox: where messages begin and end, how many octets they
 * have on the wire, what identifies them. Knows nothing of POP3 sessions.
 *
 * A message begins with a From_ line at the beginning of the file or after an
 * empty line, and extends to the next one. Its text is what lies between the
 * From_ line and the one empty line that ends it.
 */
#ifndef MBOX_SYNTAX_H
#define MBOX_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mbox/message.h"

struct mbox {
	struct mbox_message *messages;
	size_t count, capacity;
	off_t internal; /* size of c-client's internal message, 0: none */
	off_t size;	/* where the scan ended */
	char *uidls;	/* NUL-terminated X-UIDL values; offset 0 is unused */
	size_t uidls_len, uidls_capacity;
	bool has_copies; /* some messages have the same content */
};

enum mbox_result {
	MBOX_OK,
	MBOX_NOT_MBOX, /* does not begin with a From_ line at `start` */
	MBOX_CHANGED,  /* ended before `end` */
	MBOX_IO_ERROR, /* errno tells */
	MBOX_NO_MEMORY
};

/*
 * Scans the bytes [start, end) of fd, where start is 0 or the beginning of a
 * message, and appends what it finds to m, which is all zero before the first
 * scan. A message that starts in the range is taken to end at `end` at the
 * latest. An empty range is an empty mailbox. c-client's internal message, at
 * offset 0 only, is not listed but measured in m->internal. Reads with
 * pread(2) in one pass through a fixed buffer; memory grows by the messages
 * only. After a failure m is as it was, but for its capacity.
 */
enum mbox_result mbox_scan(struct mbox *m, int fd, off_t start, off_t end);

/*
 * Sets the id of message i (0 is the first), which counts as its X-UIDL field
 * from then on; "" is none. False when memory is short.
 */
bool mbox_set_uidl(struct mbox *m, size_t i, const char *uidl);

/* Frees what the scan allocated; m is empty afterwards. */
void mbox_free(struct mbox *m);

/* The first byte of the text of msg in the file, and behind its last. */
off_t mbox_text_start(const struct mbox_message *msg);
off_t mbox_text_end(const struct mbox_message *msg);

#endif
