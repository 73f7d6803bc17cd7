/*
 * Logins, as the monitor decides them for the greeter: who comes in, how often
 * one may try and how long a failure takes. Runs with the privileges, parses
 * nothing.
 */
#include "monitor/monitor_login.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth_pam.h"
#include "base/fold.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/wire.h"
#include "monitor/monitor_answer.h"
#include "monitor/monitor_tls.h"
#include "monitor/scram.h"

enum {
	TRIES_MAX = 3,
	FAILURE_MS = 2500 /* how long each failed login takes, whatever why */
};

/* Until FAILURE_MS after start; a slow module makes it no longer. */
static void
delay_failure(long long start)
{
	long long left = start + FAILURE_MS - now_ms();

	if (left <= 0)
		return;
	struct timespec t = timespec_of_ms(left);
	ppoll(NULL, 0, &t, signals_while_waiting());
}

/* ---- what is common to all ways in */

/* One try: from its start to the reply. */
struct attempt {
	long long start; /* in now_ms */
	const char *why; /* it failed; NULL: what the result says */
	struct answer answer;
	struct reply reply;
};

/*
 * Counts it, and says in the log whose it is. False where nothing is to be
 * looked up: for a name that nobody has, or after too many tries.
 */
static bool
begin(struct monitor *m, struct attempt *a, uint32_t method, char *user)
{
	memset(a, 0, sizeof(*a));
	a->start = now_ms();
	a->reply.last = ++m->tries >= TRIES_MAX;
	m->phase = GREETER;
	user[USER_MAX] = '\0';
	if (m->options->fold_names)
		fold_name(user);
	log_session(user, NULL);
	live_set(m->live.facts->user, sizeof(m->live.facts->user), user);
	log_method(login_method_name(method));
	/* The greeter was told which was the last; it may be hijacked. */
	return m->tries <= TRIES_MAX && account_name_valid(user);
}

static bool
conclude(struct monitor *m, struct attempt *a, enum login_result r)
{
	static const char *const texts[LOGIN_RESULTS] = {
		[LOGIN_OK] = "",
		[LOGIN_DENIED] = "wrong name or password",
		[LOGIN_EXPIRED] = "the password has expired",
		[LOGIN_NO_ACCESS] = "the account may not log in",
		[LOGIN_TEMPORARY] = "it cannot be checked now",
		[LOGIN_BROKEN] = "it cannot be checked",
		[LOGIN_NO_ROOM] = "the state directory's file system is full",
		[LOGIN_NO_STATE] = "the state directory cannot be used",
	};
	const char *words = a->answer.words;

	boundary_wipe(&m->request);
	if (r == LOGIN_OK) {
		log_session(m->account.name, NULL);
		live_set(m->live.facts->user, sizeof(m->live.facts->user),
			 m->account.name);
		m->phase = GREETER_LOGGED_IN;
	} else {
		log_line(LOG_NOTICE, EVENT_LOGIN_FAILED,
			 "login failed: %s%s%s%s",
			 a->why != NULL ? a->why : texts[r],
			 *words != '\0' ? " (PAM: " : "", words,
			 *words != '\0' ? ")" : "");
		m->failed = true;
		delay_failure(a->start);
	}
	/* How long it has taken is nothing that the greeter can help. */
	m->greeter_end += now_ms() - a->start;
	a->reply.result = r;
	bool sent = monitor_answer(m, &a->reply);
	explicit_bzero(a, sizeof(*a));
	return sent && m->tries <= TRIES_MAX;
}

/* Whom PAM has let in: the account, and PAM's session. */
static enum login_result
admit(struct monitor *m, const char *user)
{
	struct answer answer;
	enum login_result r = account_find(&m->account, m->options, user);

	if (r == LOGIN_OK)
		r = account_make_state_dir(&m->account, m->options);
	if (r == LOGIN_OK) {
		authenticator_question(&m->authenticator, ASK_OPEN, 0);
		r = authenticator_ask(&m->authenticator, &answer);
	}
	if (r == LOGIN_OK)
		m->attributes = answer.attributes;
	else
		authenticator_close(&m->authenticator);
	return r;
}

/* Asks what may let somebody in. */
static enum login_result
ask(struct monitor *m, struct attempt *a)
{
	enum login_result r = authenticator_ask(&m->authenticator, &a->answer);

	return r == LOGIN_OK ? admit(m, a->answer.user) : r;
}

/* ---- passwords and tokens */

/* What an honest greeter has refused before. */
static bool
may_take_passwords(const struct monitor *m)
{
	return connection_keeps_passwords(&m->connection, m->options);
}

bool
monitor_login(struct monitor *m)
{
	struct login_request *login = &m->request.login;
	enum login_result r = LOGIN_DENIED;
	struct attempt a;

	login->password[PASSWORD_MAX] = '\0';
	if (begin(m, &a, login->method, login->user) && may_take_passwords(m) &&
	    login->password[0] != '\0') {
		authenticator_question(&m->authenticator, ASK_PASSWORD,
				       login->method)
		    ->login = *login;
		r = ask(m, &a);
	}
	return conclude(m, &a, r);
}

