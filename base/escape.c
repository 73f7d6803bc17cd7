/* No byte that moves a cursor or begins a line comes through. */
#include "base/escape.h"

#include <stdbool.h>
#include <stdio.h>

void
escape_text(char *dst, size_t size, const char *text, unsigned char first)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= first && c < 0x7f && c != '\\';
		size_t need = plain ? 1 : 4;

		if (used + need >= size)
			break;
		if (plain)
			dst[used] = (char)c;
		else
			snprintf(dst + used, size - used, "\\x%02x", c);
		used += need;
	}
	dst[used] = '\0';
}
