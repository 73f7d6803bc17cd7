/*
 * The secrets file: what is known of passwords that PAM does not know, for
 * SCRAM and APOP. A line of it is
 *
 *     name:iterations:salt:StoredKey:ServerKey:plain
 *
 * with base64 in the middle (RFC 5802 section 3), and the password itself
 * behind the last colon, or nothing. A line with an empty name holds the
 * host's key, from which users who are not there get a salt as well. Lines
 * that begin with # are comments. Read by the authenticator and --set-secret
 * only.
 */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/boundary.h"
#include "base/options.h"
#include "monitor/scram.h"

struct secret {
	bool known; /* whether the file has this user */
	/* where it has not: a salt that stays the same, no keys */
	struct scram_keys keys;
	bool has_plain;
	char plain[PASSWORD_MAX + 1];
};

enum secrets_result {
	SECRETS_OK,
	SECRETS_NONE, /* there is no such file */
	SECRETS_BAD   /* it cannot be trusted, read or understood; logged */
};

/* The file, as it was when it was read. */
struct secrets {
	char *text; /* NUL-terminated */
	size_t size;
};

/*
 * Reads the file `path` below the directory dir_fd (AT_FDCWD: any path). It
 * has to be a regular file with one name, owned by the caller's uid, that
 * nobody else may read or write. *s is to be wiped by auth_secret_wipe,
 * whatever the result.
 */
enum secrets_result auth_secret_read(struct secrets *s, int dir_fd,
				     const char *path);
void auth_secret_wipe(struct secrets *s);

/*
 * The line at *line, whose end is put into *end (at its newline or the final
 * NUL): whose it is, by its length up to the colon. 0 for the host's key,
 * -1 for comments and empty lines.
 */
ssize_t auth_secret_line(const char *line, const char **end);

/* Whether a user's line that ends there has the password itself. */
bool auth_secret_is_for_apop(const char *end);

/* What the file makes possible: SCRAM for anyone, APOP for anyone. */
void auth_secret_survey(const struct options *o, bool *scram, bool *apop);

/*
 * Looks a user up; takes as long, and fills *secret alike, for one who is not
 * there. LOGIN_OK also then; LOGIN_BROKEN, logged, where the file is of no use.
 * *secret is the caller's to wipe.
 */
enum login_result auth_secret_find(const struct options *o, const char *user,
				   struct secret *secret);

#endif
