/*
 * Uids, groups and capabilities: what the monitor keeps of root's, and that
 * nothing is left in the processes it forks. What is given up is checked to be
 * gone.
 */
#include "sandbox/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char empty_parent[] = "/run/pop3d";
static const char empty_root[] = "/run/pop3d/empty";

/*
 * What is kept of root's. Modules of PAM and programs that they run get no more
 * (CapabilityBoundingSet= in the units says the same), and the monitor, once
 * PAM's process is there, only what is marked.
 */
static const struct {
	unsigned capability;
	bool monitor;
} kept[] = {
	{ CAP_SETUID, true },	  /* the other processes' uid */
	{ CAP_SETGID, true },	  /* the same for groups */
	{ CAP_SETPCAP, true },	  /* emptying the others' bounding set */
	{ CAP_SYS_CHROOT, true }, /* the greeter's empty root */
	{ CAP_KILL, true },	  /* ending the others, who have another uid */
	{ CAP_CHOWN, true },	  /* a new user's state directory */
	{ CAP_DAC_OVERRIDE, true }, /* a user's state directory; /etc/shadow of
				       mode 0; pam_faillock, whose files are the
				       users' */
	{ CAP_FOWNER, false }, /* pam_mkhomedir, pam_krb5: the mode of a file
				  that has been given away */
	{ CAP_AUDIT_WRITE, false },   /* libpam fails where it may not write */
	{ CAP_AUDIT_CONTROL, false }, /* pam_loginuid */
	{ CAP_SYS_RESOURCE, false },  /* pam_limits */
	{ CAP_SYS_NICE, false },      /* pam_limits */
	{ CAP_NET_BIND_SERVICE, false } /* NIS, LDAP: ports that only root may
					   have */
};

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

bool
privilege_has_empty_root(void)
{
	return (is_safe_directory(empty_parent) || errno == ENOENT) &&
	       (is_safe_directory(empty_root) || errno == ENOENT);
}

bool
privilege_enter_empty_root(void)
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

/* ---- capabilities */

static bool
set_capabilities(uint64_t permitted)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) != 0)
		return false;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t wanted = (uint32_t)(permitted >> (32 * i));

		sets[i].permitted &= wanted;
		sets[i].effective &= wanted;
		sets[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, sets) == 0;
}

/* The bounding set. It only shrinks, so the kernel is asked once. */
static uint64_t
find_bounding(void)
{
	uint64_t found = 0;
	int there;

	for (unsigned long c = 0;
	     (there = prctl(PR_CAPBSET_READ, c, 0, 0, 0)) >= 0; c++)
		if (there == 1)
			found |= 1ULL << c;
	return found;
}

/*
 * Only who has CAP_SETPCAP can; for all others no_new_privs makes sure that
 * there is nothing to be bounded.
 */
static void
bound_capabilities(uint64_t wanted)
{
	static uint64_t bounding;
	static bool known;

	if (!known)
		bounding = find_bounding();
	known = true;
	for (unsigned long c = 0; c < 64 && (bounding & ~wanted) != 0; c++) {
		if ((bounding & ~wanted & 1ULL << c) == 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
			return;
		bounding &= ~(1ULL << c);
	}
}

static bool
limit_capabilities(uint64_t wanted)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	       set_capabilities(wanted);
}

/* ---- the interface */

static bool
keep(bool monitor)
{
	uint64_t wanted = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i].monitor || !monitor)
			wanted |= 1ULL << kept[i].capability;
	bound_capabilities(wanted);
	return limit_capabilities(wanted);
}

bool
privilege_bound(void)
{
	return keep(false) && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

bool
privilege_bound_monitor(void)
{
	return keep(true);
}

bool
privilege_become(uid_t uid, gid_t gid)
{
	bound_capabilities(0);
	if (geteuid() != 0)
		return limit_capabilities(0);
	return change_ids(uid, gid) && limit_capabilities(0);
}
