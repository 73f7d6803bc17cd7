/*
 * Keeps a second POP3 session out of a maildrop, and lets it in where the
 * first has lost its client. In the mailbox process, whose working directory
 * is the user's state directory. Must not know what a session does.
 *
 * The file's flock is the lock. Who takes it counts up the number in the file:
 * that wakes an older session, and tells it that its view is out of date even
 * where the newcomer has left again.
 */
#include "lock/session_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_name[] = "lock";

static bool
is_named(int fd, int dir)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	       fstatat(dir, file_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* An empty file, which is a new one, counts as 0. */
static bool
read_generation(int fd, uint64_t *generation)
{
	*generation = 0;
	return pread(fd, generation, sizeof(*generation), 0) >= 0;
}

static bool
next_generation(struct session_lock *s)
{
	if (!read_generation(s->fd, &s->generation))
		return false;
	s->generation++;
	return pwrite(s->fd, &s->generation, sizeof(s->generation), 0) ==
	       sizeof(s->generation);
}

/*
 * Without a watch (no inotify left, another working directory) a newcomer is
 * noticed when the client is back, which is late but safe.
 */
static int
watch_file(int fd)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (watch < 0)
		return -1;
	if (inotify_add_watch(watch, file_name, IN_MODIFY | IN_DONT_FOLLOW) <
		0 ||
	    !is_named(fd, AT_FDCWD)) {
		close(watch);
		return -1;
	}
	return watch;
}

static void
drain(int watch)
{
	char events[1024];

	while (watch >= 0 && read(watch, events, sizeof(events)) > 0)
		;
}

enum lock_result
session_lock_take(struct session_lock *s, int state_dir)
{
	enum lock_result r;

	*s = (struct session_lock){ .fd = -1, .watch = -1 };
	s->fd = openat(state_dir, file_name,
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return LOCK_FAILED;
	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
		r = errno == EWOULDBLOCK ? LOCK_BUSY : LOCK_FAILED;
	} else if (!is_named(s->fd, state_dir)) {
		/* It was removed meanwhile; the next login finds a new one. */
		r = LOCK_BUSY;
	} else {
		r = next_generation(s) ? LOCK_OK : LOCK_FAILED;
	}
	if (r != LOCK_OK) {
		int saved = errno;

		session_lock_release(s);
		errno = saved;
	}
	return r;
}

bool
session_lock_note(struct session_lock *s, const struct session_note *own,
		  struct session_note *before)
{
	bool left =
	    session_note_read(s->fd, before) && session_note_is_left(before);

	s->noted = session_note_write(s->fd, own);
	return left;
}

bool
session_lock_holder(int state_dir, struct session_note *n)
{
	int fd = openat(state_dir, file_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	bool found = session_note_read(fd, n);
	close(fd);
	return found;
}

int
session_lock_offer(struct session_lock *s)
{
	/*
	 * Most clients never wait that long, and the kernel takes 15 ms to
	 * close a watch.
	 */
	if (s->watch < 0)
		s->watch = watch_file(s->fd);
	if (s->noted)
		session_note_mark(s->fd, NOTE_OFFERED);
	drain(s->watch);
	flock(s->fd, LOCK_UN);
	return s->watch;
}

bool
session_lock_resume(struct session_lock *s)
{
	uint64_t generation;
	struct stat st;

	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
		return false;
	/* Who finds no file of that name makes, and locks, another one. */
	if (fstat(s->fd, &st) == 0 && st.st_nlink > 0 &&
	    read_generation(s->fd, &generation) &&
	    generation == s->generation) {
		if (s->noted)
			session_note_mark(s->fd, NOTE_HELD);
		return true;
	}
	flock(s->fd, LOCK_UN);
	return false;
}

void
session_lock_release(struct session_lock *s)
{
	if (s->watch >= 0)
		close(s->watch);
	/* One that was offered may be another's by now, and so the note. */
	if (s->noted && session_lock_resume(s))
		session_note_mark(s->fd, NOTE_NONE);
	s->noted = false;
	if (s->fd >= 0) {
		/* A child may hold a copy of the descriptor. */
		flock(s->fd, LOCK_UN);
		close(s->fd);
	}
	s->fd = s->watch = -1;
}
