/*
 * The user database and the paths that follow from a name. Runs in the
 * monitor, after the password was found right.
 */
#include "monitor/account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/base16.h>
#include <nettle/md5.h>

#include "base/log.h"
#include "base/template.h"
#include "lock/lock.h"
#include "monitor/old_state.h"

bool
account_name_valid(const char *name)
{
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;
		if (c < ' ' || c == 0x7f || c == '/')
			return false;
	}
	return true;
}

/* Appends text to path; false when it does not fit. */
static bool
append(char *path, size_t *len, const char *text, size_t n)
{
	if (*len + n >= PATH_MAX)
		return false;
	memcpy(path + *len, text, n);
	*len += n;
	path[*len] = '\0';
	return true;
}

/*
 * A part of a name that becomes one component of a path, or of one's name: it
 * must not be a step up, nor would it be one with what may stand beside it.
 */
static bool
append_part(struct account *a, size_t *len, const char *part, size_t n)
{
	if (n == 0 || (n <= 2 && strncmp(part, "..", n) == 0))
		return false;
	return append(a->mailbox, len, part, n);
}

/* Digits of the part's MD5, as Dovecot writes them. */
static bool
append_md5(struct account *a, size_t *len, const char *part, size_t n,
	   const struct directive *d)
{
	unsigned char digest[MD5_DIGEST_SIZE];
	char hex[2 * MD5_DIGEST_SIZE + 1];
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, n, (const uint8_t *)part);
	md5_digest(&ctx, sizeof(digest), digest);
	base16_encode_update(hex, sizeof(digest), digest);
	hex[sizeof(hex) - 1] = '\0';
	size_t from = d->offset < sizeof(hex) - 1 ? d->offset : sizeof(hex) - 1;
	return append(a->mailbox, len, hex + from,
		      strnlen(hex + from, d->width));
}

/* What the directive takes of a part; nothing where the part is too short. */
static bool
append_piece(struct account *a, size_t *len, const char *part, size_t n,
	     const struct directive *d)
{
	if (n == 0 || d->whole)
		return append_part(a, len, part, n);
	if (d->md5)
		return append_md5(a, len, part, n, d);
	if (d->offset >= n)
		return true;
	n -= d->offset;
	return append_part(a, len, part + d->offset,
			   n < d->width ? n : d->width);
}

/*
 * What a directive stands for. account_name_valid has refused slashes and
 * control characters; %n and %d are what is before and behind the last '@'.
 */
static bool
append_directive(struct account *a, size_t *len, const struct directive *d)
{
	const char *at = strrchr(a->name, '@');
	size_t n = at == NULL ? strlen(a->name) : (size_t)(at - a->name);

	switch (d->what) {
	case 'u':
		return append_piece(a, len, a->name, strlen(a->name), d);
	case 'n':
		return append_piece(a, len, a->name, n, d);
	case 'd':
		return at != NULL &&
		       append_piece(a, len, at + 1, strlen(at + 1), d);
	case 'h':
		return append(a->mailbox, len, a->home, strlen(a->home));
	default:
		return append(a->mailbox, len, "%", 1);
	}
}

static bool
fill_template(struct account *a, const char *template)
{
	struct directive d;
	size_t len = 0;
	bool fits = true;

	for (const char *s = template; *s != '\0' && fits;) {
		if (*s != '%') {
			fits = append(a->mailbox, &len, s++, 1);
			continue;
		}
		s = template_directive(s + 1, &d);
		if (s == NULL)
			return false;
		fits = append_directive(a, &len, &d);
	}
	return fits && a->mailbox[0] == '/';
}

/* Whether the template can be filled in from this name at all. */
static bool
name_has_parts(const struct account *a, const char *template)
{
	const char *s = template, *at = strrchr(a->name, '@');
	struct account tried;
	struct directive d;

	if (template_has(template, 'd') &&
	    (at == NULL || !account_name_valid(at + 1)))
		return false;
	while ((s = strchr(s, '%')) != NULL &&
	       (s = template_directive(s + 1, &d)) != NULL) {
		size_t len = 0;

		snprintf(tried.name, sizeof(tried.name), "%s", a->name);
		if (strchr("und", d.what) != NULL &&
		    !append_directive(&tried, &len, &d))
			return false;
	}
	return true;
}

