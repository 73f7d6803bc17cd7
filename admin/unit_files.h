/* The files that a unit is made of, as its administrator has written them. */
#ifndef UNIT_FILES_H
#define UNIT_FILES_H

#include <stddef.h>

enum { UNIT_LINE_SIZE = 4096 };

/*
 * Calls back for each setting of the unit, "Key=Value" in one line, however
 * many it was written on: the unit's own file first, then its drop-ins, in the
 * order in which systemd reads them.
 */
typedef void unit_line_fn(void *arg, const char *path, const char *key,
			  const char *value);
void unit_files_read(const char *unit, unit_line_fn *line, void *arg);

#endif
