/*
 * OAUTHBEARER (RFC 7628) and XOAUTH2, the same in an older coat. Runs in the
 * greeter; what a token is worth is PAM's business.
 */
#include "sasl/sasl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authorization.h"
#include "sasl/scram_text.h"

/* RFC 7628 section 3.2.2; what Google's clients expect of XOAUTH2. */
static const char bearer_error[] = "{\"status\":\"invalid_token\"}";
static const char xoauth2_error[] =
    "{\"status\":\"400\",\"schemes\":\"Bearer\"}";

/* RFC 6750 section 2.1, "b64token"; an empty one asks what is wanted. */
static bool
is_token(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/";
	size_t n = strspn(text, letters);

	return text[n + strspn(text + n, "=")] == '\0';
}

/*
 * Finds the value of "key=" among pairs that each end in ^A; the whole ends in
 * another one. NULL where the form is wrong or there is no such pair. Cuts the
 * pairs apart.
 */
static char *
find_value(char *pairs, const char *key)
{
	size_t n = strlen(key);
	char *found = NULL;

	while (*pairs != '\1' && *pairs != '\0') {
		char *end = strchr(pairs, '\1');

		if (end == NULL)
			return NULL;
		*end = '\0';
		if (strncmp(pairs, key, n) == 0 && pairs[n] == '=')
			found = pairs + n + 1;
		pairs = end + 1;
	}
	return strcmp(pairs, "\1") == 0 ? found : NULL;
}

/* The client is shown the error, says something that is of no interest. */
static enum outcome
fail(struct session *s, struct sasl *sasl, const struct reply *reply,
     const char *error)
{
	enum outcome end;

	if (reply->result != LOGIN_DENIED && reply->result != LOGIN_EXPIRED &&
	    reply->result != LOGIN_NO_ACCESS)
		return authorization_conclude(s, reply);
	if (sasl_ask(s, sasl, error, strlen(error), &end))
		return authorization_conclude(s, reply);
	if (end == GO_ON && reply->last != 0) {
		s->reason = END_REFUSED;
		return OVER;
	}
	return end;
}

static enum outcome
try_token(struct session *s, struct sasl *sasl, enum login_method method,
	  const char *user, const char *auth, const char *error)
{
	static const char scheme[] = "Bearer ";
	struct token_request *token = &s->request.token;
	struct reply reply;
	size_t n = strlen(scheme);

	if (auth == NULL || *user == '\0' || strlen(user) > USER_MAX)
		return sasl_refuse(s, "The name or the token is missing");
	if (*auth != '\0' && strncasecmp(auth, scheme, n) != 0)
		return sasl_refuse(s, "Only bearer tokens are known");
	auth += *auth != '\0' ? n : 0;
	if (!is_token(auth))
		return sasl_refuse(s, "The token is wrong");
	if (strlen(auth) > TOKEN_MAX) {
		s->too_long = true;
		return sasl_refuse(s, "The token is too long");
	}
	token->method = method;
	snprintf(token->user, sizeof(token->user), "%s", user);
	snprintf(token->token, sizeof(token->token), "%s", auth);
	s->request.type = REQUEST_TOKEN;
	if (!authorization_ask(s, &reply))
		return OVER;
	return reply.result == LOGIN_OK ? LOGGED_IN
					: fail(s, sasl, &reply, error);
}

enum outcome
sasl_oauthbearer(struct session *s, struct sasl *sasl)
{
	char user[USER_MAX + 1], name[32], *message = sasl->response;
	size_t header = scram_parse_gs2(message, name, sizeof(name), user);

	if (memchr(message, '\0', sasl->len) != NULL || header == 0 ||
	    *name != '\0' || message[header] != '\1')
		return sasl_refuse(s, "The response is not OAUTHBEARER's");
	char *auth = find_value(message + header + 1, "auth");
	return try_token(s, sasl, METHOD_OAUTHBEARER, user, auth, bearer_error);
}

enum outcome
sasl_xoauth2(struct session *s, struct sasl *sasl)
{
	char *message = sasl->response;
	char *end = strchr(message, '\1');

	if (memchr(message, '\0', sasl->len) != NULL || end == NULL ||
	    strncmp(message, "user=", 5) != 0)
		return sasl_refuse(s, "The response is not XOAUTH2's");
	*end = '\0';
	char *auth = find_value(end + 1, "auth");
	return try_token(s, sasl, METHOD_XOAUTH2, message + 5, auth,
			 xoauth2_error);
}
