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
