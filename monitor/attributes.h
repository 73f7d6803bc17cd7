/*
 * What PAM's session modules make of the process that they run in (pam_limits,
 * pam_loginuid), read there and taken over by the process that the session is
 * about. Namespaces and kernel keyrings are not among it.
 */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdint.h>
#include <sys/resource.h>

struct attributes {
	struct rlimit limits[RLIM_NLIMITS];
	int32_t niceness;
	uint32_t audit_uid; /* the kernel's "login uid"; (uid_t)-1: none */
};

/* Those of this process. */
void attributes_read(struct attributes *a);

/*
 * For this process from now on: limits are lowered and never raised, as is
 * what the scheduler gives it. Needs none of root's rights; what the host does
 * not let us set stays as it was.
 */
void attributes_take(const struct attributes *a);

#endif
