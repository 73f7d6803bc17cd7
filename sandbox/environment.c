/* In each process that others talk to. */
#include "sandbox/environment.h"

#include <string.h>
#include <unistd.h>

void
environment_empty(void)
{
	size_t kept = 0;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, "TZ=", 3) == 0)
			environ[kept++] = *e;
		else
			explicit_bzero(*e, strlen(*e));
	}
	if (environ != NULL)
		environ[kept] = NULL;
}
