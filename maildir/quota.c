/*
 * In the mailbox process and where a commit is recovered. A line more with what
 * is to be taken off, written at once behind the others, as the format says
 * that all programs do; whoever delivers adds the file up anew now and then.
 */
#include "maildir/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "maildir/name.h"

enum { LINE_SIZE = 64 };

/* What is marked as trash is not counted. */
void
maildir_quota_count(struct maildir_quota *q, const char *name, off_t size)
{
	off_t told = maildir_name_size(name);

	if (maildir_name_has_flag(name, 'T'))
		return;
	q->bytes += told >= 0 ? told : size;
	q->messages++;
}

static bool
write_line(int fd, const struct maildir_quota *q)
{
	char line[LINE_SIZE];
	int len =
	    snprintf(line, sizeof(line), "%lld -%zu\n", -q->bytes, q->messages);
	ssize_t n = TEMP_FAILURE_RETRY(write(fd, line, (size_t)len));

	return n == len;
}

void
maildir_quota_note(const struct maildir_folder *f,
		   const struct maildir_quota *q)
{
	struct stat st;

	if (q->messages == 0 || f->top < 0)
		return;
	int fd = openat(f->top, "maildirsize",
			O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
			    O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || fstat(fd, &st) != 0 || !maildir_is_message(&st) ||
	    !write_line(fd, q))
		log_line(LOG_WARNING, EVENT_COMMIT,
			 "Maildir %s: maildirsize could not be kept right",
			 f->path);
	if (fd >= 0)
		close(fd);
}
