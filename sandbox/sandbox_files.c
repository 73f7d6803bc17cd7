/*
 * Landlock: which files a process may open. By system calls, because no
 * library has them; the numbers are those of <linux/landlock.h>, which is
 * older than the kernel on many hosts.
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* the ABI that brought each */
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_NET = 4,
	ABI_IOCTL = 5,
	ABI_SCOPE = 6
};

static const uint64_t access_first = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
static const uint64_t access_refer = 1ULL << 13;
static const uint64_t access_truncate = 1ULL << 14;
static const uint64_t access_ioctl = 1ULL << 15;
static const uint64_t net_bind_and_connect = 3;
static const uint64_t scope_sockets_and_signals = 3;

/* As the newest kernel has it; to an older one the rest is 0. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static struct ruleset
all_that_can_be_ruled(long abi)
{
	struct ruleset r = { .fs = access_first };

	if (abi >= ABI_REFER)
		r.fs |= access_refer;
	if (abi >= ABI_TRUNCATE)
		r.fs |= access_truncate;
	if (abi >= ABI_NET)
		r.net = net_bind_and_connect;
	if (abi >= ABI_IOCTL)
		r.fs |= access_ioctl;
	if (abi >= ABI_SCOPE)
		r.scoped = scope_sockets_and_signals;
	return r;
}

static bool
allow_below_fd(int ruleset, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access,
						   .parent_fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/*
 * A directory that cannot be opened, now and by this user, is one that the
 * process will not need a right for: it finds the same error.
 */
static bool
allow_below(int ruleset, const char *path, uint64_t access)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return true;
	bool ok = allow_below_fd(ruleset, fd, access);
	close(fd);
	return ok;
}

/*
 * Not the mailbox alone: another program may put a new one in its place, and
 * locks are made beside it.
 */
static bool
allow_mbox(int ruleset, const struct sandbox_needs *needs, uint64_t ruled)
{
	uint64_t access = LANDLOCK_ACCESS_FS_READ_FILE |
			  LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate;
	char dir[PATH_MAX];
	int n = (int)(strrchr(needs->mailbox, '/') - needs->mailbox);

	if (needs->dotlock)
		access |= LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_REMOVE_FILE;
	snprintf(dir, sizeof(dir), "%.*s/", n, needs->mailbox);
	return allow_below(ruleset, dir, access & ruled);
}

/*
 * A Maildir: files of cur/ and new/ go, and move from one to the other. Beside
 * them what other servers have left is read, and maildirsize, which is written
 * where it is there at all.
 */
static bool
allow_maildir(int ruleset, int top, uint64_t ruled)
{
	static const char *const places[] = { "cur", "new" };
	static const uint64_t within =
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	uint64_t access = LANDLOCK_ACCESS_FS_READ_FILE;
	struct stat st;
	bool ok = true;

	if (fstatat(top, "maildirsize", &st, AT_SYMLINK_NOFOLLOW) == 0)
		access |= LANDLOCK_ACCESS_FS_WRITE_FILE;
	ok = allow_below_fd(ruleset, top, access & ruled);
	for (size_t i = 0; ok && i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = openat(top, places[i],
				O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		ok = allow_below_fd(ruleset, fd,
				    (within | access_refer) & ruled);
		close(fd);
	}
	return ok;
}

/* Nothing but a Maildir is a directory. */
static bool
allow_mailbox(int ruleset, const struct sandbox_needs *needs, uint64_t ruled)
{
	char path[PATH_MAX];
	size_t len = strlen(needs->mailbox);

	/* Behind a slash a symbolic link would be followed. */
	while (len > 1 && needs->mailbox[len - 1] == '/')
		len--;
	snprintf(path, sizeof(path), "%.*s", (int)len, needs->mailbox);
	int top = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top >= 0) {
		bool ok = allow_maildir(ruleset, top, ruled);
		close(top);
		return ok;
	}
	return needs->mailbox[len] == '/' || allow_mbox(ruleset, needs, ruled);
}

static bool
allow_state(int ruleset, const struct sandbox_needs *needs, uint64_t ruled)
{
	uint64_t access =
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | access_truncate;

	return allow_below(ruleset, needs->state_dir, access & ruled);
}

bool
sandbox_files(const struct sandbox_needs *needs, bool *ruled)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = all_that_can_be_ruled(abi);

	/* Not built in, turned off, or a container that does not know it */
	*ruled = abi > 0;
	if (!*ruled || SANDBOX_WRITES_COVERAGE)
		return true;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd < 0)
		return false;
	const uint64_t reading =
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_READ_FILE;
	const uint64_t most = needs->read_only ? r.fs & reading : r.fs;
	bool ok = (needs->mailbox == NULL || allow_mailbox(fd, needs, most)) &&
		  (needs->state_dir == NULL || allow_state(fd, needs, most)) &&
		  syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return ok;
}
