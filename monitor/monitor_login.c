/*
 * Logins, as the monitor decides them for the greeter: who comes in, how often
 * one may try and how long a failure takes. Runs with the privileges, parses
 * nothing.
 */
#include "monitor/monitor_login.h"

#include <errno.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/wire.h"
#include "monitor/auth_secret.h"
#include "monitor/monitor_answer.h"
#include "sasl/base64.h"
#include "tls/tls_context.h"

enum {
	TRIES_MAX = 3,
	FAILURE_MS = 2500, /* how long each failed login takes, whatever why */
	RANDOM_OCTETS = 18 /* in base64 without padding */
};

static const char oauth_service[] = "pop3d-oauth";

static const char *const methods[METHODS] = {
	[METHOD_PASS] = "PASS",
	[METHOD_APOP] = "APOP",
	[METHOD_PLAIN] = "PLAIN",
	[METHOD_LOGIN] = "LOGIN",
	[METHOD_OAUTHBEARER] = "OAUTHBEARER",
	[METHOD_XOAUTH2] = "XOAUTH2",
	[METHOD_SCRAM] = "SCRAM-SHA-256",
	[METHOD_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
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
	explicit_bzero(&m->scram, sizeof(m->scram));
	m->phase = GREETER;
	user[USER_MAX] = '\0';
	log_session(user, NULL);
	log_method(method < METHODS ? methods[method] : "?");
	/* The greeter was told which was the last; it may be hijacked. */
	return m->tries <= TRIES_MAX && account_name_valid(user);
}

static bool
conclude(struct monitor *m, struct attempt *a, enum login_result r)
{
	static const char *const texts[LOGIN_RESULTS] = {
		[LOGIN_OK] = "",
		[LOGIN_DENIED] = "wrong name or password",
		[LOGIN_NO_ACCESS] = "the account may not log in",
		[LOGIN_TEMPORARY] = "it cannot be checked now",
		[LOGIN_BROKEN] = "it cannot be checked",
	};

	explicit_bzero(&m->request, sizeof(m->request));
	if (r == LOGIN_OK) {
		log_session(m->account.name, NULL);
		m->phase = GREETER_LOGGED_IN;
	} else {
		log_line(LOG_NOTICE, EVENT_LOGIN_FAILED, "login failed: %s",
			 a->why != NULL ? a->why : texts[r]);
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

/* PAM's part and the account; password is NULL where it was checked already. */
static enum login_result
admit(struct monitor *m, const char *service, char *user, const char *password)
{
	enum login_result r = auth_pam_check(
	    &m->auth, m->options, service, user, password, m->connection.peer);

	if (r == LOGIN_OK)
		r = account_find(&m->account, m->options, user);
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
	    login->password[0] != '\0')
		r = admit(m, m->options->pam_service, login->user,
			  login->password);
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
	    may_take_passwords(m) && token->token[0] != '\0')
		r = admit(m, oauth_service, token->user, token->token);
	return conclude(m, &a, r);
}

/* ---- APOP (RFC 1939 section 7) */

static bool
digest_is_right(const struct monitor *m, const struct secret *secret,
		const uint8_t *digest)
{
	uint8_t right[MD5_DIGEST_SIZE];
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, strlen(m->offers.apop),
		   (const uint8_t *)m->offers.apop);
	md5_update(&ctx, strlen(secret->plain), (const uint8_t *)secret->plain);
	md5_digest(&ctx, sizeof(right), right);
	bool same = memeql_sec(right, digest, sizeof(right)) == 1;
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(right, sizeof(right));
	return same && secret->has_plain && m->offers.apop[0] != '\0';
}

bool
monitor_apop(struct monitor *m)
{
	struct apop_request *apop = &m->request.apop;
	enum login_result r = LOGIN_DENIED;
	struct secret secret;
	struct attempt a;

	if (begin(m, &a, METHOD_APOP, apop->user)) {
		r = auth_secret_find(m->options, apop->user, &secret);
		if (r == LOGIN_OK && !digest_is_right(m, &secret, apop->digest))
			r = LOGIN_DENIED;
		explicit_bzero(&secret, sizeof(secret));
	}
	if (r == LOGIN_OK)
		r = admit(m, m->options->pam_service, apop->user, NULL);
	return conclude(m, &a, r);
}

/* ---- SCRAM */

static bool
make_nonce(char *nonce)
{
	uint8_t octets[RANDOM_OCTETS];

	if (!compat_random(octets, sizeof(octets))) {
		log_line(LOG_ERR, EVENT_SETUP, "random numbers: %s",
			 strerror(errno));
		return false;
	}
	base64_encode(nonce, octets, sizeof(octets));
	return true;
}

/* RFC 9266; NULL without TLS, or where TLS has none. */
static const uint8_t *
exporter(const struct monitor *m)
{
	return m->relay.bound ? m->relay.exporter : NULL;
}

/*
 * The end of the connection that the client has to have signed, or that there
 * is none. What a client says that could have been bound, but was not, was
 * talked out of it (RFC 5802 section 6, the flag y).
 */
