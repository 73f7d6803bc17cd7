/* Runs in the mailbox process; pure. */
#include "maildir/uidl.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

enum { HASH_BYTES = 16, HASH_DIGITS = 2 * HASH_BYTES };

/* As RFC 1939 has it, and not what hash_name may say of another. */
static bool
is_id(const char *name, size_t len)
{
	bool like_hash = len == HASH_DIGITS;

	if (len == 0 || len >= UIDL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < 0x21 || name[i] > 0x7e)
			return false;
		if (strchr("0123456789abcdef", name[i]) == NULL)
			like_hash = false;
	}
	return !like_hash;
}

/* Of two files with one name the inode tells which is which. */
static void
hash_name(const char *name, const struct maildir_message *m,
	  char uidl[UIDL_SIZE])
{
	unsigned char digest[HASH_BYTES];
	uint64_t ino = htole64(m->ino);
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, m->unique_len, (const uint8_t *)name);
	if (m->flags & IS_COPY) {
		sha256_update(&ctx, 1, (const uint8_t *)"");
		sha256_update(&ctx, sizeof(ino), (const uint8_t *)&ino);
	}
	sha256_digest(&ctx, sizeof(digest), digest);
	base16_encode_update(uidl, sizeof(digest), digest);
	uidl[HASH_DIGITS] = '\0';
}

void
maildir_uidl_format(const struct maildir_list *l,
		    const struct maildir_message *m, enum uidl_kind kind,
		    char uidl[UIDL_SIZE])
{
	const char *name = maildir_name(l, m);

	if (m->id != 0)
		snprintf(uidl, UIDL_SIZE, "%s", l->ids.text + m->id);
	else if (kind != UIDL_HASH && (m->flags & IS_COPY) == 0 &&
		 is_id(name, m->unique_len))
		snprintf(uidl, UIDL_SIZE, "%.*s", (int)m->unique_len, name);
	else
		hash_name(name, m, uidl);
}
