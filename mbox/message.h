/* What is known of a message in an mbox. */
#ifndef MBOX_MESSAGE_H
#define MBOX_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MBOX_ID_SIZE = 16 };

struct mbox_message {
	off_t start;  /* of its From_ line in the file */
	off_t size;   /* bytes up to the next From_ line or the end of file */
	off_t octets; /* of the text as RETR counts it: RFC 1939 section 11 */
	/*
	 * Hash of the content without the fields that mail readers change;
	 * the same for identical copies.
	 */
	unsigned char id[MBOX_ID_SIZE];
	uint32_t from_len; /* bytes of the From_ line with its LF */
	uint32_t uidl;	   /* X-UIDL: where in mbox.uidls; 0: none is valid */
	uint8_t separator; /* bytes of the empty line that ends it: 0, 1, 2 */
	uint8_t flags;	   /* free for the user of the scan; 0 after it */
	bool no_newline;   /* the text's last line has no LF */
	uint32_t copy;	   /* set by uidl.c: how many like it come before */
};

#endif