static bool
bind_channel(const struct monitor *m, struct scram_pending *p)
{
	static const char by_tls[] = "p=tls-exporter,";
	struct scram_exchange *x = &p->exchange;

	p->method = METHOD_SCRAM;
	x->binding = NULL;
	x->binding_len = 0;
	if (x->gs2[0] == 'n')
		return true;
	if (x->gs2[0] == 'y')
		return exporter(m) == NULL;
	p->method = METHOD_SCRAM_PLUS;
	x->binding = exporter(m);
	x->binding_len = SCRAM_KEY_SIZE;
	return x->binding != NULL &&
	       strncmp(x->gs2, by_tls, sizeof(by_tls) - 1) == 0;
}

static enum login_result
challenge(struct monitor *m, struct attempt *a, const char *user,
	  const char *client_nonce)
{
	struct scram_pending *p = &m->scram;
	char nonce[SCRAM_SERVER_NONCE_SIZE];
	struct secret secret;
	enum login_result r = LOGIN_DENIED;

	if (!m->offers.scram)
		return r;
	if (!bind_channel(m, p)) {
		if (p->exchange.gs2[0] == 'y')
			a->why = "the client was told that no channel binding "
				 "is offered";
		return r;
	}
	r = auth_secret_find(m->options, user, &secret);
	if (r == LOGIN_OK && !make_nonce(nonce))
		r = LOGIN_TEMPORARY;
	if (r == LOGIN_OK) {
		snprintf(p->user, sizeof(p->user), "%s", user);
		p->known = secret.known;
		p->keys = secret.keys;
		scram_challenge(&p->exchange, &p->keys, client_nonce, nonce);
	}
	explicit_bzero(&secret, sizeof(secret));
	return r;
}

/*
 * A user who is not there gets a challenge as all others do. It counts as a
 * try at once: one that is not answered is none the less.
 */
bool
monitor_scram_start(struct monitor *m)
{
	struct scram_start_request *start = &m->request.scram_start;
	struct scram_exchange *x = &m->scram.exchange;
	struct attempt a;

	bool valid = begin(m, &a, METHOD_SCRAM, start->user);
	start->gs2[SCRAM_GS2_MAX] = start->bare[SCRAM_BARE_MAX] =
	    start->nonce[SCRAM_NONCE_MAX] = '\0';
	snprintf(x->gs2, sizeof(x->gs2), "%s", start->gs2);
	snprintf(x->bare, sizeof(x->bare), "%s", start->bare);
	enum login_result r = m->tries > TRIES_MAX
				  ? LOGIN_DENIED
				  : challenge(m, &a, start->user, start->nonce);
	if (r != LOGIN_OK)
		return conclude(m, &a, r);
	m->scram.known = m->scram.known && valid;
	m->phase = GREETER_SCRAM;
	log_method(methods[m->scram.method]);
	explicit_bzero(&m->request, sizeof(m->request));
	snprintf(a.reply.server_first, sizeof(a.reply.server_first), "%s",
		 x->server_first);
	a.reply.result = LOGIN_OK;
	return monitor_answer(m, &a.reply);
}

bool
monitor_scram_proof(struct monitor *m)
{
	struct scram_proof_request *proof = &m->request.scram_proof;
	struct scram_pending *p = &m->scram;
	enum login_result r = LOGIN_DENIED;
	char user[USER_MAX + 1];
	struct attempt a = { .start = now_ms(),
			     .reply.last = m->tries >= TRIES_MAX };

	proof->extensions[SCRAM_EXTENSIONS_MAX] = '\0';
	snprintf(p->exchange.extensions, sizeof(p->exchange.extensions), "%s",
		 proof->extensions);
	snprintf(user, sizeof(user), "%s", p->user);
	bool right = scram_verify(&p->exchange, &p->keys, proof->proof,
				  a.reply.signature);
	if (right && p->known)
		r = admit(m, m->options->pam_service, user, NULL);
	if (r != LOGIN_OK)
		memset(a.reply.signature, 0, sizeof(a.reply.signature));
	explicit_bzero(p, sizeof(*p));
	m->phase = GREETER;
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
	if (!make_nonce(nonce) || gethostname(host, sizeof(host)) != 0)
		return;
	host[sizeof(host) - 1] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(timestamp, size, "<%d.%lld.%s@%s>", (int)getpid(),
		 (long long)now.tv_sec, nonce, host);
}

/* For STLS; with implicit TLS there is nothing to offer. */
static bool
has_certificate(const struct options *o)
{
	static struct tls_files files;

	if (o->tls == TLS_OFF || o->tls == TLS_IMPLICIT)
		return false;
	if (tls_files_find(&files, o))
		return true;
	if (o->tls == TLS_STARTTLS)
		log_line(LOG_ERR, EVENT_SETUP,
			 "no STLS: there is no certificate that can be read");
	return false;
}

void
monitor_prepare_offers(struct monitor *m)
{
	bool apop;

	auth_secret_survey(m->options, &m->offers.scram, &apop);
	if (apop)
		make_timestamp(m->offers.apop, sizeof(m->offers.apop));
	m->offers.oauth = auth_pam_has_service(m->options, oauth_service);
	m->offers.stls = has_certificate(m->options);
}
