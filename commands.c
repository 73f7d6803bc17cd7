/* In the greeter and in the mailbox process. */
#include "commands.h"

#include "authorization.h"
#include "retrieval.h"
#include "transaction.h"
#include "sasl/sasl.h"

static enum outcome command_capa(struct session *, const struct arguments *);

static const struct command rows[] = {
	{ "USER", command_user, AUTHORIZATION, NAME, "USER",
	  plaintext_allowed },
	{ "PASS", command_pass, AUTHORIZATION, PASSWORD, NULL, NULL },
	{ "APOP", command_apop, AUTHORIZATION, NAME_AND_DIGEST, NULL, NULL },
	{ "AUTH", command_auth, AUTHORIZATION, MECHANISM, NULL, NULL },
	{ "STLS", command_stls, AUTHORIZATION, NOTHING, "STLS", stls_possible },
	{ "QUIT", command_leave, AUTHORIZATION, NOTHING, NULL, NULL },
	{ "STAT", command_stat, TRANSACTION, NOTHING, NULL, NULL },
	{ "LIST", command_list, TRANSACTION, OPTIONAL_MESSAGE, NULL, NULL },
	{ "UIDL", command_uidl, TRANSACTION, OPTIONAL_MESSAGE, "UIDL", NULL },
	{ "RETR", command_retr, TRANSACTION, MESSAGE, NULL, NULL },
	{ "TOP", command_top, TRANSACTION, MESSAGE_AND_LINES, "TOP", NULL },
	{ "DELE", command_dele, TRANSACTION, MESSAGE, NULL, NULL },
	{ "NOOP", command_noop, TRANSACTION, NOTHING, NULL, NULL },
	{ "RSET", command_rset, TRANSACTION, NOTHING, NULL, NULL },
	{ "LAST", command_last, TRANSACTION, NOTHING, NULL, NULL },
	{ "QUIT", command_update, TRANSACTION, NOTHING, NULL, NULL },
	{ "CAPA", command_capa, AUTHORIZATION | TRANSACTION, NOTHING, NULL,
	  NULL },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct command_table pop3_commands = { rows, ROWS, AUTH_PREFIX };

static enum outcome
command_capa(struct session *s, const struct arguments *a)
{
	(void)a;
	stream_printf(&s->stream, "+OK Capability list follows");
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].capability != NULL &&
		    (rows[i].possible == NULL || rows[i].possible(s)))
			stream_printf(&s->stream, "%s", rows[i].capability);
	sasl_list(s, CAPA_LINE);
	stream_printf(&s->stream, "RESP-CODES");
	stream_printf(&s->stream, "AUTH-RESP-CODE");
	stream_printf(&s->stream, "PIPELINING");
	stream_printf(&s->stream, "EXPIRE NEVER");
	if (s->state == TRANSACTION)
		stream_printf(&s->stream, "IMPLEMENTATION pop3d");
	stream_printf(&s->stream, ".");
	return GO_ON;
}
