/*
 * SCRAM-SHA-256 and -PLUS (RFC 5802, 7677) as the greeter sees them: messages.
 * The keys, the nonce and the decision are the monitor's.
 */
#include "sasl/sasl.h"

#include <stdio.h>
#include <string.h>

#include "authorization.h"
#include "sasl/base64.h"
#include "sasl/scram_text.h"

/* NULL, or why the client's idea of channel binding is refused. */
static const char *
wrong_binding(const struct scram_first *f, bool plus)
{
	if (plus != (f->binding == BINDING_USED))
		return "Mechanism and message disagree on channel binding";
	if (plus && strcmp(f->binding_name, "tls-exporter") != 0)
		return "The channel binding is not known; tls-exporter is";
	return NULL;
}

/*
 * The monitor has said no, and its reason to the log. A client that could bind
 * but was told that we cannot hears of that.
 */
static enum outcome
refuse_start(struct session *s, const struct scram_first *first,
	     const struct reply *reply)
{
	if (first->binding != BINDING_UNUSED || !s->bound)
		return authorization_conclude(s, reply);
	sasl_refuse(s, "Channel binding is offered here; somebody told you "
		       "otherwise");
	if (reply->last == 0)
		return GO_ON;
	s->reason = END_REFUSED;
	return OVER;
}

static bool
start(struct session *s, const struct scram_first *f, struct reply *reply)
{
	struct scram_start_request *r = &s->request.scram_start;

	snprintf(r->user, sizeof(r->user), "%s", f->user);
	snprintf(r->gs2, sizeof(r->gs2), "%s", f->gs2);
	snprintf(r->bare, sizeof(r->bare), "%s", f->bare);
	snprintf(r->nonce, sizeof(r->nonce), "%s", f->nonce);
	s->request.type = REQUEST_SCRAM_START;
	return authorization_ask(s, reply);
}

/*
 * The monitor checks the proof over what it knows itself. What the client says
 * of it beside the proof has to be the same, or the proof counts for nothing.
 */
static bool
is_consistent(const struct scram_first *first, const struct scram_final *final,
	      const char *server_first)
{
	uint8_t binding[SCRAM_GS2_MAX + SCRAM_KEY_SIZE];
	size_t nonce = strlen(final->nonce), header = strlen(first->gs2), n;

	if (strncmp(server_first, "r=", 2) != 0 ||
	    strncmp(server_first + 2, final->nonce, nonce) != 0 ||
	    server_first[2 + nonce] != ',')
		return false;
	if (!base64_decode(binding, sizeof(binding), &n, final->binding,
			   strlen(final->binding)))
		return false;
	return n >= header && memcmp(binding, first->gs2, header) == 0 &&
	       (n == header) == (first->binding != BINDING_USED);
}

static bool
prove(struct session *s, const struct scram_final *final, bool consistent,
      struct reply *reply)
{
	struct scram_proof_request *r = &s->request.scram_proof;

	snprintf(r->extensions, sizeof(r->extensions), "%s", final->extensions);
	memcpy(r->proof, final->proof, sizeof(r->proof));
	if (!consistent)
		memset(r->proof, 0, sizeof(r->proof));
	s->request.type = REQUEST_SCRAM_PROOF;
	return authorization_ask(s, reply);
}

/* The client has to agree that we are who we are: by an empty line. */
static enum outcome
show_signature(struct session *s, struct sasl *sasl, const struct reply *reply)
{
	char text[2 + BASE64_SIZE(SCRAM_KEY_SIZE)] = "v=";
	enum outcome end;

	base64_encode(text + 2, reply->signature, sizeof(reply->signature));
	if (sasl_ask(s, sasl, text, strlen(text), &end)) {
		if (sasl->len == 0)
			return LOGGED_IN;
		sasl_refuse(s, "Nothing more was to be said");
	} else if (end == OVER) {
		return OVER;
	}
	s->reason = END_REFUSED;
	return OVER;
}

static enum outcome
exchange(struct session *s, struct sasl *sasl, bool plus)
{
	struct scram_first first;
	struct scram_final final;
	struct reply reply;
	enum outcome end;

	const char *wrong =
	    scram_parse_first(&first, sasl->response, sasl->len);
	if (wrong == NULL)
		wrong = wrong_binding(&first, plus);
	if (wrong != NULL)
		return sasl_refuse(s, wrong);
	if (*first.authzid != '\0' && strcmp(first.authzid, first.user) != 0)
		return sasl_refuse_identity(s);
	if (!start(s, &first, &reply))
		return OVER;
	if (reply.result != LOGIN_OK)
		return refuse_start(s, &first, &reply);
	reply.server_first[SCRAM_SERVER_FIRST_SIZE - 1] = '\0';
	if (!sasl_ask(s, sasl, reply.server_first, strlen(reply.server_first),
		      &end))
		return end;
	wrong = scram_parse_final(&final, sasl->response, sasl->len);
	if (wrong != NULL)
		return sasl_refuse(s, wrong);
	if (!prove(s, &final, is_consistent(&first, &final, reply.server_first),
		   &reply))
		return OVER;
	if (reply.result != LOGIN_OK)
		return authorization_conclude(s, &reply);
	return show_signature(s, sasl, &reply);
}

enum outcome
sasl_scram(struct session *s, struct sasl *sasl)
{
	return exchange(s, sasl, false);
}

enum outcome
sasl_scram_plus(struct session *s, struct sasl *sasl)
{
	return exchange(s, sasl, true);
}
