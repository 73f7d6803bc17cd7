/* In the mailbox process; looks at the beginning only, and believes nothing. */
#include "mbox/foreign.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"

enum { LOOK = 16 };

#define BEGINS(text) text, sizeof(text) - 1

static const struct {
	const char *begins;
	size_t len;
	const char *what;
} looks[] = {
	{ BEGINS("\1\1\1\1"), "it looks like MMDF, not like an mbox" },
	{ BEGINS("BABYL OPTIONS:"), "it looks like Babyl, not like an mbox" },
	{ BEGINS("\x1f\x8b"), "it is compressed (gzip)" },
	{ BEGINS("BZh"), "it is compressed (bzip2)" },
	{ BEGINS("\xfd"
		 "7zXZ"),
	  "it is compressed (xz)" },
	{ BEGINS("\x28\xb5\x2f\xfd"), "it is compressed (zstd)" },
	{ BEGINS("From "), "its first line begins with From, but has no date "
			   "that could be a From_ line's" },
	{ BEGINS("\n"), "it begins with an empty line, not with a From_ line" },
	{ BEGINS("\r\n"),
	  "it begins with an empty line, not with a From_ line" },
	{ BEGINS("\0"), "it begins with NULs, which a crash may have left" },
	{ BEGINS("\xef\xbb\xbf"),
	  "it begins with a byte order mark, not with a From_ line" },
};

const char *
foreign_look(int fd)
{
	char head[LOOK] = "";
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, head, sizeof(head), 0));

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (n >= (ssize_t)looks[i].len &&
		    memcmp(head, looks[i].begins, looks[i].len) == 0)
			return looks[i].what;
	return "it does not begin with a From_ line";
}
