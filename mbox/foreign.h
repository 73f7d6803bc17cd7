/*
 * What a file is that is no mbox. Part of mailbox.c: for the log, so that an
 * administrator need not look into users' mail to find out.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

/* What the open file looks like, to follow "mailbox NAME: ". */
const char *foreign_look(int fd);

#endif
