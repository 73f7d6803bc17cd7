/*
 * Small files that the processes of this host share and that a reset may lose:
 * in $RUNTIME_DIRECTORY or, as root, in /run/pop3d. With the privileges.
 */
#ifndef TLS_RUNTIME_H
#define TLS_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the file of that name. False where there is none, or it is not of that
 * size, or anyone but its owner, who is us, could have written or read it.
 */
bool tls_runtime_load(const char *name, void *buf, size_t size);

/*
 * Writes it anew, in one piece for whoever reads it meanwhile; of several who
 * do so at once the last one wins. False where it cannot be kept.
 */
bool tls_runtime_save(const char *name, const void *buf, size_t size);

#endif
