/*
 * The greeter's commands. This process parses strangers' bytes, so it has no
 * file, no uid worth having and no log: it can only ask the monitor.
 */
#include "authorization.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/*
 * Seconds: until a silent stranger is sent away, and until one is who does not
 * log in, whatever he does. The tests are built with shorter ones.
 */
#ifndef SILENCE_SECONDS
#define SILENCE_SECONDS 60
#define LOGIN_SECONDS 180
#endif

bool
plaintext_allowed(const struct session *s)
{
	return connection_keeps_passwords(s->connection, s->options);
}

enum outcome
refuse_plaintext(struct session *s, const char *user)
{
	s->plaintext_refused = true;
	if (user != NULL && *user != '\0')
		snprintf(s->refused_user, sizeof(s->refused_user), "%s", user);
	stream_printf(&s->stream,
		      "-ERR [AUTH] No password is taken without TLS: use %s",
		      stls_possible(s) ? "STLS first" : "port 995, if any");
	return GO_ON;
}

enum outcome
command_user(struct session *s, const struct arguments *a)
{
	struct login_request *login = &s->request.login;
	char told[USER_MAX + 1];

	if (!plaintext_allowed(s))
		return refuse_plaintext(s, a->text);
	if (strlen(a->text) > USER_MAX) {
		stream_printf(&s->stream, "-ERR USER: The name is too long");
		return GO_ON;
	}
	s->name_accepted = true;
	snprintf(login->user, sizeof(login->user), "%s", a->text);
	stream_printf(&s->stream, "+OK Password required for %s.",
		      session_told(told, a->text));
	return GO_ON;
}

static enum outcome
fail_login(struct session *s, const struct reply *reply)
{
	static const char *const texts[LOGIN_RESULTS] = {
		[LOGIN_OK] = "",
		[LOGIN_DENIED] = "[AUTH] Wrong name or password.",
		[LOGIN_EXPIRED] = ("[AUTH] Your password has expired; set a "
				   "new one, or ask the administrator."),
		[LOGIN_NO_ACCESS] = "[AUTH] This account may not log in.",
		[LOGIN_TEMPORARY] =
		    "[SYS/TEMP] Passwords cannot be checked now.",
		[LOGIN_BROKEN] = ("[SYS/PERM] Passwords cannot be checked; "
				  "tell the administrator."),
		[LOGIN_NO_ROOM] = ("[SYS/TEMP] The disk of the server's state "
				   "directory is full; tell the "
				   "administrator."),
		[LOGIN_NO_STATE] = ("[SYS/PERM] Your state directory on the "
				    "server cannot be used; tell the "
				    "administrator."),
	};

	stream_printf(&s->stream, "-ERR %s", texts[reply->result]);
	if (reply->last == 0)
		return GO_ON;
	s->reason = END_REFUSED;
	return OVER;
}

bool
authorization_ask(struct session *s, struct reply *reply)
{
	bool answered = boundary_ask(s->monitor, &s->request, reply);

	boundary_wipe(&s->request);
	if (answered && reply->result < LOGIN_RESULTS)
		return true;
	stream_printf(&s->stream, "-ERR [SYS/TEMP] Internal error.");
	s->reason = END_FAULT;
	return false;
}

enum outcome
authorization_conclude(struct session *s, const struct reply *reply)
{
	return reply->result == LOGIN_OK ? LOGGED_IN : fail_login(s, reply);
}

enum outcome
authorization_log_in(struct session *s)
{
	struct reply reply;

	return authorization_ask(s, &reply) ? authorization_conclude(s, &reply)
					    : OVER;
}

enum outcome
command_pass(struct session *s, const struct arguments *a)
{
	struct login_request *login = &s->request.login;

	if (!plaintext_allowed(s)) {
		explicit_bzero(a->text, strlen(a->text));
		return refuse_plaintext(s, NULL);
	}
	if (!s->user_given) {
		stream_printf(&s->stream, "-ERR PASS: USER comes first");
		return GO_ON;
	}
	snprintf(login->password, sizeof(login->password), "%s", a->text);
	explicit_bzero(a->text, strlen(a->text));
	login->method = METHOD_PASS;
	s->request.type = REQUEST_LOGIN;
	return authorization_log_in(s);
}

