/* What an attacker's code in a process tries, one thing at a time. */
#ifndef HIJACK_H
#define HIJACK_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_SIZE = 256, TRIES_MAX = 3 };

struct victim {
	int in, out, boundary;
	const char *password;
};

struct attack {
	const char *name;
	/* Whether it succeeded; else errno may say why not. */
	bool (*run)(const struct victim *v);
};

/* Each list ends with a NULL name. */
extern const struct attack kernel_attacks[];  /* by system calls */
extern const struct attack monitor_attacks[]; /* by requests */

#endif
