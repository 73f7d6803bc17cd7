/* The order of the checks. Runs by itself, as root or as anybody. */
#include "admin/check.h"

#include <unistd.h>

#include "admin/check_parts.h"
#include "base/workable.h"

static void
say_unworkable(void *arg, const char *what)
{
	check_say(arg, CHECK_ERROR, "%s", what);
}

int
check_run(const struct options *o)
{
	struct check c = { .options = o };

	/* What the log is told meanwhile belongs between the findings. */
	dup2(STDOUT_FILENO, STDERR_FILENO);

	if (geteuid() != 0)
		check_say(&c, CHECK_WARNING,
			  "not root: this is about sessions that you start "
			  "yourself; for the host's users, run it as root");
	check_unit_options(&c);
	options_can_work(c.options, say_unworkable, &c);
	check_pam(&c);
	check_greeter(&c);
	check_kernel(&c);
	if (o->user != NULL) {
		check_user(&c);
		return (int)c.worst;
	}
	check_login_names(&c);
	check_tls(&c);
	check_secrets(&c);
	check_spool(&c);
	check_delivery(&c);
	check_mta(&c);
	check_state(&c);
	check_units(&c);
	check_service(&c);
	return (int)c.worst;
}
