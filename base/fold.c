/* Not by tolower(3): a name means the same in every locale. */
#include "base/fold.h"

static bool
is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

void
fold_name(char *name)
{
	for (; *name != '\0'; name++)
		if (is_capital(*name))
			*name = (char)(*name - 'A' + 'a');
}

bool
fold_would_change(const char *name)
{
	while (*name != '\0' && !is_capital(*name))
		name++;
	return *name != '\0';
}
