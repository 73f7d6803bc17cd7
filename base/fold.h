/* --fold-names: login names in lower case. */
#ifndef FOLD_H
#define FOLD_H

#include <stdbool.h>

/* A to Z become a to z; all other bytes stay what they are. */
void fold_name(char *name);

/* Whether fold_name would change it. */
bool fold_would_change(const char *name);

#endif
