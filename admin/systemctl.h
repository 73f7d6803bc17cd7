/* What --check asks systemd. */
#ifndef SYSTEMCTL_H
#define SYSTEMCTL_H

#include <stdbool.h>

/* systemctl VERB --quiet UNIT says yes: is-enabled, is-active. */
bool systemctl_says(const char *verb, const char *unit);

#endif
