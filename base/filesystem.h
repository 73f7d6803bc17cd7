/* What kind of file system a file is on. */
#ifndef FILESYSTEM_H
#define FILESYSTEM_H

#include <stdbool.h>

/*
 * Whether no other host can have the file system mounted: only then does a
 * process id in a file mean one of this host. False where nothing is known.
 */
bool filesystem_is_local(int fd);

bool filesystem_is_nfs(int fd);

#endif
