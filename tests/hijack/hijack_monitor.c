/* Attacks on the monitor: requests out of turn, or that are none. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/boundary.h"
#include "hijack.h"

enum { REQUESTS_AHEAD = 8 };

/* Each returns whether it was answered. */

static bool
answered(const struct victim *v, struct request *r)
{
	struct reply reply;

	if (boundary_ask(v->boundary, r, &reply))
		return true;
	errno = ECONNRESET;
	return false;
}

static bool
ask(const struct victim *v, enum request_type type)
{
	static struct request r;

	r.type = type;
	return answered(v, &r);
}

/* Returns whether the login succeeded. */
static bool
log_in(const struct victim *v, const char *user, const char *password)
{
	static struct request r;
	struct reply reply = { .result = LOGIN_DENIED };

	r.type = REQUEST_LOGIN;
	r.login.method = METHOD_PASS;
	snprintf(r.login.user, sizeof(r.login.user), "%s", user);
	snprintf(r.login.password, sizeof(r.login.password), "%s", password);
	if (boundary_ask(v->boundary, &r, &reply) && reply.result == LOGIN_OK)
		return true;
	errno = EACCES;
	return false;
}

static bool
hand_over_before_login(const struct victim *v)
{
	return ask(v, REQUEST_HANDOVER);
}

static bool
hand_over_after_failure(const struct victim *v)
{
	log_in(v, "thomas", "wrong");
	return ask(v, REQUEST_HANDOVER);
}

static bool
ask_for_dotlock(const struct victim *v)
{
	return ask(v, REQUEST_DOTLOCK_TRY);
}

static bool
sum_up(const struct victim *v)
{
	return ask(v, REQUEST_SUMMARY);
}

static bool
blame(const struct victim *v)
{
	return ask(v, REQUEST_LOCK_BUSY);
}

static bool
return_to_greeter(const struct victim *v)
{
	return ask(v, REQUEST_RETURN);
}

static bool
ask_to_log_in(const struct victim *v)
{
	return ask(v, REQUEST_LOGIN);
}

static bool
prove_without_start(const struct victim *v)
{
	return ask(v, REQUEST_SCRAM_PROOF);
}

static bool
try_four_times(const struct victim *v)
{
	for (int i = 0; i < TRIES_MAX; i++)
		if (log_in(v, "thomas", "wrong"))
			return true;
	return log_in(v, "thomas", v->password) || ask(v, REQUEST_LOGIN);
}

static bool
log_in_as_root(const struct victim *v)
{
	return log_in(v, "root", v->password);
}

static bool
log_in_as_another_directory(const struct victim *v)
{
	return log_in(v, "../thomas", v->password);
}

static bool
replay_login(const struct victim *v)
{
	if (!log_in(v, "thomas", v->password))
		return true; /* a password that is not right tests nothing */
	return log_in(v, "thomas", v->password);
}

static bool
hand_over_too_much(const struct victim *v)
{
	static struct request r = { .type = REQUEST_HANDOVER };

	if (!log_in(v, "thomas", v->password))
		return true;
	r.handover.input_len = UINT32_MAX;
	return answered(v, &r);
}

static bool
send_raw(const struct victim *v, const void *data, size_t size)
{
	struct reply reply;

	send(v->boundary, data, size, MSG_NOSIGNAL);
	if (recv(v->boundary, &reply, sizeof(reply), 0) > 0)
		return true;
	errno = ECONNRESET;
	return false;
}

static bool
send_wrong_size(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_LOGIN };

	return send_raw(v, &r, sizeof(r.type) + 1);
}

static bool
send_too_much(const struct victim *v)
{
	static char much[2 * sizeof(struct request)] = { REQUEST_LOGIN };

	return send_raw(v, much, sizeof(much));
}

static bool
send_unknown_type(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_TYPES };

	return send_raw(v, &r, sizeof(r.type));
}

static bool
send_type_0(const struct victim *v)
{
	static const struct request r = { .type = 0 };

	return send_raw(v, &r, sizeof(r.type));
}

/* Keeps the monitor busy: there is always a request that waits for it. */
static bool
ask_for_ever(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_STLS };

	for (int i = 0; i < REQUESTS_AHEAD; i++)
		boundary_send(v->boundary, &r);
	while (ask(v, REQUEST_STLS))
		;
	return false;
}

/* Has the monitor answer until there is no room for one answer more. */
static bool
leave_answers(const struct victim *v, enum request_type type)
{
	static struct request r;

	r.type = type;
	while (boundary_send(v->boundary, &r))
		;
	errno = ECONNRESET;
	return false;
}

static bool
leave_answers_about_tls(const struct victim *v)
{
	return leave_answers(v, REQUEST_STLS);
}

static bool
leave_answers_about_dotlock(const struct victim *v)
{
	return leave_answers(v, REQUEST_DOTLOCK_LEAVE);
}

/* Until it is killed. */
static _Noreturn void
stay(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

static bool
stay_silent(const struct victim *v)
{
	(void)v;
	stay();
}

static bool
stay_after_bye(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_BYE };

	boundary_send(v->boundary, &r);
	stay();
}

static bool
stay_without_boundary(const struct victim *v)
{
	close(v->boundary);
	stay();
}

const struct attack monitor_attacks[] = {
	{ "handover-before-login", hand_over_before_login },
	{ "handover-after-failure", hand_over_after_failure },
	{ "handover-too-much", hand_over_too_much },
	{ "dotlock-request", ask_for_dotlock },
	{ "summary", sum_up },
	{ "lock-busy", blame },
	{ "return", return_to_greeter },
	{ "login-request", ask_to_log_in },
	{ "proof-without-start", prove_without_start },
	{ "fourth-login", try_four_times },
	{ "login-as-root", log_in_as_root },
	{ "login-as-directory", log_in_as_another_directory },
	{ "replay-login", replay_login },
	{ "wrong-size", send_wrong_size },
	{ "too-much", send_too_much },
	{ "unknown-type", send_unknown_type },
	{ "type-0", send_type_0 },
	{ "ask-for-ever", ask_for_ever },
	{ "stay-silent", stay_silent },
	{ "stay-after-bye", stay_after_bye },
	{ "stay-without-boundary", stay_without_boundary },
	{ "leave-tls-answers", leave_answers_about_tls },
	{ "leave-dotlock-answers", leave_answers_about_dotlock },
	{ NULL, NULL },
};
