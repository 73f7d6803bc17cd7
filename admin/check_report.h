/* How a check of --check asks, and says what it has found. */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include <stddef.h>

#include "base/options.h"

/* In the order of how bad they are; also the exit status. */
enum verdict { CHECK_OK, CHECK_WARNING, CHECK_ERROR };

/* What check_pam has seen in the PAM service. */
struct pam_modules {
	bool unix_passwords;  /* pam_unix */
	bool other_passwords; /* maybe: a module that we do not know */
	bool shells;	      /* pam_shells */
};

struct check {
	const struct options *options;
	const char *unit; /* whose options they are, or NULL */
	enum verdict worst;
	struct pam_modules pam;
};

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

#endif
