/*
 * Reads the secrets file. Runs in the authenticator, with root's rights, and
 * with
 * --set-secret; what was read is wiped before anything is forked.
 */
#include "monitor/auth_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "base/number.h"
#include "sasl/base64.h"

enum { FILE_MAX = 64 << 20, SEED_SIZE = 32, ITERATIONS_MAX = 10000000 };

/* ---- the file */

static const char *
distrust(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != geteuid())
		return "somebody else owns it";
	if ((st->st_mode & 077) != 0)
		return "others may read or write it: chmod 600";
	if (st->st_nlink != 1)
		return "it has more than one name";
	if (st->st_size > FILE_MAX)
		return "it is too large";
	return NULL;
}

static enum secrets_result
refuse(const char *path, const char *why)
{
	log_line(LOG_ERR, EVENT_SETUP, "secrets %s: %s", path, why);
	return SECRETS_BAD;
}

enum secrets_result
auth_secret_read(struct secrets *s, int dir_fd, const char *path)
{
	enum secrets_result r = SECRETS_BAD;
	const char *wrong = NULL;
	struct stat st;
	/* a FIFO must not keep anyone waiting */
	int fd = openat(dir_fd, path,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*s = (struct secrets){ .text = NULL };
	if (fd < 0 && errno == ENOENT)
		return SECRETS_NONE;
	if (fd < 0)
		return refuse(path, errno == ELOOP ? "it is a symbolic link"
						   : strerror(errno));
	if (fstat(fd, &st) != 0) {
		wrong = strerror(errno);
		goto out;
	}
	wrong = distrust(&st);
	if (wrong != NULL)
		goto out;
	s->size = (size_t)st.st_size;
	s->text = malloc(s->size + 1);
	if (s->text == NULL || !file_read(fd, s->text, s->size, 0)) {
		wrong = strerror(errno);
		goto out;
	}
	s->text[s->size] = '\0';
	if (memchr(s->text, '\0', s->size) != NULL)
		wrong = "there is a NUL in it";
	else
		r = SECRETS_OK;
out:
	close(fd);
	return wrong != NULL ? refuse(path, wrong) : r;
}

void
auth_secret_wipe(struct secrets *s)
{
	if (s->text != NULL)
		explicit_bzero(s->text, s->size);
	free(s->text);
	*s = (struct secrets){ .text = NULL };
}

/* ---- its lines */

ssize_t
auth_secret_line(const char *line, const char **end)
{
	size_t len = strcspn(line, "\n");
	const char *colon = memchr(line, ':', len);

	*end = line + len;
	if (*line == '#' || len == 0)
		return -1;
	return colon != NULL ? colon - line : (ssize_t)len;
}

bool
auth_secret_is_for_apop(const char *end)
{
	return end[-1] != ':';
}

/* Takes a field of base64 and exactly `size` octets, and its colon. */
static bool
take_field(const char **at, uint8_t *dst, size_t size)
{
	size_t len = strcspn(*at, ":\n"), n;

	if (!base64_decode(dst, size, &n, *at, len) || n != size)
		return false;
	*at += len;
	return true;
}

static bool
take_colon(const char **at)
{
	return *(*at)++ == ':';
}

static bool
take_number(const char **at, uint32_t *value)
{
	unsigned long long n = 0;
	char digits[16];
	size_t len = strcspn(*at, ":\n");

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, *at, len);
	digits[len] = '\0';
	if (!parse_number(digits, ITERATIONS_MAX, &n) || n == 0)
		return false;
	*value = (uint32_t)n;
	*at += len;
	return true;
}

/* What follows a name and its colon, up to `end`. */
static bool
parse_user(struct secret *s, const char *at, const char *end)
{
	if (!take_number(&at, &s->keys.iterations) || !take_colon(&at) ||
	    !take_field(&at, s->keys.salt, sizeof(s->keys.salt)) ||
	    !take_colon(&at) ||
	    !take_field(&at, s->keys.stored, sizeof(s->keys.stored)) ||
	    !take_colon(&at) ||
	    !take_field(&at, s->keys.server, sizeof(s->keys.server)) ||
	    !take_colon(&at) || at > end || end - at > PASSWORD_MAX)
		return false;
	memcpy(s->plain, at, (size_t)(end - at));
	s->plain[end - at] = '\0';
	s->has_plain = at < end;
	return true;
}

static bool
is_line_of(const char *line, ssize_t name_len, const char *user)
{
	return name_len > 0 && line[name_len] == ':' &&
	       strlen(user) == (size_t)name_len &&
	       memcmp(line, user, (size_t)name_len) == 0;
}

/* A salt for a user who is not there: the same at each try. */
static void
invent(struct secret *s, const uint8_t *seed, const char *user)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, SEED_SIZE, seed);
	hmac_sha256_update(&ctx, strlen(user), (const uint8_t *)user);
	hmac_sha256_digest(&ctx, sizeof(s->keys.salt), s->keys.salt);
	explicit_bzero(&ctx, sizeof(ctx));
	s->keys.iterations = SCRAM_ITERATIONS;
}

/* ---- questions */

void
auth_secret_survey(const struct options *o, bool *scram, bool *apop)
{
	struct secrets file;
	const char *end;

	*scram = *apop = false;
	if (o->secrets == NULL)
		return;
	enum secrets_result r = auth_secret_read(&file, AT_FDCWD, o->secrets);
	const char *line = r == SECRETS_OK ? file.text : "";
	for (; *line != '\0' && !(*scram && *apop);
	     line = end + (*end != '\0')) {
		ssize_t name = auth_secret_line(line, &end);

		if (name <= 0)
			continue;
		*scram = true;
		*apop = *apop || auth_secret_is_for_apop(end);
	}
	auth_secret_wipe(&file);
}

/* Reads all of the file, wherever the user stands in it. */
static bool
search(const struct secrets *file, const char *user, struct secret *s)
{
	uint8_t seed[SEED_SIZE] = { 0 };
	struct secret other;
	const char *end;
	bool seeded = false, sane = true;

	for (const char *line = file->text; *line != '\0';
	     line = end + (*end != '\0')) {
		ssize_t name = auth_secret_line(line, &end);
		const char *at = line + 1;

		if (name == 0)
			seeded =
			    take_field(&at, seed, sizeof(seed)) && at == end;
		else if (is_line_of(line, name, user))
			s->known = sane = parse_user(s, line + name + 1, end);
	}
	memset(&other, 0, sizeof(other));
	invent(&other, seed, user);
	if (!s->known)
		*s = other;
	explicit_bzero(seed, sizeof(seed));
	return seeded && sane;
}

enum login_result
auth_secret_find(const struct options *o, const char *user, struct secret *s)
{
	struct secrets file = { .text = NULL };
	enum login_result r = LOGIN_BROKEN;

	memset(s, 0, sizeof(*s));
	if (o->secrets != NULL &&
	    auth_secret_read(&file, AT_FDCWD, o->secrets) == SECRETS_OK) {
		if (search(&file, user, s))
			r = LOGIN_OK;
		else
			refuse(o->secrets, "a line of it makes no sense, or "
					   "the host's key is missing");
	}
	auth_secret_wipe(&file);
	return r;
}
