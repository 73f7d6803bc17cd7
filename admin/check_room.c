/*
 * Whether a deletion finds the room that it needs in the state directory. What
 * is tried is gone again at once.
 */
#include "admin/check_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char advice[] =
    "deletions are done in many small steps, or not at all if they would be too "
    "many: make room, or raise the quota";

static unsigned long long
octets_free(const struct statvfs *fs)
{
	return (unsigned long long)fs->f_bavail * fs->f_frsize;
}

/*
 * Reserves as much in a file without a name, which a quota counts as a session
 * would find it. Nothing of it stays.
 */
static bool
has_room(const char *dir, off_t octets)
{
	struct statvfs fs;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
	bool ok = true;

	if (statvfs(dir, &fs) == 0 &&
	    octets_free(&fs) < (unsigned long long)octets) {
		errno = ENOSPC;
		ok = false;
	} else if (fd >= 0 && fallocate(fd, 0, 0, octets) != 0) {
		/* Where it cannot be tried nobody knows. */
		ok = errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
	}
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return ok;
}

void
check_user_room(struct check *c, const char *state_dir, const char *mailbox)
{
	struct stat st;

	/* It is made at the first login. */
	if (stat(state_dir, &st) != 0)
		state_dir = c->options->state_dir;
	if (stat(mailbox, &st) != 0)
		return;
	if (has_room(state_dir, st.st_size))
		check_say(c, CHECK_OK,
			  "room for a deletion: %s can take as much as the "
			  "mailbox, %lld bytes",
			  state_dir, (long long)st.st_size);
	else
		check_say(c, CHECK_WARNING,
			  "room for a deletion: %s cannot take as much as the "
			  "mailbox, %lld bytes (%s): %s",
			  state_dir, (long long)st.st_size, strerror(errno),
			  advice);
}

/* The largest file there; 0 where there is none. */
static off_t
find_largest(const char *spool, char name[NAME_MAX + 1])
{
	DIR *dir = opendir(spool);
	const struct dirent *entry;
	off_t largest = 0;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_size > largest) {
			largest = st.st_size;
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		}
	if (dir != NULL)
		closedir(dir);
	return largest;
}

/* The directory of a template like /var/mail/%u; "" for any other. */
static void
spool_of(const char *template, char dir[PATH_MAX])
{
	size_t len = strlen(template);

	dir[0] = '\0';
	if (template[0] == '/' && len > 3 && len < PATH_MAX &&
	    strcmp(template + len - 3, "/%u") == 0 &&
	    strchr(template, '%') == template + len - 2)
		snprintf(dir, PATH_MAX, "%.*s", (int)(len - 3), template);
}

void
check_room(struct check *c, const char *dir)
{
	char spool[PATH_MAX], name[NAME_MAX + 1];
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0)
		return;
	unsigned long long mb = octets_free(&fs) >> 20;
	spool_of(c->options->mailbox, spool);
	off_t largest = find_largest(spool, name);
	if ((fs.f_flag & ST_RDONLY) != 0)
		check_say(c, CHECK_ERROR,
			  "state directory %s: its file system is read-only",
			  dir);
	else if (fs.f_bavail == 0 || (fs.f_files != 0 && fs.f_favail == 0))
		check_say(c, CHECK_ERROR,
			  "state directory %s: its file system is full: make "
			  "room, or name another by --state-dir",
			  dir);
	else if (octets_free(&fs) < (unsigned long long)largest)
		check_say(c, CHECK_WARNING,
			  "state directory %s: %llu MB free, less than the "
			  "largest mailbox, %s/%s, has (%lld MB): %s",
			  dir, mb, spool, name, (long long)largest >> 20,
			  advice);
	else
		check_say(c, mb < 64 ? CHECK_WARNING : CHECK_OK,
			  "state directory %s: %llu MB free; it has to have "
			  "room for the largest mailbox",
			  dir, mb);
}
