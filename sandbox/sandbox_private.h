/* The two walls that the kernel builds for sandbox.c. */
#ifndef SANDBOX_PRIVATE_H
#define SANDBOX_PRIVATE_H

#include "sandbox/role.h"

/*
 * Builds for tests: sanitizers make system calls of their own at any time, and
 * write where standard error is; coverage opens files at the end. The filter is
 * left out there, and for coverage Landlock too.
 */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#ifdef POP3D_COVERAGE
#define SANDBOX_WRITES_COVERAGE 1
#else
#define SANDBOX_WRITES_COVERAGE 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANDBOX_WRITES_STDERR 1
#else
#define SANDBOX_WRITES_STDERR 0
#endif
#if SANDBOX_WRITES_STDERR || SANDBOX_WRITES_COVERAGE
#define SANDBOX_INSTRUMENTED 1
#else
#define SANDBOX_INSTRUMENTED 0
#endif

/*
 * sandbox_filter.c: from now on only the role's system calls. After
 * no_new_privs. False, with errno, but not where the kernel has no seccomp.
 */
bool sandbox_filter(enum role role);

/*
 * sandbox_files.c: from now on only these paths, no other process's abstract
 * sockets, no TCP, no signals to others, as far as the kernel knows of each;
 * *ruled is false where it has no Landlock. After no_new_privs, as the user.
 */
bool sandbox_files(const struct sandbox_needs *needs, bool *ruled);

#endif
