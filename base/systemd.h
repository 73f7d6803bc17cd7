/*
 * What pop3d uses of libsystemd, which is there while it is asked and no
 * longer: with all that it needs in turn it takes a third of the time from exec
 * to greeting, and each process that is forked would have a part in it. A
 * session that was given no descriptors never needs it.
 */
#ifndef SYSTEMD_H
#define SYSTEMD_H

#include <stdbool.h>

enum { SYSTEMD_FIRST_FD = 3 }; /* SD_LISTEN_FDS_START, without its header */

/*
 * How many descriptors were passed, from SYSTEMD_FIRST_FD on, as
 * sd_listen_fds(3) says, and whether the first of them is a stream socket that
 * listens; removes the variables that say so from the environment. Negative,
 * with errno, when that cannot be told, as where descriptors were passed to who
 * was built without libsystemd.
 */
int systemd_listen_fds(bool *listening);

#endif
