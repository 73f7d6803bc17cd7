/* As the compiler would have it for any processor of this kind. */
#define BODY_HASH body_hash_plain
#include "mbox/body_hash_code.h"
