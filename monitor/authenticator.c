/*
 * Asks PAM and the secrets file. Runs in a process of its own, with root's
 * rights; parses nothing but the secrets file, and knows nothing of POP3.
 */
#include "monitor/authenticator.h"

#include <errno.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth_pam.h"
#include "base/compat.h"
#include "base/log.h"
#include "monitor/auth_secret.h"
#include "monitor/scram.h"
#include "sandbox/descriptors.h"

const char authenticator_oauth_service[] = "pop3d-oauth";

/* A SCRAM exchange, from its challenge to its answer. */
struct scram_pending {
	bool known; /* whether the keys are anyone's */
	char user[USER_MAX + 1];
	struct scram_keys keys;
	struct scram_exchange exchange;
	uint8_t exporter[SCRAM_KEY_SIZE];
};

struct authenticator {
	const struct options *options;
	const char *rhost;
	struct auth_pam *pam; /* of who was let in */
	struct scram_pending scram;
	struct question question;
	struct answer answer;
};

/* ---- PAM */

/* password is NULL where it was checked already. */
static enum login_result
ask_pam(struct authenticator *a, const char *service, const char *user,
	const char *password)
{
	char *name = a->answer.user;

	snprintf(name, USER_MAX + 1, "%s", user);
	auth_pam_end(a->pam);
	return auth_pam_check(&a->pam, a->options, service, name, password,
			      a->rhost, a->answer.words);
}

static enum login_result
on_password(struct authenticator *a)
{
	const struct login_request *login = &a->question.login;

	return ask_pam(a, a->options->pam_service, login->user,
		       login->password);
}

static enum login_result
on_token(struct authenticator *a)
{
	const struct token_request *token = &a->question.token;

	return ask_pam(a, authenticator_oauth_service, token->user,
		       token->token);
}

static enum login_result
on_open(struct authenticator *a)
{
	if (a->pam == NULL || !auth_pam_open(a->pam))
		return LOGIN_BROKEN;
	attributes_read(&a->answer.attributes);
	return LOGIN_OK;
}

static enum login_result
on_close(struct authenticator *a)
{
	auth_pam_end(a->pam);
	a->pam = NULL;
	return LOGIN_OK;
}

/* ---- the secrets file */

static enum login_result
on_survey(struct authenticator *a)
{
	bool scram, apop;

	auth_secret_survey(a->options, &scram, &apop);
	a->answer.survey.scram = scram;
	a->answer.survey.apop = apop;
	return LOGIN_OK;
}

/* APOP (RFC 1939 section 7) */
static bool
digest_is_right(const char *timestamp, const struct secret *secret,
		const uint8_t *digest)
{
	uint8_t right[MD5_DIGEST_SIZE];
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, strlen(timestamp), (const uint8_t *)timestamp);
	md5_update(&ctx, strlen(secret->plain), (const uint8_t *)secret->plain);
	md5_digest(&ctx, sizeof(right), right);
	bool same = memeql_sec(right, digest, sizeof(right)) == 1;
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(right, sizeof(right));
	return same && secret->has_plain && timestamp[0] != '\0';
}

static enum login_result
on_apop(struct authenticator *a)
{
	const struct apop_request *apop = &a->question.apop.request;
	struct secret secret;
	enum login_result r = auth_secret_find(a->options, apop->user, &secret);

	if (r == LOGIN_OK &&
	    !digest_is_right(a->question.apop.timestamp, &secret, apop->digest))
		r = LOGIN_DENIED;
	explicit_bzero(&secret, sizeof(secret));
	if (r == LOGIN_OK)
		r = ask_pam(a, a->options->pam_service, apop->user, NULL);
	return r;
}

/*
 * The end of the connection that the client has to have signed, or that there
 * is none. What a client says that could have been bound, but was not, was
 * talked out of it (RFC 5802 section 6, the flag y).
 */
static bool
bind_channel(struct scram_exchange *x, const uint8_t *exporter)
{
	static const char by_tls[] = "p=tls-exporter,";

	x->binding = NULL;
	x->binding_len = 0;
	if (x->gs2[0] == 'n')
		return true;
	if (x->gs2[0] == 'y')
		return exporter == NULL;
	x->binding = exporter; /* RFC 9266 */
	x->binding_len = SCRAM_KEY_SIZE;
	return exporter != NULL &&
	       strncmp(x->gs2, by_tls, sizeof(by_tls) - 1) == 0;
}

static enum login_result
challenge(struct authenticator *a, const char *user, const char *client_nonce)
{
	struct scram_pending *p = &a->scram;
	char nonce[SCRAM_SERVER_NONCE_SIZE];
	struct secret secret;
	enum login_result r = auth_secret_find(a->options, user, &secret);

	if (r == LOGIN_OK && !scram_nonce(nonce))
		r = LOGIN_TEMPORARY;
	if (r == LOGIN_OK) {
		snprintf(p->user, sizeof(p->user), "%s", user);
		p->known = secret.known && a->question.invalid == 0;
		p->keys = secret.keys;
		scram_challenge(&p->exchange, &p->keys, client_nonce, nonce);
	}
	explicit_bzero(&secret, sizeof(secret));
	return r;
}

