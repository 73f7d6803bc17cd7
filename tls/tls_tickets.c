/*
 * The key of tickets: in memory (/run) only, root's only, and replaced after
 * some hours, with which older sessions can no longer be resumed or, by who
 * steals it, be read. In the TLS relay before it gives up its privileges.
 */
#include "tls/tls_tickets.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/fileio.h"

enum { KEY_SECONDS = 12 * 3600, KEY_SIZE = 80 };

struct ticket_key {
	int64_t made; /* seconds of CLOCK_BOOTTIME */
	uint8_t key[KEY_SIZE];
};

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

static bool
read_key(const char *path, struct ticket_key *k)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return false;
	bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
		    st.st_size == (off_t)sizeof(*k) &&
		    file_read(fd, k, sizeof(*k), 0) && k->made <= now() &&
		    now() - k->made < KEY_SECONDS;
	close(fd);
	return good;
}

/* Two relays may do so at once: the last one's is the key from then on. */
static bool
make_key(const char *path, struct ticket_key *k)
{
	char temporary[PATH_MAX];

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
		sizeof(temporary) ||
	    !compat_random(k->key, sizeof(k->key)))
		return false;
	k->made = now();
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return false;
	bool made = file_write(fd, k, sizeof(*k), 0);
	made = close(fd) == 0 && made && rename(temporary, path) == 0;
	if (!made)
		unlink(temporary);
	return made;
}

static bool
shared_key(struct ticket_key *k)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");
	char path[PATH_MAX];

	if (dir == NULL && geteuid() == 0)
		dir = "/run/pop3d";
	if (dir == NULL || (size_t)snprintf(path, sizeof(path), "%s/ticket-key",
					    dir) >= sizeof(path))
		return false;
	return read_key(path, k) || make_key(path, k);
}

void
tls_tickets_share(SSL_CTX *ctx)
{
	struct ticket_key k;

	/* The cache of a process that serves one connection is of no use. */
	openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SESS_CACHE_MODE,
			     SSL_SESS_CACHE_OFF, NULL);
	if (!shared_key(&k) ||
	    openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
				 sizeof(k.key), k.key) != 1) {
		openssl.SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		/* TLS 1.3 would send some all the same, of no use to anyone. */
		openssl.SSL_CTX_set_num_tickets(ctx, 0);
	}
	explicit_bzero(&k, sizeof(k));
}
