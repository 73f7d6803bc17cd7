/* Behind the number that the lock itself is about; in the mailbox process. */
#include "lock/session_note.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_AT = sizeof(uint64_t) };

static void
find_host(char host[NOTE_HOST_SIZE])
{
	if (gethostname(host, NOTE_HOST_SIZE - 1) != 0)
		host[0] = '\0';
	host[NOTE_HOST_SIZE - 1] = '\0';
}

void
session_note_begin(struct session_note *n)
{
	memset(n, 0, sizeof(*n));
	n->state = NOTE_HELD;
	n->pid = (int32_t)getpid();
	n->since = (int64_t)time(NULL);
	find_host(n->host);
}

bool
session_note_read(int fd, struct session_note *n)
{
	if (pread(fd, n, sizeof(*n), NOTE_AT) != (ssize_t)sizeof(*n) ||
	    n->state == NOTE_NONE || n->state > NOTE_OFFERED)
		return false;
	n->arrival.id[sizeof(n->arrival.id) - 1] = '\0';
	n->arrival.port[sizeof(n->arrival.port) - 1] = '\0';
	n->rhost[sizeof(n->rhost) - 1] = '\0';
	n->host[sizeof(n->host) - 1] = '\0';
	return true;
}

bool
session_note_write(int fd, const struct session_note *n)
{
	return pwrite(fd, n, sizeof(*n), NOTE_AT) == (ssize_t)sizeof(*n);
}

bool
session_note_mark(int fd, enum note_state state)
{
	const uint32_t value = state;

	return pwrite(fd, &value, sizeof(value),
		      NOTE_AT + offsetof(struct session_note, state)) ==
	       (ssize_t)sizeof(value);
}

/* Who had offered the lock may still be there, waiting for his client. */
bool
session_note_is_left(const struct session_note *n)
{
	char host[NOTE_HOST_SIZE];

	if (n->state == NOTE_HELD)
		return true;
	find_host(host);
	return strcmp(host, n->host) == 0 && n->pid > 0 &&
	       kill(n->pid, 0) != 0 && errno == ESRCH;
}

void
session_note_since(const struct session_note *n, char text[NOTE_TIME_SIZE])
{
	time_t since = (time_t)n->since;
	struct tm tm;

	if (gmtime_r(&since, &tm) == NULL ||
	    strftime(text, NOTE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(text, NOTE_TIME_SIZE, "?");
}
