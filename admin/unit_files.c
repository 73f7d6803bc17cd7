/* Which files those are is for systemd to say. */
#include "admin/unit_files.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin/systemctl.h"

enum { PATHS_SIZE = 8192 };

static const char blanks[] = " \t";

static void
cut_end(char *line)
{
	size_t len = strlen(line);

	while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
		line[--len] = '\0';
}

/* Adds the next line of the file; true where the setting goes on behind it. */
static bool
add_line(FILE *f, char whole[UNIT_LINE_SIZE])
{
	size_t len = strlen(whole);

	if (fgets(whole + len, (int)(UNIT_LINE_SIZE - len), f) == NULL)
		return false;
	cut_end(whole + len);
	len = strlen(whole);
	if (len == 0 || whole[len - 1] != '\\')
		return false;
	whole[len - 1] = ' ';
	return len + 1 < UNIT_LINE_SIZE;
}

static void
read_file(const char *path, unit_line_fn *line, void *arg)
{
	char whole[UNIT_LINE_SIZE];
	FILE *f = fopen(path, "re");

	while (f != NULL && !feof(f) && !ferror(f)) {
		whole[0] = '\0';
		while (add_line(f, whole))
			;
		char *key = whole + strspn(whole, blanks);
		char *value = strchr(key, '=');
		if (*key == '#' || *key == ';' || value == NULL)
			continue;
		*value++ = '\0';
		cut_end(key);
		line(arg, path, key, value + strspn(value, blanks));
	}
	if (f != NULL)
		fclose(f);
}

void
unit_files_read(const char *unit, unit_line_fn *line, void *arg)
{
	static const char *const properties[] = { "FragmentPath",
						  "DropInPaths" };
	char paths[PATHS_SIZE];

	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]);
	     i++) {
		char *at = paths;
		const char *path;

		systemctl_show(unit, properties[i], paths, sizeof(paths));
		while ((path = strsep(&at, " \n")) != NULL)
			if (*path == '/')
				read_file(path, line, arg);
	}
}
