/*
 * nettle's base64 without its leniency towards blanks. Runs in the greeter and
 * where secrets are kept.
 */
#include "sasl/base64.h"

#include <nettle/base64.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Groups of four, padded at the end only. */
static bool
well_formed(const char *text, size_t len)
{
	size_t letters = len;

	while (letters > 0 && len - letters < 2 && text[letters - 1] == '=')
		letters--;
	for (size_t i = 0; i < letters; i++)
		if (text[i] == '\0' || strchr(alphabet, text[i]) == NULL)
			return false;
	return len % 4 == 0;
}

bool
base64_decode(void *dst, size_t size, size_t *n, const char *text, size_t len)
{
	struct base64_decode_ctx ctx;
	uint8_t *out = dst;

	*n = 0;
	if (!well_formed(text, len))
		return false;
	base64_decode_init(&ctx);
	for (size_t i = 0; i < len; i++) {
		uint8_t octet;
		int r = base64_decode_single(&ctx, &octet, text[i]);

		if (r < 0 || (r == 1 && *n == size))
			return false;
		if (r == 1)
			out[(*n)++] = octet;
	}
	return base64_decode_final(&ctx) == 1;
}

void
base64_encode(char *dst, const void *data, size_t len)
{
	base64_encode_raw(dst, len, data);
	dst[BASE64_SIZE(len) - 1] = '\0';
}
