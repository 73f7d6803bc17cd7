/*
 * What pop3d uses of libsystemd, which is loaded on first use: with all that it
 * needs in turn it takes a third of the time from exec to greeting, and a
 * session that was given no descriptors never needs it.
 */
#ifndef SYSTEMD_H
#define SYSTEMD_H

#include <stdbool.h>

/*
 * How many descriptors were passed, from SD_LISTEN_FDS_START on, as
 * sd_listen_fds(3) says; removes its variables from the environment. Negative,
 * with errno, when that cannot be told.
 */
int systemd_listen_fds(void);

/* Whether fd is a stream socket that listens: sd_is_socket(3). */
bool systemd_is_listening(int fd);

#endif
