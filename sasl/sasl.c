/*
 * AUTH (RFC 5034), with PLAIN (RFC 4616) and LOGIN. Runs in the greeter: it
 * takes apart what strangers send, and the monitor decides.
 */
#include "sasl/sasl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authorization.h"
#include "sasl/base64.h"

/* ---- lines */

enum outcome
sasl_refuse(struct session *s, const char *what)
{
	stream_printf(&s->stream, "-ERR AUTH: %s", what);
	return GO_ON;
}

enum outcome
sasl_refuse_identity(struct session *s)
{
	stream_printf(&s->stream, "-ERR [AUTH] Nobody may act for another "
				  "user.");
	return GO_ON;
}

static bool
decode(struct sasl *sasl, char *text, size_t len)
{
	bool ok =
	    base64_decode(sasl->response, RESPONSE_MAX, &sasl->len, text, len);

	explicit_bzero(text, len);
	sasl->response[ok ? sasl->len : 0] = '\0';
	return ok;
}

/* A challenge has no limit of its own, and must not be cut: "+ ", base64. */
static void
send_challenge(struct session *s, const void *challenge, size_t len)
{
	char text[BASE64_SIZE(SCRAM_SERVER_FIRST_SIZE)];

	base64_encode(text, challenge, len);
	stream_write(&s->stream, "+ ", 2);
	stream_write(&s->stream, text, strlen(text));
	stream_write(&s->stream, "\r\n", 2);
}

bool
sasl_ask(struct session *s, struct sasl *sasl, const void *challenge,
	 size_t len, enum outcome *outcome)
{
	char *line;
	size_t n;

	send_challenge(s, challenge, len);
	s->stream.long_prefix = "";
	*outcome = session_getline(s, &line, &n);
	s->stream.long_prefix = s->commands->long_prefix;
	if (*outcome != GO_ON || line == NULL)
		return false;
	if (n == 1 && *line == '*')
		*outcome = sasl_refuse(s, "Cancelled");
	else if (!decode(sasl, line, n))
		*outcome = sasl_refuse(s, "The response is not base64");
	else
		return true;
	return false;
}

/* ---- PLAIN and LOGIN */

/* Takes the string up to the next NUL. */
static const char *
take(const char **at, const char *end)
{
	const char *start = *at;
	const char *nul = memchr(start, '\0', (size_t)(end - start));

	if (nul == NULL)
		return NULL;
	*at = nul + 1;
	return start;
}

static enum outcome
try_password(struct session *s, enum login_method method, const char *user,
	     const char *password)
{
	struct login_request *login = &s->request.login;

	login->method = method;
	snprintf(login->user, sizeof(login->user), "%.*s", USER_MAX, user);
	snprintf(login->password, sizeof(login->password), "%.*s", PASSWORD_MAX,
		 password);
	s->request.type = REQUEST_LOGIN;
	return authorization_log_in(s);
}

static enum outcome
sasl_plain(struct session *s, struct sasl *sasl)
{
	const char *at = sasl->response, *end = at + sasl->len;
	const char *authzid = take(&at, end);
	const char *user = authzid == NULL ? NULL : take(&at, end);
	size_t len = (size_t)(end - at);

	if (user == NULL || memchr(at, '\0', len) != NULL)
		return sasl_refuse(s, "The response is not PLAIN's");
	if (*user == '\0' || strlen(user) > USER_MAX || len == 0 ||
	    len > PASSWORD_MAX)
		return sasl_refuse(s, "The name or the password is missing or "
				      "too long");
	if (*authzid != '\0' && strcmp(authzid, user) != 0)
		return sasl_refuse_identity(s);
	return try_password(s, METHOD_PLAIN, user, at);
}

static bool
is_string(const struct sasl *sasl, size_t max)
{
	return sasl->len > 0 && sasl->len <= max &&
	       memchr(sasl->response, '\0', sasl->len) == NULL;
}

static const char ask_name[] = "Username:", ask_password[] = "Password:";

static enum outcome
sasl_login(struct session *s, struct sasl *sasl)
{
	char user[USER_MAX + 1];
	enum outcome end;

	if (!is_string(sasl, USER_MAX))
		return sasl_refuse(s, "The name is missing or too long");
	snprintf(user, sizeof(user), "%.*s", USER_MAX, sasl->response);
	if (!sasl_ask(s, sasl, ask_password, strlen(ask_password), &end))
		return end;
	if (!is_string(sasl, PASSWORD_MAX))
		return sasl_refuse(s, "The password is missing or too long");
	return try_password(s, METHOD_LOGIN, user, sasl->response);
}

