/*
 * pop3d: one POP3 session for the connection that it is given. main() reads
 * the options, finds the connection and hands over to the monitor; or, given
 * listening sockets, to the acceptor, which does so for each connection; or to
 * one of the tasks that serve nobody: --check, --recover, the secrets file's.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/check.h"
#include "admin/list.h"
#include "admin/secret_list.h"
#include "admin/secret_tool.h"
#include "admin/who.h"
#include "base/connection.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/systemd.h"
#include "base/workable.h"
#include "monitor/accept.h"
#include "monitor/monitor.h"
#include "monitor/recover.h"
#include "sandbox/descriptors.h"
#include "sandbox/environment.h"
#include "sandbox/privilege.h"
#include "sandbox/sandbox.h"

static int
serve(const struct options *o, const struct connection *c)
{
	log_session(NULL, c->peer);
	log_arrival(&c->arrival);
	return monitor_run(o, c);
}

/* Whoever started us may have left more than we are to have. */
static bool
give_up_the_rest(int passed)
{
	bool ok = descriptors_close_from(SYSTEMD_FIRST_FD + passed);

	log_restart();
	ok = ok && privilege_bound();
	if (!ok)
		log_line(LOG_ERR, EVENT_SETUP, "giving up privileges: %s",
			 strerror(errno));
	return ok;
}

/* A wall that is not there is nothing to be silent about. */
static void
say_what_is_missing(void)
{
	const char *why = sandbox_lacks_filter();

	if (why != NULL)
		log_line(LOG_WARNING, EVENT_SETUP, "no seccomp filters: %s",
			 why);
}

static void
say_unworkable(void *arg, const char *what)
{
	(void)arg;
	log_line(LOG_ERR, EVENT_SETUP, "%s", what);
}

int
main(int argc, char **argv)
{
	static struct options options; /* what it points to lives until exit */
	struct connection connection;
	bool listening = false;

	options_parse(&options, argc, argv);
	if (options.task == TASK_CHECK)
		return check_run(&options);
	if (options.task == TASK_WHO)
		return who_run(&options);
	if (options.task == TASK_SET_SECRET ||
	    options.task == TASK_REMOVE_SECRET || options.task == TASK_LIST ||
	    options.task == TASK_LIST_SECRETS)
		options.log = LOG_TO_STDERR;
	bool stdio = connection_secure_stdio();
	log_open(options.log);
	umask(077);
	if (options.task == TASK_SET_SECRET)
		return secret_set(&options);
	if (options.task == TASK_REMOVE_SECRET)
		return secret_remove(&options);
	if (options.task == TASK_LIST_SECRETS)
		return secret_list(&options);
	environment_bound();
	signals_setup();
	if (options.idle_timeout < SHORTEST_AUTOLOGOUT)
		log_line(LOG_WARNING, EVENT_SETUP,
			 "--idle-timeout=%u: RFC 1939 asks for %d at least",
			 options.idle_timeout, SHORTEST_AUTOLOGOUT);
	int passed =
	    options.task == TASK_SERVE ? systemd_listen_fds(&listening) : 0;
	if (passed < 0) {
		log_line(LOG_ERR, EVENT_SETUP, "sd_listen_fds: %s",
			 strerror(errno));
		return EX_UNAVAILABLE;
	}
	if (!give_up_the_rest(passed))
		return EX_OSERR;
	bool workable = options_can_work(&options, say_unworkable, NULL);
	if (options.task == TASK_RECOVER)
		return workable ? recover_all(&options) : EX_CONFIG;
	if (options.task == TASK_LIST)
		return workable ? list_run(&options) : EX_CONFIG;
	say_what_is_missing();
	if (listening && !workable)
		return EX_CONFIG;
	if (listening)
		return accept_run(&options, SYSTEMD_FIRST_FD, passed, serve);
	if (passed == 0 && !stdio) {
		log_line(LOG_ERR, EVENT_SETUP,
			 "no connection: standard input or output is closed");
		return EX_UNAVAILABLE;
	}
	if (!connection_get(&connection, passed))
		return EX_UNAVAILABLE;
	if (!workable)
		return monitor_refuse(&options, &connection);
	/* What libraries of PAM's modules would tidy up, the kernel takes. */
	_exit(serve(&options, &connection));
}