bool
monitor_token(struct monitor *m)
{
	struct token_request *token = &m->request.token;
	enum login_result r = LOGIN_DENIED;
	struct attempt a;

	token->token[TOKEN_MAX] = '\0';
	if (begin(m, &a, token->method, token->user) && m->offers.oauth &&
	    may_take_passwords(m) && token->token[0] != '\0') {
		authenticator_question(&m->authenticator, ASK_TOKEN,
				       token->method)
		    ->token = *token;
		r = ask(m, &a);
	}
	return conclude(m, &a, r);
}

/* ---- APOP (RFC 1939 section 7) */

bool
monitor_apop(struct monitor *m)
{
	enum login_result r = LOGIN_DENIED;
	struct question *q;
	struct attempt a;

	if (begin(m, &a, METHOD_APOP, m->request.apop.user)) {
		q = authenticator_question(&m->authenticator, ASK_APOP,
					   METHOD_APOP);
		q->apop.request = m->request.apop;
		memcpy(q->apop.timestamp, m->offers.apop,
		       sizeof(q->apop.timestamp));
		r = ask(m, &a);
	}
	return conclude(m, &a, r);
}

/* ---- SCRAM */

/*
 * It counts as a try at once: one that is not answered is none the less. The
 * name of nobody is asked about as all others are.
 */
bool
monitor_scram_start(struct monitor *m)
{
	struct scram_start_request *start = &m->request.scram_start;
	uint32_t method =
	    start->gs2[0] == 'p' ? METHOD_SCRAM_PLUS : METHOD_SCRAM;
	struct question *q =
	    authenticator_question(&m->authenticator, ASK_SCRAM_START, method);
	enum login_result r = LOGIN_DENIED;
	struct attempt a;

	q->invalid = !begin(m, &a, method, start->user);
	start->gs2[SCRAM_GS2_MAX] = start->bare[SCRAM_BARE_MAX] =
	    start->nonce[SCRAM_NONCE_MAX] = '\0';
	q->scram_start.request = *start;
	q->scram_start.bound = m->relay.bound;
	memcpy(q->scram_start.exporter, m->relay.exporter,
	       sizeof(q->scram_start.exporter));
	if (m->offers.scram && m->tries <= TRIES_MAX)
		r = authenticator_ask(&m->authenticator, &a.answer);
	if (r == LOGIN_DENIED && start->gs2[0] == 'y' && m->relay.bound)
		a.why = "the client was told that no channel binding is "
			"offered";
	if (r != LOGIN_OK)
		return conclude(m, &a, r);
	m->phase = GREETER_SCRAM;
	boundary_wipe(&m->request);
	memcpy(a.reply.server_first, a.answer.server_first,
	       sizeof(a.reply.server_first));
	a.reply.result = LOGIN_OK;
	return monitor_answer(m, &a.reply);
}

bool
monitor_scram_proof(struct monitor *m)
{
	struct scram_proof_request *proof = &m->request.scram_proof;
	struct attempt a = { .start = now_ms(),
			     .reply.last = m->tries >= TRIES_MAX };

	proof->extensions[SCRAM_EXTENSIONS_MAX] = '\0';
	authenticator_question(&m->authenticator, ASK_SCRAM_PROOF, 0)
	    ->scram_proof = *proof;
	m->phase = GREETER;
	enum login_result r = ask(m, &a);
	if (r == LOGIN_OK)
		memcpy(a.reply.signature, a.answer.signature,
		       sizeof(a.reply.signature));
	return conclude(m, &a, r);
}

/* ---- what there is */

/* "<process.clock.random@host>" (RFC 1939 section 7); "" without luck. */
static void
make_timestamp(char *timestamp, size_t size)
{
	char host[256], nonce[SCRAM_SERVER_NONCE_SIZE];
	struct timespec now;

	timestamp[0] = '\0';
	if (!scram_nonce(nonce) || gethostname(host, sizeof(host)) != 0)
		return;
	host[sizeof(host) - 1] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(timestamp, size, "<%d.%lld.%s@%s>", (int)getpid(),
		 (long long)now.tv_sec, nonce, host);
}

/* Only the authenticator looks into the secrets, where there are any. */
static void
survey_secrets(struct monitor *m)
{
	struct answer answer;

	authenticator_question(&m->authenticator, ASK_SURVEY, 0);
	if (m->options->secrets == NULL ||
	    access(m->options->secrets, F_OK) != 0 ||
	    !authenticator_start(&m->authenticator, m->options,
				 m->connection.peer) ||
	    authenticator_ask(&m->authenticator, &answer) != LOGIN_OK)
		return;
	m->offers.scram = answer.survey.scram != 0;
	if (answer.survey.apop != 0)
		make_timestamp(m->offers.apop, sizeof(m->offers.apop));
}

void
monitor_prepare_offers(struct monitor *m)
{
	survey_secrets(m);
	m->offers.oauth =
	    auth_pam_has_service(m->options, authenticator_oauth_service);
	m->offers.stls = monitor_tls_possible(m->options);
}
