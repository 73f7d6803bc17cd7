/* What --check asks systemd, by its own program. */
#ifndef SYSTEMCTL_H
#define SYSTEMCTL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this host runs systemd at all. */
bool systemctl_is_there(void);

/* systemctl VERB --quiet UNIT says yes: is-enabled, is-active. */
bool systemctl_says(const char *verb, const char *unit);

/* Whether somebody has forbidden the unit to start; also of a template. */
bool systemctl_is_masked(const char *unit);

/* The value of a unit's property, without its line end; "" for none. */
void systemctl_show(const char *unit, const char *property, char *value,
		    size_t size);

#endif