/* ---- the command */

static bool
scram_possible(const struct session *s)
{
	return s->offers->scram;
}

static bool
binding_possible(const struct session *s)
{
	return s->offers->scram && s->bound;
}

static bool
oauth_possible(const struct session *s)
{
	return s->offers->oauth;
}

static bool
always_possible(const struct session *s)
{
	(void)s;
	return true;
}

/* The best ones first: some clients take the first that they know. */
static const struct mechanism {
	const char *name;
	bool (*possible)(const struct session *s);
	const char *question; /* where no initial response came */
	bool needs_secrecy;   /* it sends what opens the mailbox */
	enum outcome (*run)(struct session *s, struct sasl *sasl);
	/* who that is, of those that need secrecy */
	void (*find_name)(const struct sasl *sasl, char *user);
} mechanisms[] = {
	{ "SCRAM-SHA-256-PLUS", binding_possible, "", false, sasl_scram_plus,
	  NULL },
	{ "SCRAM-SHA-256", scram_possible, "", false, sasl_scram, NULL },
	{ "OAUTHBEARER", oauth_possible, "", true, sasl_oauthbearer,
	  sasl_name_oauthbearer },
	{ "XOAUTH2", oauth_possible, "", true, sasl_xoauth2,
	  sasl_name_xoauth2 },
	{ "PLAIN", always_possible, "", true, sasl_plain, sasl_name_plain },
	{ "LOGIN", always_possible, ask_name, true, sasl_login,
	  sasl_name_login },
};
enum { MECHANISMS = sizeof(mechanisms) / sizeof(mechanisms[0]) };

void
sasl_list(struct session *s, enum sasl_form form)
{
	char line[STREAM_LINE_MAX] = "SASL";
	size_t used = strlen(line);

	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!mechanisms[i].possible(s) ||
		    (mechanisms[i].needs_secrecy && !plaintext_allowed(s)))
			continue;
		if (form == AUTH_LIST)
			stream_printf(&s->stream, "%s", mechanisms[i].name);
		else
			used +=
			    (size_t)snprintf(line + used, sizeof(line) - used,
					     " %s", mechanisms[i].name);
	}
	if (form == CAPA_LINE && strcmp(line, "SASL") != 0)
		stream_printf(&s->stream, "%s", line);
}

static const struct mechanism *
find_mechanism(const char *name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (strcasecmp(mechanisms[i].name, name) == 0)
			return &mechanisms[i];
	return NULL;
}

/* The response that came with the command, or the one that is asked for. */
static bool
first_response(struct session *s, struct sasl *sasl, char *initial,
	       const char *question, enum outcome *outcome)
{
	if (initial == NULL)
		return sasl_ask(s, sasl, question, strlen(question), outcome);
	sasl->len = 0;
	sasl->response[0] = '\0';
	if (strcmp(initial, "=") == 0)
		return true;
	*outcome = GO_ON;
	if (decode(sasl, initial, strlen(initial)))
		return true;
	sasl_refuse(s, "The initial response is not base64");
	return false;
}

/* One that came without being asked for has been overheard already. */
static enum outcome
refuse_response(struct session *s, struct sasl *sasl, const struct mechanism *m,
		char *initial)
{
	char user[USER_MAX + 1] = "";

	if (initial != NULL && decode(sasl, initial, strlen(initial)))
		m->find_name(sasl, user);
	explicit_bzero(sasl, sizeof(*sasl));
	return refuse_plaintext(s, user);
}

enum outcome
command_auth(struct session *s, const struct arguments *a)
{
	enum outcome outcome = GO_ON;
	struct sasl sasl = { .len = 0 };

	if (a->text == NULL) {
		stream_printf(&s->stream, "+OK Mechanisms follow");
		sasl_list(s, AUTH_LIST);
		stream_printf(&s->stream, ".");
		return GO_ON;
	}
	const struct mechanism *m = find_mechanism(a->text);
	if (m == NULL)
		return sasl_refuse(s, "The mechanism is not known");
	if (m->needs_secrecy && !plaintext_allowed(s))
		return refuse_response(s, &sasl, m, a->more);
	if (!m->possible(s))
		return sasl_refuse(s, "The mechanism is not possible here");
	if (first_response(s, &sasl, a->more, m->question, &outcome))
		outcome = m->run(s, &sasl);
	explicit_bzero(&sasl, sizeof(sasl));
	return outcome;
}
