/*
 * Read in the authenticator, taken over in the mailbox process before it gives
 * up root.
 */
#include "monitor/attributes.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

/* C libraries differ in the type of what names a limit. */
#ifdef __GLIBC__
#define LIMIT(i) ((__rlimit_resource_t)(i))
#else
#define LIMIT(i) (i)
#endif

static const char audit_file[] = "/proc/self/loginuid";

static uint32_t
read_audit_uid(void)
{
	int fd = open(audit_file, O_RDONLY | O_CLOEXEC);
	unsigned long long uid;
	char text[16] = "";

	if (fd < 0)
		return UINT32_MAX;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	return n > 0 && parse_number(text, UINT32_MAX, &uid) ? (uint32_t)uid
							     : UINT32_MAX;
}

/* Without a module that sets it, or audit in the kernel, it stays unset. */
static void
take_audit_uid(uint32_t uid)
{
	int fd;

	if (uid == UINT32_MAX || uid == read_audit_uid())
		return;
	fd = open(audit_file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	dprintf(fd, "%u", (unsigned)uid);
	close(fd);
}

void
attributes_read(struct attributes *a)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit(LIMIT(i), &a->limits[i]) != 0)
			a->limits[i] =
			    (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	a->niceness = getpriority(PRIO_PROCESS, 0);
	a->audit_uid = read_audit_uid();
}

/* Whether it was more. */
static bool
lower(rlim_t *limit, rlim_t to)
{
	if (*limit <= to)
		return false;
	*limit = to;
	return true;
}

void
attributes_take(const struct attributes *a)
{
	struct rlimit now;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if (getrlimit(LIMIT(i), &now) != 0)
			continue;
		bool max = lower(&now.rlim_max, a->limits[i].rlim_max);
		bool cur = lower(&now.rlim_cur, a->limits[i].rlim_cur);

		if (max || cur || lower(&now.rlim_cur, now.rlim_max))
			setrlimit(LIMIT(i), &now);
	}
	if (a->niceness > getpriority(PRIO_PROCESS, 0))
		setpriority(PRIO_PROCESS, 0, a->niceness);
	take_audit_uid(a->audit_uid);
}
