/*
 * The protocol's form: lines, states and syntax. The greeter and the mailbox
 * process both run this loop; the state decides what of the table is open to
 * them.
 */
#include "session.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/number.h"
#include "base/wire.h"

enum { UNKNOWN_MAX = 10 };

/* The client is gone, silent, or told to go. */
static enum outcome
end_of_stream(struct session *s, enum stream_result r)
{
	switch (r) {
	case STREAM_TIMEOUT:
		/* RFC 1939 section 3: without a response */
		s->reason = END_AUTOLOGOUT;
		break;
	case STREAM_OVERDUE:
		s->reason = END_OVERDUE;
		stream_printf(&s->stream, "-ERR The login took too long");
		break;
	case STREAM_PREEMPTED:
		s->reason = END_TAKEN_OVER;
		stream_printf(&s->stream,
			      "-ERR [IN-USE] A newer session has taken over, "
			      "nothing was deleted");
		break;
	case STREAM_TLS:
		s->reason = END_TLS;
		stream_printf(&s->stream,
			      "-ERR TLS is not expected here: use STLS first, "
			      "or port 995");
		break;
	case STREAM_TERMINATED:
		s->reason = END_TERMINATED;
		stream_printf(&s->stream,
			      "-ERR [SYS/TEMP] The server is going down, "
			      "nothing was deleted");
		break;
	default:
		s->reason = END_CLIENT_LEFT;
	}
	return OVER;
}

bool
session_flush(struct session *s)
{
	if (stream_flush(&s->stream) == STREAM_OK)
		return true;
	end_of_stream(s, s->stream.error);
	return false;
}

/* ---- blanks: the one place that knows what they mean */

static const char blanks[] = " \t";

static void
cut_blanks_at_end(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(blanks, text[n - 1]) != NULL)
		n--;
	text[n] = '\0';
}

/* Cuts text behind its first word; what follows the blanks, or NULL. */
static char *
cut_first_word(char *text)
{
	char *end = text + strcspn(text, blanks);
	char *next = end + strspn(end, blanks);

	*end = '\0';
	return *next != '\0' ? next : NULL;
}

/* Cuts the last word, which ends text, off what is before it; or NULL. */
static char *
cut_last_word(char *text)
{
	char *word = text + strlen(text);

	while (word > text && strchr(blanks, word[-1]) == NULL)
		word--;
	if (word == text)
		return NULL;
	word[-1] = '\0';
	cut_blanks_at_end(text);
	return word;
}

/*
 * Blanks around arguments mean nothing, however many: clients pad. But those
 * of a password are its own, and AUTH's response is base64, which has none.
 */
static void
read_arguments(enum syntax syntax, struct arguments *a)
{
	if (a->text == NULL || syntax == PASSWORD)
		return;
	a->text += strspn(a->text, blanks);
	if (syntax != MECHANISM)
		cut_blanks_at_end(a->text);
	if (*a->text == '\0')
		a->text = NULL;
	else if (syntax == MECHANISM || syntax == MESSAGE_AND_LINES)
		a->more = cut_first_word(a->text);
	else if (syntax == NAME_AND_DIGEST)
		a->more = cut_last_word(a->text);
}

/* ---- syntax */

/*
 * A number of digits only; one that is too large for any message counts as
 * the largest.
 */
static bool
digits(const char *text, size_t *value)
{
	size_t n = strspn(text, "0123456789");
	unsigned long long number;

	if (n == 0 || text[n] != '\0')
		return false;
	*value =
	    parse_number(text, SIZE_MAX, &number) ? (size_t)number : SIZE_MAX;
	return true;
}

static const char *
check_message(const struct session *s, const char *text, struct arguments *a)
{
	if (!digits(text, &a->message))
		return "A message number is made of digits";
	if (!maildrop_exists(s->maildrop, a->message))
		return "No such message";
	return NULL;
}

static const char *
check_two(const struct session *s, struct arguments *a)
{
	if (a->text == NULL || a->more == NULL)
		return "A message number and a number of lines are needed";
	if (!digits(a->more, &a->lines))
		return "The number of lines is made of digits";
	return check_message(s, a->text, a);
}

