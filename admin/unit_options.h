/* The options that pop3d's units run it with. */
#ifndef UNIT_OPTIONS_H
#define UNIT_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

#include "admin/unit_files.h"
#include "base/options.h"

enum { UNIT_WORDS_MAX = 64, UNIT_ERROR_SIZE = 512 };

/* What a unit starts, and where that is written. */
struct unit_options {
	bool runs_pop3d; /* else the rest is nothing */
	bool valid;	 /* else error has pop3d's own words */
	struct options options;
	char text[UNIT_LINE_SIZE];  /* the options, as they were given */
	char words[UNIT_LINE_SIZE]; /* the same, cut; options point there */
	char path[PATH_MAX];	    /* of the file with the last ExecStart= */
	char error[UNIT_ERROR_SIZE];
};

/*
 * Asks systemd, which has read the drop-ins, what the unit (of a template an
 * instance) starts. The options are good as long as *u is.
 */
void unit_options_read(struct unit_options *u, const char *unit);

#endif
