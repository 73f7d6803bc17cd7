/*
 * The change of uid, in the children that the monitor forks. What is given up
 * here is checked to be gone.
 */
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char empty_parent[] = "/run/pop3d";
static const char empty_root[] = "/run/pop3d/empty";

static bool
is_safe_directory(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode) && st.st_uid == 0 && (st.st_mode & 022) == 0)
		return true;
	errno = EPERM;
	return false;
}

static bool
enter_empty_root(void)
{
	if ((mkdir(empty_parent, 0755) != 0 && errno != EEXIST) ||
	    (mkdir(empty_root, 0755) != 0 && errno != EEXIST))
		return false;
	return is_safe_directory(empty_parent) &&
	       is_safe_directory(empty_root) && chroot(empty_root) == 0 &&
	       chdir("/") == 0;
}

/* No way back: neither by uid, nor by gid, nor by a set-uid program. */
static bool
root_is_gone(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0)
		return false;
	if (ruid == uid && euid == uid && suid == uid && rgid == gid &&
	    egid == gid && sgid == gid && getgroups(0, NULL) == 0 &&
	    setuid(0) != 0 && seteuid(0) != 0)
		return true;
	errno = EPERM;
	return false;
}

static bool
change_ids(uid_t uid, gid_t gid)
{
	if (uid == 0) {
		errno = EPERM;
		return false;
	}
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0 && root_is_gone(uid, gid);
}

/* The child must not outlive the monitor, nor leave its memory behind. */
static bool
settle(void)
{
	struct rlimit none = { 0, 0 };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 &&
	       setrlimit(RLIMIT_CORE, &none) == 0;
}

bool
privilege_become_greeter(uid_t uid, gid_t gid)
{
	if (geteuid() == 0 && !(enter_empty_root() && change_ids(uid, gid)))
		return false;
	return settle();
}

bool
privilege_become_user(uid_t uid, gid_t gid)
{
	if (geteuid() == 0 && !change_ids(uid, gid))
		return false;
	return settle();
}