static enum login_result
fill_paths(struct account *a, const struct options *o)
{
	int n = snprintf(a->state_dir, sizeof(a->state_dir), "%s/%s",
			 o->state_dir, a->name);

	if (n < 0 || (size_t)n >= sizeof(a->state_dir) ||
	    !fill_template(a, o->mailbox)) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "the mailbox's or state directory's path is too long "
			 "or not absolute");
		return LOGIN_BROKEN;
	}
	if (!dotlock_has_name(a->mailbox))
		return LOGIN_OK;
	log_line(LOG_ERR, EVENT_SETUP,
		 "refused: the mailbox has the name of another mailbox's "
		 "dotlock: %s",
		 a->mailbox);
	return LOGIN_NO_ACCESS;
}

/* The user database failed, or knows no such user. */
static enum login_result
lookup_failed(int error, const char *name)
{
	if (error == 0 || error == ENOENT || error == ESRCH)
		return LOGIN_DENIED;
	log_line(LOG_ERR, EVENT_SETUP, "user database: %s: %s", name,
		 strerror(error));
	return LOGIN_TEMPORARY;
}

/* The one user of the host to whom all mail belongs. */
static enum login_result
find_virtual(struct account *a, const struct options *o)
{
	errno = 0;
	const struct passwd *pw = getpwnam(o->virtual_user);

	if (pw == NULL && lookup_failed(errno, o->virtual_user) != LOGIN_DENIED)
		return LOGIN_TEMPORARY;
	if (pw == NULL || pw->pw_uid == 0 ||
	    (geteuid() != 0 && pw->pw_uid != geteuid())) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "--virtual-user=%s: there is no such user, or it "
			 "cannot be used",
			 o->virtual_user);
		return LOGIN_BROKEN;
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	snprintf(a->home, sizeof(a->home), "%s", pw->pw_dir);
	return LOGIN_OK;
}

static bool
set_name(struct account *a, const char *name)
{
	if (!account_name_valid(name) || strlen(name) > USER_MAX)
		return false;
	snprintf(a->name, sizeof(a->name), "%s", name);
	return true;
}

/*
 * As root the user goes by the database's name: it may ignore case, and each
 * spelling would have locks of its own.
 */
static enum login_result
find_system(struct account *a, const struct options *o)
{
	bool root = geteuid() == 0;

	errno = 0;
	const struct passwd *pw = getpwnam(a->name);
	if (pw == NULL && root)
		return lookup_failed(errno, a->name);
	if (pw != NULL && (pw->pw_uid == 0 || pw->pw_uid < o->min_uid)) {
		log_line(LOG_WARNING, EVENT_LOGIN_FAILED,
			 "%s has uid %u, which may not log in", a->name,
			 (unsigned)pw->pw_uid);
		return LOGIN_DENIED;
	}
	if (pw != NULL && root) {
		if (!set_name(a, pw->pw_name))
			return LOGIN_DENIED;
		a->uid = pw->pw_uid;
		a->gid = pw->pw_gid;
	}
	const char *home = pw != NULL ? pw->pw_dir : getenv("HOME");
	snprintf(a->home, sizeof(a->home), "%s", home != NULL ? home : "");
	return LOGIN_OK;
}

enum login_result
account_find(struct account *a, const struct options *o, const char *name)
{
	*a = (struct account){ .uid = geteuid(), .gid = getegid() };
	if (!set_name(a, name))
		return LOGIN_DENIED;
	enum login_result r =
	    o->virtual_user != NULL ? find_virtual(a, o) : find_system(a, o);
	if (r != LOGIN_OK)
		return r;
	return name_has_parts(a, o->mailbox) ? fill_paths(a, o) : LOGIN_DENIED;
}

