/*
 * What systemd's sandbox for the unit (ProtectHome=, ProtectSystem= and their
 * like) makes of a path, as the process itself sees it.
 */
#ifndef UNIT_WALL_H
#define UNIT_WALL_H

/*
 * NULL where there is no such wall; else what it does, in words for the log.
 * To be asked before the process has walls of its own. Costs one system call
 * where all is well.
 */
const char *unit_wall_at(const char *path);

#endif
