/*
 * All commands of this server, one row each: what CAPA announces and what works
 * come from the same rows. The only file that knows all handlers.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "session.h"

extern const struct command_table pop3_commands;

#endif
