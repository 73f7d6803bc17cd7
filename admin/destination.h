/*
 * Where the programs that deliver mail put it, as a template of --mailbox's
 * kind: a Maildir's ends in a slash.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include <limits.h>
#include <stdbool.h>

#include "admin/check_report.h"

enum { DESTINATION_SIZE = PATH_MAX };

/*
 * Takes another program's way to write a path and says it as pop3d does:
 * variables for the user's name, home and domain become %u, %h and %d. False
 * where something else is left in it, which cannot be known here.
 */
bool destination_translate(char to[DESTINATION_SIZE], const char *from);

/* Says whether --mailbox serves what program (as setting says) delivers. */
void destination_compare(struct check *c, const char *program,
			 const char *setting, const char *theirs);

#endif
