/* Runs in the mailbox process, as the user. */
#include "mbox/uidl_validity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/number.h"
#include "base/options.h"

static const char file_name[] = "uidvalidity";
static const char temporary[] = "uidvalidity.tmp";

enum { TEXT_SIZE = 32 };

/* "VALIDITY LAST\n", which it takes apart. */
static bool
parse(char *text, struct uidl_validity *v)
{
	unsigned long long validity, last;
	char *blank = strchr(text, ' '), *end = strchr(text, '\n');

	if (blank == NULL || end == NULL)
		return false;
	*blank = *end = '\0';
	if (!parse_number(text, UINT32_MAX, &validity) ||
	    !parse_number(blank + 1, UINT32_MAX, &last))
		return false;
	v->validity = (uint32_t)validity;
	v->last = (uint32_t)last;
	return true;
}

bool
uidl_validity_load(int state_dir, struct uidl_validity *v)
{
	char text[TEXT_SIZE] = "";
	int fd = openat(state_dir, file_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	*v = (struct uidl_validity){ 0, 0 };
	if (fd < 0)
		return errno == ENOENT || state_dir < 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	if (!parse(text, v))
		*v = (struct uidl_validity){ 0, 0 };
	return true;
}

bool
uidl_validity_save(int state_dir, const struct uidl_validity *v)
{
	char text[TEXT_SIZE];
	int len = snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 "\n",
			   v->validity, v->last);
	int fd = file_begin_draft(state_dir, temporary);

	if (fd < 0)
		return false;
	bool ok = file_write(fd, text, (size_t)len, 0) && file_sync(fd);
	return file_end_draft(fd, ok, state_dir, temporary, file_name) &&
	       file_sync(state_dir);
}