/* A user who is not there gets a challenge as all others do. */
static enum login_result
on_scram_start(struct authenticator *a)
{
	const struct scram_start_request *start =
	    &a->question.scram_start.request;
	struct scram_pending *p = &a->scram;
	struct scram_exchange *x = &p->exchange;

	explicit_bzero(p, sizeof(*p));
	snprintf(x->gs2, sizeof(x->gs2), "%s", start->gs2);
	snprintf(x->bare, sizeof(x->bare), "%s", start->bare);
	memcpy(p->exporter, a->question.scram_start.exporter,
	       sizeof(p->exporter));
	if (!bind_channel(x, a->question.scram_start.bound != 0 ? p->exporter
								: NULL))
		return LOGIN_DENIED;
	enum login_result r = challenge(a, start->user, start->nonce);
	if (r == LOGIN_OK)
		snprintf(a->answer.server_first, sizeof(a->answer.server_first),
			 "%s", x->server_first);
	return r;
}

static enum login_result
on_scram_proof(struct authenticator *a)
{
	const struct scram_proof_request *proof = &a->question.scram_proof;
	struct scram_pending *p = &a->scram;
	enum login_result r = LOGIN_DENIED;

	snprintf(p->exchange.extensions, sizeof(p->exchange.extensions), "%s",
		 proof->extensions);
	bool right = scram_verify(&p->exchange, &p->keys, proof->proof,
				  a->answer.signature);
	if (right && p->known)
		r = ask_pam(a, a->options->pam_service, p->user, NULL);
	if (r != LOGIN_OK)
		memset(a->answer.signature, 0, sizeof(a->answer.signature));
	explicit_bzero(p, sizeof(*p));
	return r;
}

/* ---- the loop */

static enum login_result (*const handlers[QUESTION_TYPES])(
    struct authenticator *a) = {
	[ASK_SURVEY] = on_survey,
	[ASK_PASSWORD] = on_password,
	[ASK_TOKEN] = on_token,
	[ASK_APOP] = on_apop,
	[ASK_SCRAM_START] = on_scram_start,
	[ASK_SCRAM_PROOF] = on_scram_proof,
	[ASK_OPEN] = on_open,
	[ASK_CLOSE] = on_close,
};

#define SIZE_WITH(member)                    \
	(offsetof(struct question, member) + \
	 sizeof(((struct question *)NULL)->member))

size_t
question_size(uint32_t type)
{
	switch (type) {
	case ASK_PASSWORD:
		return SIZE_WITH(login);
	case ASK_TOKEN:
		return SIZE_WITH(token);
	case ASK_APOP:
		return SIZE_WITH(apop);
	case ASK_SCRAM_START:
		return SIZE_WITH(scram_start);
	case ASK_SCRAM_PROOF:
		return SIZE_WITH(scram_proof);
	default:
		return SIZE_WITH(invalid);
	}
}

/* Whose lines in the log these are. */
static void
name_session(const struct question *q)
{
	const char *user = NULL;

	switch (q->type) {
	case ASK_PASSWORD:
		user = q->login.user;
		break;
	case ASK_TOKEN:
		user = q->token.user;
		break;
	case ASK_APOP:
		user = q->apop.request.user;
		break;
	case ASK_SCRAM_START:
		user = q->scram_start.request.user;
		break;
	default:
		return;
	}
	log_session(user, NULL);
	log_method(login_method_name(q->method));
}

static bool
answer_one(struct authenticator *a, int fd)
{
	struct question *q = &a->question;
	ssize_t n = TEMP_FAILURE_RETRY(recv(fd, q, sizeof(*q), MSG_TRUNC));

	if (n < (ssize_t)sizeof(q->type) || q->type >= QUESTION_TYPES ||
	    handlers[q->type] == NULL || (size_t)n != question_size(q->type))
		return false;
	memset(&a->answer, 0, sizeof(a->answer));
	name_session(q);
	a->answer.result = handlers[q->type](a);
	explicit_bzero(q, (size_t)n);
	return send(fd, &a->answer, sizeof(a->answer), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(a->answer);
}

void
authenticator_run(const struct options *o, const char *rhost, int fd)
{
	static struct authenticator a;
	const int kept[] = { fd, STDERR_FILENO };
	bool ok = descriptors_keep(kept, 2);

	log_restart();
	a.options = o;
	a.rhost = rhost;
	while (ok && answer_one(&a, fd))
		;
	auth_pam_end(a.pam);
}
