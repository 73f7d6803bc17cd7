/* Runs in the mailbox process and where a commit is recovered. */
#include "maildir/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"

static const char *const names[PLACES] = { "cur", "new" };

/* ---- what goes wrong */

enum maildrop_result
maildir_fault(const struct maildir_folder *f, enum maildrop_result r,
	      const char *what)
{
	log_line(LOG_ERR, EVENT_MAILBOX, "Maildir %s: %s", f->path, what);
	return r;
}

static bool
is_permanent(int error)
{
	return error == EACCES || error == EPERM || error == ELOOP ||
	       error == ENOTDIR || error == EROFS || error == ENAMETOOLONG;
}

enum maildrop_result
maildir_system_fault(const struct maildir_folder *f)
{
	return maildir_fault(
	    f, is_permanent(errno) ? MAILDROP_PERMANENT : MAILDROP_TEMPORARY,
	    strerror(errno));
}

/* ---- opening */

/* Without the slashes at its end, behind which a link would be followed. */
static bool
set_path(struct maildir_folder *f, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(f->path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(f->path, path, len);
	f->path[len] = '\0';
	return true;
}

static bool
is_directory(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

bool
maildir_folder_is(const char *path)
{
	int top = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (top < 0)
		return false;
	bool is = is_directory(top, "cur") && is_directory(top, "new") &&
		  is_directory(top, "tmp");
	close(top);
	return is;
}

static enum maildrop_result
check_owner(const struct maildir_folder *f, int dir)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return maildir_system_fault(f);
	if (st.st_uid != geteuid())
		return maildir_fault(f, MAILDROP_PERMANENT,
				     "it belongs to another user");
	return MAILDROP_OK;
}

/* open(2) says no more than that it is no directory. */
static enum maildrop_result
not_opened(const struct maildir_folder *f, int dir, const char *name)
{
	struct stat st;

	if (errno == ENOTDIR &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		return maildir_fault(f, MAILDROP_PERMANENT,
				     "it is, or has, a symbolic link for a "
				     "directory");
	return maildir_system_fault(f);
}

static enum maildrop_result
open_place(struct maildir_folder *f, enum maildir_place p)
{
	f->dirs[p] = openat(f->top, names[p],
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->dirs[p] >= 0)
		return check_owner(f, f->dirs[p]);
	/* Whoever makes a Maildir may be half done. */
	return errno == ENOENT ? MAILDROP_OK : not_opened(f, f->top, names[p]);
}

enum maildrop_result
maildir_folder_open(struct maildir_folder *f, const char *path)
{
	f->top = f->dirs[PLACE_CUR] = f->dirs[PLACE_NEW] = -1;
	f->path[0] = '\0';
	if (!set_path(f, path))
		return maildir_system_fault(f);
	f->top = open(f->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->top < 0 && errno == ENOENT)
		return MAILDROP_OK;
	if (f->top < 0)
		return not_opened(f, AT_FDCWD, f->path);
	enum maildrop_result r = check_owner(f, f->top);
	for (enum maildir_place p = 0; r == MAILDROP_OK && p < PLACES; p++)
		r = open_place(f, p);
	if (r == MAILDROP_OK && f->dirs[PLACE_CUR] < 0 &&
	    f->dirs[PLACE_NEW] < 0)
		r = maildir_fault(f, MAILDROP_PERMANENT,
				  "it has no cur/ and no new/: it is no "
				  "Maildir");
	return r;
}

void
maildir_folder_close(struct maildir_folder *f)
{
	int *const all[] = { &f->top, &f->dirs[PLACE_CUR],
			     &f->dirs[PLACE_NEW] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

/* ---- times */

bool
maildir_folder_times(const struct maildir_folder *f, struct maildir_times *t)
{
	struct stat st;

	*t = (struct maildir_times){ .racy = false };
	for (enum maildir_place p = 0; p < PLACES; p++) {
		if (f->dirs[p] < 0)
			continue;
		if (!file_look(f->dirs[p], &st))
			return false;
		t->changed[p] = st.st_ctim;
		t->racy = t->racy || file_time_is_fresh(&st.st_ctim);
	}
	return true;
}

bool
maildir_times_same(const struct maildir_times *a, const struct maildir_times *b)
{
	for (enum maildir_place p = 0; p < PLACES; p++)
		if (a->changed[p].tv_sec != b->changed[p].tv_sec ||
		    a->changed[p].tv_nsec != b->changed[p].tv_nsec)
			return false;
	return true;
}

/* ---- files */

bool
maildir_is_message(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid();
}

int
maildir_file_open(int dir, const char *name, struct stat *st)
{
	static const int flags =
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd = openat(dir, name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, flags);
	if (fd < 0 || (fstat(fd, st) == 0 && maildir_is_message(st)))
		return fd;
	close(fd);
	errno = EBADF;
	return -1;
}

/* As the kernel writes it; the C library's readdir(3) allocates and asks. */
struct entry {
	uint64_t ino;
	int64_t offset;
	uint16_t len;
	uint8_t type;
	char name[];
};

/* Maildir's own rule: what begins with a dot is no message. */
static bool
may_be_message(const struct entry *e)
{
	return e->name[0] != '.' && e->type != DT_DIR;
}

bool
maildir_folder_walk(const struct maildir_folder *f, enum maildir_place place,
		    char *buf, size_t size, maildir_visitor visit, void *arg)
{
	int dir = f->dirs[place];

	if (dir < 0)
		return true;
	if (lseek(dir, 0, SEEK_SET) != 0)
		return false;
	for (;;) {
		long n = syscall(SYS_getdents64, dir, buf, size);

		if (n <= 0)
			return n == 0;
		for (long at = 0; at < n;) {
			const struct entry *e = (const void *)(buf + at);
			at += e->len;
			if (may_be_message(e) && !visit(arg, place, e->name))
				return false;
		}
	}
}

bool
maildir_folder_sync(const struct maildir_folder *f)
{
	bool ok = true;

	for (enum maildir_place p = 0; p < PLACES; p++)
		if (f->dirs[p] >= 0 && !file_sync(f->dirs[p]))
			ok = false;
	return ok;
}
