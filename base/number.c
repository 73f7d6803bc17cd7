/* In every process. */
#include "base/number.h"

bool
parse_number(const char *s, unsigned long long max, unsigned long long *value)
{
	unsigned long long n = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		unsigned digit = (unsigned)(*s - '0');
		if (n > (max - digit) / 10 || digit > max)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

uint32_t
number_take(const char **s, const char *end)
{
	uint64_t n = 0;

	for (; *s < end && **s >= '0' && **s <= '9'; (*s)++) {
		n = n * 10 + (uint64_t)(**s - '0');
		if (n > UINT32_MAX)
			return 0;
	}
	return (uint32_t)n;
}
