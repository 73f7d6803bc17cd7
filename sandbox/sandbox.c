/*
 * The order in which a process gives up what it was born with. Runs at the
 * start of each process that the monitor forks. Must not know what the process
 * is to do afterwards.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/descriptors.h"
#include "sandbox/environment.h"
#include "sandbox/privilege.h"
#include "sandbox/sandbox_private.h"

static const struct {
	const char *name;
	bool empty_root; /* it needs no file at all */
	bool logs;
	rlim_t descriptors; /* poll(2) needs as many as it is to look at */
} roles[ROLES] = {
	[ROLE_PROXY] = { "the PROXY header's reader", .empty_root = true,
			 .descriptors = 1 },
	[ROLE_GREETER] = { "the greeter", .empty_root = true,
			   .descriptors = 8 },
	[ROLE_RELAY] = { "the TLS relay", .empty_root = true,
			 .descriptors = 3 },
	[ROLE_MAILBOX] = { "the mailbox process", .logs = true,
			   .descriptors = 32 },
	[ROLE_RECOVERY] = { "the recovery", .logs = true, .descriptors = 32 },
	[ROLE_LISTING] = { "the listing", .logs = true, .descriptors = 32 },
};

const char *
sandbox_role(enum role role)
{
	return roles[role].name;
}

static bool
keep_descriptors(enum role role, const struct sandbox_needs *needs)
{
	int fds[SANDBOX_FDS_MAX + 1];
	size_t n = needs->fds_count;

	if (n > SANDBOX_FDS_MAX) {
		errno = E2BIG;
		return false;
	}
	memcpy(fds, needs->fds, n * sizeof(fds[0]));
	if (roles[role].logs || SANDBOX_WRITES_STDERR)
		fds[n++] = STDERR_FILENO;
	if (!descriptors_keep(fds, n))
		return false;
	if (roles[role].logs)
		log_restart();
	return true;
}

/* The child must not outlive the monitor, nor leave its memory behind. */
static bool
settle(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0;
}

/* What the host has limited more stays so: nobody may raise it. */
static bool
limit_descriptors(rlim_t most)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return false;
	if (files.rlim_max > most)
		files.rlim_max = most;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) == 0;
}

static bool
limit_resources(enum role role)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	       setrlimit(RLIMIT_NPROC, &none) == 0 &&
	       limit_descriptors(
		   roles[SANDBOX_WRITES_COVERAGE ? ROLE_MAILBOX : role]
		       .descriptors);
}

static bool
rule_files(enum role role, const struct sandbox_needs *needs)
{
	bool ruled;

	if (!sandbox_files(needs, &ruled))
		return false;
	if (!ruled && roles[role].logs)
		log_line(LOG_DEBUG, EVENT_SETUP,
			 "no Landlock: files are guarded by their modes only");
	return true;
}

bool
sandbox_enter(enum role role, const struct sandbox_needs *needs)
{
	environment_empty();
	if (!keep_descriptors(role, needs))
		return false;
	if (geteuid() == 0 && roles[role].empty_root &&
	    !privilege_enter_empty_root())
		return false;
	return privilege_become(needs->uid, needs->gid) && settle() &&
	       rule_files(role, needs) && limit_resources(role) &&
	       sandbox_filter(role);
}
