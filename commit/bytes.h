/* Numbers and hashes as a journal has them: little endian, at any address. */
#ifndef COMMIT_BYTES_H
#define COMMIT_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

struct journal_hash {
	uint64_t low, high;
};

static inline void
put32(unsigned char *p, uint32_t value)
{
	value = htole32(value);
	memcpy(p, &value, sizeof(value));
}

static inline void
put64(unsigned char *p, uint64_t value)
{
	value = htole64(value);
	memcpy(p, &value, sizeof(value));
}

static inline void
put_hash(unsigned char *p, struct journal_hash hash)
{
	put64(p, hash.low);
	put64(p + 8, hash.high);
}

static inline uint32_t
get32(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static inline uint64_t
get64(const unsigned char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

static inline struct journal_hash
get_hash(const unsigned char *p)
{
	struct journal_hash hash = { get64(p), get64(p + 8) };

	return hash;
}

#endif
