/*
 * pop3d: one POP3 session for the connection that it is given. main() reads
 * the options, finds the connection and hands over to the monitor.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "connection.h"
#include "log.h"
#include "monitor.h"
#include "options.h"
#include "recover.h"
#include "signals.h"

int
main(int argc, char **argv)
{
	struct options options;
	struct connection connection;

	options_parse(&options, argc, argv);
	log_open(options.log);
	connection_secure_stdio();
	signals_setup();
	umask(077);
	if (options.idle_timeout < SHORTEST_AUTOLOGOUT)
		log_line(LOG_WARNING, EVENT_SETUP,
			 "--idle-timeout=%u: RFC 1939 asks for %d at least",
			 options.idle_timeout, SHORTEST_AUTOLOGOUT);
	if (options.task == TASK_RECOVER)
		return recover_all(&options);
	if (!connection_get(&connection))
		return EX_UNAVAILABLE;
	log_session(NULL, connection.peer);
	return monitor_run(&options, &connection);
}