/* 32 digits, lower case (RFC 1939 section 7). */
static bool
parse_digest(uint8_t *digest, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != 2 * APOP_DIGEST_SIZE ||
	    strspn(text, digits) != 2 * APOP_DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < APOP_DIGEST_SIZE; i++)
		digest[i] =
		    (uint8_t)((strchr(digits, text[2 * i]) - digits) * 16 +
			      (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}

enum outcome
command_apop(struct session *s, const struct arguments *a)
{
	struct apop_request *apop = &s->request.apop;

	if (s->offers->apop[0] == '\0') {
		stream_printf(&s->stream, "-ERR APOP is not offered here");
		return GO_ON;
	}
	if (strlen(a->text) > USER_MAX ||
	    !parse_digest(apop->digest, a->more)) {
		stream_printf(&s->stream,
			      "-ERR APOP: A name and a digest are needed");
		return GO_ON;
	}
	snprintf(apop->user, sizeof(apop->user), "%s", a->text);
	s->request.type = REQUEST_APOP;
	return authorization_log_in(s);
}

/* ---- STLS (RFC 2595 section 4) */

bool
stls_possible(const struct session *s)
{
	return s->state == AUTHORIZATION && s->offers->stls &&
	       !s->connection->tls;
}

/* Waits until the relay has agreed with the client on keys. */
static bool
finish_handshake(struct session *s)
{
	struct reply reply;

	s->request.type = REQUEST_HANDSHAKE;
	if (!boundary_ask(s->monitor, &s->request, &reply) ||
	    reply.result != TLS_OK) {
		s->reason = END_REFUSED; /* there is no way to say so */
		return false;
	}
	s->bound = reply.bound != 0;
	return true;
}

/* What the client has said before is forgotten, what it is about to say too. */
static void
start_over(struct session *s, int plain)
{
	static struct connection secure;

	stream_printf(&s->stream, "+OK Begin TLS negotiation");
	stream_flush(&s->stream);
	close(s->connection->in);
	if (s->connection->out != s->connection->in)
		close(s->connection->out);
	secure = *s->connection;
	secure.in = secure.out = plain;
	secure.tls = true;
	s->connection = &secure;
	stream_restart(&s->stream, plain, plain);
	s->unknown = 0;
}

enum outcome
command_stls(struct session *s, const struct arguments *a)
{
	struct reply reply;
	int plain;

	(void)a;
	if (!stls_possible(s)) {
		stream_printf(&s->stream,
			      s->connection->tls
				  ? "-ERR STLS: TLS is active"
				  : "-ERR STLS is not offered here");
		return GO_ON;
	}
	stream_drop_input(&s->stream);
	explicit_bzero(&s->request, sizeof(s->request));
	s->request.type = REQUEST_STLS;
	if (!boundary_ask_for(s->monitor, &s->request, &reply, &plain) ||
	    reply.result != TLS_OK || plain < 0) {
		stream_printf(&s->stream,
			      "-ERR [SYS/PERM] TLS cannot be used; tell the "
			      "administrator.");
		return GO_ON;
	}
	start_over(s, plain);
	return finish_handshake(s) ? GO_ON : OVER;
}

/* ---- the end of the greeter */

enum outcome
command_leave(struct session *s, const struct arguments *a)
{
	(void)a;
	if (session_flush(s)) {
		s->reason = END_QUIT;
		stream_sign_off(&s->stream);
	}
	return OVER;
}

/* What was read ahead and what is not yet sent goes to the next process. */
static bool
hand_over(struct session *s)
{
	struct handover *h = &s->request.handover;
	bool sent;

	s->request.type = REQUEST_HANDOVER;
	h->input_len =
	    (uint32_t)stream_take_input(&s->stream, h->input, sizeof(h->input));
	h->output_len = (uint32_t)stream_take_output(&s->stream, h->output,
						     sizeof(h->output));
	sent = boundary_send(s->monitor, &s->request);
	boundary_wipe(&s->request);
	return sent;
}

static void
say_bye(struct session *s)
{
	struct bye *bye = &s->request.bye;

	explicit_bzero(&s->request, sizeof(s->request));
	s->request.type = REQUEST_BYE;
	bye->reason = s->plaintext_refused ? END_PLAINTEXT
		      : s->too_long	   ? END_TOO_LONG
					   : s->reason;
	memcpy(bye->user, s->refused_user, sizeof(bye->user));
	boundary_send(s->monitor, &s->request);
}

/* False where the client never comes to hear it. */
static bool
greet(struct session *s)
{
	if (s->connection->tls && !finish_handshake(s))
		return false;
	stream_printf(&s->stream, "+OK POP3 server ready%s%s",
		      *s->offers->apop != '\0' ? " " : "", s->offers->apop);
	return true;
}

int
authorization_run(const struct session_start *start,
		  const struct handover *returned)
{
	static struct session s;
	unsigned autologout = start->options->idle_timeout;

	session_init(&s, start, AUTHORIZATION,
		     autologout < SILENCE_SECONDS ? autologout
						  : SILENCE_SECONDS);
	stream_set_deadline(&s.stream, LOGIN_SECONDS);
	s.stream.expects_no_tls = true;
	s.stream.long_prefix = s.commands->long_prefix;
	s.bound = s.offers->bound;
	if (returned != NULL) {
		stream_give_input(&s.stream, returned->input,
				  returned->input_len);
	} else if (!greet(&s)) {
		say_bye(&s);
		return EX_OK;
	}
	if (session_loop(&s) == LOGGED_IN)
		return hand_over(&s) ? EX_OK : EX_SOFTWARE;
	stream_linger(&s.stream);
	say_bye(&s);
	return EX_OK;
}
