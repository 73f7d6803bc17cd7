/* What the processor can do beyond what the program was compiled for. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

/*
 * What ld.so has found out at the program's start. The compiler's own way asks
 * the processor again, before main(), which takes a virtual machine as long as
 * a fork.
 */
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#define HAS_AVX2 CPU_FEATURE_ACTIVE(AVX2)
#endif

#endif