struct sandbox_needs
account_needs(const struct account *a, const struct options *o)
{
	struct sandbox_needs needs = {
		.uid = a->uid,
		.gid = a->gid,
		.mailbox = a->mailbox,
		.state_dir = a->state_dir,
	};

	for (const enum lock_kind *k = o->locks; *k != LOCK_NONE; k++)
		needs.dotlock |= *k == LOCK_DOTLOCK;
	return needs;
}

/*
 * Makes dir and, for an ordinary user, what is missing above it. Root's is one
 * that each user's processes pass through.
 */
static bool
make_base(const char *dir, bool root)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s", dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (char *s = path + 1; !root && (s = strchr(s, '/')) != NULL; s++) {
		*s = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return false;
		*s = '/';
	}
	mode_t kept = umask(root ? 066 : 077);
	bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;
	umask(kept);
	return ok;
}

/*
 * The base must be ours alone to write: else a user could have put another
 * user's directory, or a link, in its place.
 */
static int
open_base(const char *dir)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
			(st.st_mode & 022) != 0)) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "state directory %s: uid %u, mode %04o: others could "
			 "change it: chown, chmod go-w",
			 dir, (unsigned)st.st_uid,
			 (unsigned)st.st_mode & 07777);
		close(fd);
		errno = 0;
		return -1;
	}
	return fd;
}

/*
 * systemd gives the unit's StateDirectory= to root, with all that is in it,
 * where it finds it to be somebody else's: then root has the user's files too.
 */
static bool
holds_roots_lock(int dir)
{
	struct stat st;

	return fstatat(dir, "lock", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_uid == 0;
}

/* *st is as it is left: root's becomes the user's, unless it has been used. */
static bool
find_own(int base, const struct account *a, struct stat *st)
{
	bool made = mkdirat(base, a->name, 0700) == 0;

	if (!made && errno != EEXIST)
		return false;
	int fd = openat(base, a->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = fstat(fd, st) == 0;
	if (ok && geteuid() == 0 && st->st_uid == 0 && !holds_roots_lock(fd)) {
		ok = fchown(fd, a->uid, a->gid) == 0;
		st->st_uid = a->uid;
	}
	close(fd);
	return ok;
}

/*
 * The directory of who had this name before. False, logged, where it has to
 * stay.
 */
static bool
discard_old(int base, const struct account *a, const struct stat *st)
{
	char what[NAME_MAX + 1] = "";
	unsigned theirs = st->st_uid, ours = a->uid;

	if (geteuid() == 0 && old_state_remove(base, a->name, what)) {
		log_line(LOG_WARNING, EVENT_SETUP,
			 "state directory %s: it belonged to uid %u, and is "
			 "made anew for uid %u",
			 a->state_dir, theirs, ours);
		return true;
	}
	log_line(LOG_ERR, EVENT_SETUP,
		 "state directory %s: it belongs to uid %u and not to uid %u%s"
		 "%s%s: if both are the same person, chown -R it, else move it "
		 "away",
		 a->state_dir, theirs, ours, *what != '\0' ? ", and " : "",
		 what, *what != '\0' ? " in it is not made again" : "");
	errno = 0;
	return false;
}

static bool
make_own(int base, const struct account *a)
{
	struct stat st;

	if (!find_own(base, a, &st))
		return false;
	if (st.st_uid == a->uid)
		return true;
	return discard_old(base, a, &st) && find_own(base, a, &st) &&
	       st.st_uid == a->uid;
}

/* Logs errno, unless it is 0: then there is a line already. */
static enum login_result
state_fault(const struct account *a)
{
	bool full = errno == ENOSPC || errno == EDQUOT;

	if (errno != 0)
		log_line(LOG_ERR, EVENT_SETUP, "state directory %s: %s",
			 a->state_dir, strerror(errno));
	return full ? LOGIN_NO_ROOM : LOGIN_NO_STATE;
}

enum login_result
account_make_state_dir(const struct account *a, const struct options *o)
{
	bool root = geteuid() == 0;
	int base = -1;
	bool ok = make_base(o->state_dir, root) &&
		  (base = open_base(o->state_dir)) >= 0 && make_own(base, a);
	enum login_result r = ok ? LOGIN_OK : state_fault(a);

	if (base >= 0)
		close(base);
	return r;
}