/* Checks the arguments from the command's row; NULL, or what is wrong. */
static const char *
check_syntax(const struct session *s, const struct command *c,
	     struct arguments *a)
{
	switch (c->syntax) {
	case NOTHING:
		return a->text == NULL ? NULL : "No argument is allowed";
	case MECHANISM:
		return NULL;
	case NAME:
	case PASSWORD:
		return a->text != NULL ? NULL : "An argument is needed";
	case NAME_AND_DIGEST:
		return a->more != NULL ? NULL
				       : "A name and a digest are needed";
	case OPTIONAL_MESSAGE:
		return a->text == NULL ? NULL : check_message(s, a->text, a);
	case MESSAGE:
		return a->text == NULL ? "A message number is needed"
				       : check_message(s, a->text, a);
	case MESSAGE_AND_LINES:
		return check_two(s, a);
	}
	return "Syntax error";
}

/* The row of this name for the state or, where it has none, for another. */
static const struct command *
find_command(const struct session *s, const char *name)
{
	const struct command *found = NULL;

	for (size_t i = 0; i < s->commands->count; i++) {
		const struct command *c = &s->commands->rows[i];

		if (strcasecmp(c->name, name) == 0 &&
		    (found == NULL || (c->states & s->state) != 0))
			found = c;
	}
	return found;
}

/* What is no command: an empty line as well, or one that is too long. */
static enum outcome
refuse_unknown(struct session *s, const char *what)
{
	s->unknown++;
	if (s->unknown < UNKNOWN_MAX) {
		stream_printf(&s->stream, "-ERR %s", what);
		return GO_ON;
	}
	stream_printf(&s->stream, "-ERR Too many unknown commands");
	s->reason = END_UNKNOWN;
	return OVER;
}

static enum outcome
refuse_state(struct session *s, const char *name)
{
	const char *when =
	    s->state == AUTHORIZATION ? "before the login" : "after the login";

	stream_printf(&s->stream, "-ERR %s is not possible %s", name, when);
	return GO_ON;
}

static enum outcome
carry_out(struct session *s, char *line, size_t len)
{
	struct arguments a = { 0 };

	s->user_given = s->name_accepted;
	s->name_accepted = false;
	if (memchr(line, '\0', len) != NULL)
		return refuse_unknown(s, "Unknown command");
	char *blank = strpbrk(line, blanks);
	if (blank != NULL) {
		*blank = '\0';
		a.text = blank + 1;
	}
	const struct command *c = find_command(s, line);
	if (c == NULL)
		return refuse_unknown(s, "Unknown command");
	s->unknown = 0;
	if ((c->states & s->state) == 0)
		return refuse_state(s, c->name);
	read_arguments(c->syntax, &a);
	const char *wrong = check_syntax(s, c, &a);
	if (wrong != NULL) {
		stream_printf(&s->stream, "-ERR %s: %s", c->name, wrong);
		return GO_ON;
	}
	return c->handler(s, &a);
}

const char *
session_told(char told[USER_MAX + 1], const char *name)
{
	snprintf(told, USER_MAX + 1, "%s", name);
	for (char *c = told; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return told;
}

enum outcome
session_getline(struct session *s, char **line, size_t *len)
{
	enum stream_result r = stream_getline(&s->stream, line, len);

	if (r == STREAM_OK) {
		s->live->heard_ms = now_ms();
		return GO_ON;
	}
	*line = NULL;
	if (r == STREAM_OVERLONG)
		s->too_long = true;
	else if (r != STREAM_TOO_LONG)
		return end_of_stream(s, r);
	return refuse_unknown(s, "Line too long");
}

void
session_init(struct session *s, const struct session_start *start,
	     enum state state, unsigned silence)
{
	s->options = start->options;
	s->commands = start->commands;
	s->connection = start->connection;
	s->offers = start->offers;
	s->monitor = start->monitor;
	s->live = start->live;
	s->state = state;
	stream_init(&s->stream, s->connection->in, s->connection->out, silence);
}

enum outcome
session_loop(struct session *s)
{
	enum outcome outcome = GO_ON;
	size_t len;
	char *line;

	while (outcome == GO_ON) {
		outcome = session_getline(s, &line, &len);
		if (outcome == GO_ON && line != NULL)
			outcome = carry_out(s, line, len);
	}
	/* Little of it may wait for what the next process has to say. */
	if (outcome == OVER || s->stream.out_end > STREAM_PENDING_MAX)
		stream_flush(&s->stream);
	if (outcome == LOGGED_IN && s->stream.error != STREAM_OK)
		return end_of_stream(s, s->stream.error);
	return outcome;
}
