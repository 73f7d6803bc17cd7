/* No bus of our own: who calls --check may be anybody, anywhere. */
#include "admin/systemctl.h"

#include <string.h>
#include <unistd.h>

#include "admin/check_report.h"

enum { OUTPUT_SIZE = 256 };

static const char program[] = "/usr/bin/systemctl";

bool
systemctl_is_there(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

bool
systemctl_says(const char *verb, const char *unit)
{
	const char *argv[] = { program, verb, "--quiet", unit, NULL };
	char out[OUTPUT_SIZE];

	return check_output(argv, 1, out, sizeof(out)) == 0;
}

bool
systemctl_is_masked(const char *unit)
{
	const char *argv[] = { program, "is-enabled", unit, NULL };
	char out[OUTPUT_SIZE];

	check_output(argv, 1, out, sizeof(out));
	return strncmp(out, "masked", strlen("masked")) == 0;
}

void
systemctl_show(const char *unit, const char *property, char *value, size_t size)
{
	const char *argv[] = { program,	 "show", "--value", "-p",
			       property, unit,	 NULL };

	check_output(argv, 1, value, size);
	size_t len = strlen(value);
	while (len > 0 && value[len - 1] == '\n')
		value[--len] = '\0';
}
