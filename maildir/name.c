/* In the mailbox process; pure. */
#include "maildir/name.h"

#include <string.h>

enum { MICROSECONDS = 1000000 };

size_t
maildir_unique_length(const char *name)
{
	return strcspn(name, ":");
}

/* Digits, up to a limit past which it is no such number. */
static const char *
read_digits(const char *s, int64_t limit, int64_t *value)
{
	const char *begin = s;

	for (*value = 0; *s >= '0' && *s <= '9'; s++) {
		*value = *value * 10 + (*s - '0');
		if (*value > limit)
			return begin;
	}
	return s;
}

/*
 * In the part between the first dots: M of Dovecot, Courier and postfix, H of
 * exim, before the microseconds.
 */
static int64_t
microseconds(const char *s)
{
	int64_t value;

	for (; *s != '\0' && *s != '.' && *s != ':' && *s != ','; s++) {
		if (*s != 'M' && *s != 'H')
			continue;
		if (read_digits(s + 1, MICROSECONDS - 1, &value) > s + 1)
			return value;
	}
	return 0;
}

int64_t
maildir_name_when(const char *name)
{
	int64_t seconds;
	const char *s =
	    read_digits(name, INT64_MAX / MICROSECONDS - 1, &seconds);

	if (s == name)
		return -1;
	return seconds * MICROSECONDS + (*s == '.' ? microseconds(s + 1) : 0);
}

off_t
maildir_name_size(const char *name)
{
	const char *end = name + maildir_unique_length(name);
	int64_t value;

	for (const char *s = name; s < end; s++) {
		if (strncmp(s, ",S=", 3) != 0)
			continue;
		const char *behind = read_digits(s + 3, INT64_MAX / 16, &value);
		if (behind > s + 3 && (behind == end || *behind == ','))
			return (off_t)value;
	}
	return -1;
}

bool
maildir_name_has_flag(const char *name, char flag)
{
	const char *info = name + maildir_unique_length(name);

	return strncmp(info, ":2,", 3) == 0 && strchr(info + 3, flag) != NULL;
}
