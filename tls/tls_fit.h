/*
 * Whether certificates and keys can be used, before TLS is offered to anyone:
 * what OpenSSL has once said of these very files is remembered, because asking
 * it takes as long as ten sessions without it. In the monitor, which reads none
 * of them.
 */
#ifndef TLS_FIT_H
#define TLS_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/tls_context.h"

/* A file as it was looked at; all zero: there is none. */
struct tls_file_seen {
	uint64_t device, inode, size;
	int64_t changed, changed_nsec; /* ctime: content, owner or mode */
};

/* All of them, in order; compared and kept as a whole. */
struct tls_files_seen {
	struct tls_file_seen files[2 * TLS_PAIRS_MAX];
};

/* As they are now. False where one is missing. */
bool tls_fit_look(struct tls_files_seen *seen, const struct tls_files *f);

/* Whether they are those that were found to fit, and nothing has changed. */
bool tls_fit_known(const struct tls_files_seen *seen);

/* They fit; whether that can be kept or not. */
void tls_fit_remember(const struct tls_files_seen *seen);

#endif
