/* With -mavx2, where the compiler knows it: twice as many bytes at once. */
#define BODY_HASH body_hash_avx2
#include "mbox/body_hash_code.h"
