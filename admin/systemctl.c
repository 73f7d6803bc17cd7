/* Asks by the program: it speaks to whichever systemd runs. */
#include "admin/systemctl.h"

#include "admin/check_report.h"

enum { OUTPUT_SIZE = 256 };

bool
systemctl_says(const char *verb, const char *unit)
{
	const char *argv[] = { "/usr/bin/systemctl", verb, "--quiet", unit,
			       NULL };
	char out[OUTPUT_SIZE];

	return check_output(argv, 1, out, sizeof(out)) == 0;
}
