/* Runs in the mailbox process, as the user. */
#include "uidl_validity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fileio.h"

static const char file_name[] = "uidvalidity";
static const char temporary[] = "uidvalidity.tmp";

enum { TEXT_SIZE = 32 };

bool
uidl_validity_load(int state_dir, struct uidl_validity *v)
{
	char text[TEXT_SIZE] = "";
	int fd = openat(state_dir, file_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	*v = (struct uidl_validity){ 0, 0 };
	if (fd < 0)
		return errno == ENOENT;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	if (sscanf(text, "%" SCNu32 " %" SCNu32 "\n", &v->validity, &v->last) !=
	    2)
		*v = (struct uidl_validity){ 0, 0 };
	return true;
}

bool
uidl_validity_save(int state_dir, const struct uidl_validity *v)
{
	char text[TEXT_SIZE];
	int len = snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 "\n",
			   v->validity, v->last);
	int fd =
	    openat(state_dir, temporary,
		   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	bool ok = file_write(fd, text, (size_t)len, 0) && file_sync(fd);
	ok = close(fd) == 0 && ok;
	return ok &&
	       renameat(state_dir, temporary, state_dir, file_name) == 0 &&
	       file_sync(state_dir);
}
