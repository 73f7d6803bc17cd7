/*
 * Logins, as the monitor decides them for the greeter: who comes in, how often
 * one may try and how long a failure takes. Runs with the privileges, parses
 * nothing.
 */
#include "monitor_private.h"

#include <poll.h>
#include <string.h>

#include "log.h"
#include "signals.h"

enum {
	TRIES_MAX = 3,
	FAILURE_MS = 2500 /* how long each failed login takes, whatever why */
};

double
monitor_seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Until FAILURE_MS after start; a slow module makes it no longer. */
static void
delay_failure(const struct timespec *start)
{
	double left = FAILURE_MS / 1000.0 - monitor_seconds_since(start);

	if (left <= 0)
		return;
	struct timespec t = { .tv_sec = (time_t)left };
	t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
	ppoll(NULL, 0, &t, signals_while_waiting());
}

static enum login_result
check_login(struct monitor *m, struct login_request *login)
{
	login->user[USER_MAX] = login->password[PASSWORD_MAX] = '\0';
	log_session(login->user, NULL);
	/* The greeter has been told which was the last; it may be hijacked. */
	if (m->tries > TRIES_MAX || !account_name_valid(login->user) ||
	    login->password[0] == '\0')
		return LOGIN_DENIED;
	enum login_result r =
	    auth_pam_check(&m->auth, m->options, login->user, login->password,
			   m->connection->peer);
	if (r == LOGIN_OK)
		r = account_find(&m->account, m->options, login->user);
	if (r == LOGIN_OK && !account_make_state_dir(&m->account, m->options))
		r = LOGIN_BROKEN;
	if (r == LOGIN_OK && !auth_pam_open(m->auth))
		r = LOGIN_BROKEN;
	if (r == LOGIN_OK)
		return r;
	auth_pam_end(m->auth);
	m->auth = NULL;
	return r;
}

bool
monitor_login(struct monitor *m)
{
	static const char *const texts[LOGIN_RESULTS] = {
		[LOGIN_OK] = "",
		[LOGIN_DENIED] = "wrong name or password",
		[LOGIN_NO_ACCESS] = "the account may not log in",
		[LOGIN_TEMPORARY] = "it cannot be checked now",
		[LOGIN_BROKEN] = "it cannot be checked",
	};
	struct timespec start;
	struct reply reply = { .last = ++m->tries >= TRIES_MAX };

	clock_gettime(CLOCK_MONOTONIC, &start);
	enum login_result r = check_login(m, &m->request.login);
	explicit_bzero(&m->request, sizeof(m->request));
	if (r == LOGIN_OK) {
		log_session(m->account.name, NULL);
		m->phase = GREETER_LOGGED_IN;
	} else {
		log_line(LOG_NOTICE, EVENT_LOGIN_FAILED, "login failed: %s",
			 texts[r]);
		delay_failure(&start);
	}
	reply.result = r;
	return boundary_reply(m->boundary, &reply);
}
