/* Reads what strangers have written, in the process that has the user's rights.
 */
#include "base/header_field.h"

#include <string.h>
#include <strings.h>

/* The line at *text, without its end; *text is behind it then. */
static bool
next_line(const char **text, const char *end, const char **line, size_t *len)
{
	if (*text == end)
		return false;
	const char *lf = memchr(*text, '\n', (size_t)(end - *text));
	*line = *text;
	*len = (size_t)((lf != NULL ? lf : end) - *text);
	*text = lf != NULL ? lf + 1 : end;
	if (*len > 0 && (*line)[*len - 1] == '\r')
		--*len;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind what value holds already, one blank in the place of any before. */
static void
add(char *value, const char *line, size_t len)
{
	size_t used = strlen(value);

	while (len > 0 && is_blank(*line)) {
		line++;
		len--;
	}
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (len == 0)
		return;
	if (used > 0 && used + 1 < HEADER_VALUE_SIZE)
		value[used++] = ' ';
	if (len > HEADER_VALUE_SIZE - 1 - used)
		len = HEADER_VALUE_SIZE - 1 - used;
	memcpy(value + used, line, len);
	value[used + len] = '\0';
}

/* The value, where this line begins the field; NULL where it does not. */
static const char *
value_in(const char *line, size_t len, const char *name)
{
	const char *colon = memchr(line, ':', len);
	size_t n = strlen(name);

	if (colon == NULL || (size_t)(colon - line) < n ||
	    strncasecmp(line, name, n) != 0)
		return NULL;
	for (const char *s = line + n; s < colon; s++)
		if (!is_blank(*s))
			return NULL;
	return colon + 1;
}

bool
header_field(const char *text, size_t len, const char *name,
	     char value[HEADER_VALUE_SIZE])
{
	const char *end = text + len, *line, *first;
	bool found = false;
	size_t size;

	value[0] = '\0';
	while (next_line(&text, end, &line, &size) && size > 0) {
		if (found && !is_blank(*line))
			break;
		first = found ? line : value_in(line, size, name);
		if (first == NULL)
			continue;
		found = true;
		add(value, first, (size_t)(line + size - first));
	}
	return found;
}
