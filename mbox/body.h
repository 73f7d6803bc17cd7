/* Where a message's body begins, in the file as it is now. */
#ifndef MBOX_BODY_H
#define MBOX_BODY_H

#include "mbox/message.h"

/*
 * Bytes of the text behind the header and its empty line, as they are in fd
 * now; -1 where they cannot be read.
 */
off_t mbox_body_size(int fd, const struct mbox_message *msg);

#endif
