/* Base64 (RFC 4648 section 4), strict: what is not exactly it is refused. */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The size of n octets in base64, with the NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/*
 * Decodes all of text. False when a character is not of the alphabet, the
 * padding is wrong, bits that stand for nothing are set, or the result has
 * more than size octets. *n is the result's length; no text is no octets.
 */
bool base64_decode(void *dst, size_t size, size_t *n, const char *text,
		   size_t len);

/* Encodes len octets into dst of BASE64_SIZE(len), NUL-terminated. */
void base64_encode(char *dst, const void *data, size_t len);

#endif
