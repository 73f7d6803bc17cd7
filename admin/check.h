/* pop3d --check: what an administrator would otherwise find out the hard way.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

#include "base/options.h"

/* In the order of how bad they are; also the exit status. */
enum verdict { CHECK_OK, CHECK_WARNING, CHECK_ERROR };

struct check {
	const struct options *options;
	enum verdict worst;
};

/*
 * Looks at this host's setup, or with options->user at that user's login, and
 * prints a line on stdout for each finding. Changes nothing but, for a user,
 * takes the mailbox's locks for a moment. Returns the worst verdict.
 */
int check_run(const struct options *o);

/* ---- for the files that do the looking */

/* One line: what was looked at, what was found and what to do about it. */
void check_say(struct check *c, enum verdict v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Runs a program with no input, without a shell, and keeps the first size - 1
 * bytes of its output, NUL-terminated: what it says on stdout, or where fd is
 * 2, on stderr.
 * Returns its exit status, -1 where it could not be run.
 */
int check_output(const char *const *argv, int fd, char *out, size_t size);

/* check_setup.c: PAM, users, files and the kernel. */
void check_pam(struct check *c);
void check_greeter(struct check *c);
void check_virtual_user(struct check *c);
void check_spool(struct check *c);
void check_state(struct check *c);
void check_kernel(struct check *c);

/* check_secrecy.c: what keeps passwords from strangers. */
void check_tls(struct check *c);
void check_secrets(struct check *c);

/* check_mta.c: the locks that mail is delivered with. */
void check_mta(struct check *c);

/* check_service.c: the units, and who listens. */
void check_service(struct check *c);

/* check_user.c: one user's login, without a password. */
void check_user(struct check *c);

#endif
