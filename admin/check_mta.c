/*
 * pop3d --check: whether the programs that deliver mail on this host and
 * pop3d take a lock of the same kind. Asks the programs themselves.
 */
#include "admin/check_parts.h"

#include <stdio.h>
#include <string.h>

#include "admin/mta_ask.h"

enum { OUTPUT_SIZE = 16384 };

static unsigned
kind_bit(enum lock_kind kind)
{
	return 1u << (unsigned)kind;
}

static unsigned
our_kinds(const struct options *o)
{
	unsigned kinds = 0;

	for (size_t i = 0; o->locks[i] != LOCK_NONE; i++)
		kinds |= kind_bit(o->locks[i]);
	return kinds;
}

static const char *
list(unsigned kinds, char text[32])
{
	snprintf(text, 32, "%s%s%s",
		 kinds & kind_bit(LOCK_DOTLOCK) ? " dotlock" : "",
		 kinds & kind_bit(LOCK_FCNTL) ? " fcntl" : "",
		 kinds & kind_bit(LOCK_FLOCK) ? " flock" : "");
	return text;
}

/* One kind in common keeps two programs apart. */
static void
compare(struct check *c, const char *program, unsigned theirs)
{
	unsigned ours = our_kinds(c->options);
	char a[32], b[32];

	if (theirs == 0)
		check_say(c, CHECK_ERROR,
			  "locks of %s: it takes none, mail may be lost: "
			  "configure it to take dotlock and fcntl",
			  program);
	else if ((ours & theirs) == 0)
		check_say(c, CHECK_ERROR,
			  "locks of %s:%s; of pop3d:%s: none in common, mail "
			  "may be lost: change --locks",
			  program, list(theirs, a), list(ours, b));
	else
		check_say(c, CHECK_OK, "locks of %s:%s; of pop3d:%s", program,
			  list(theirs, a), list(ours, b));
}

static unsigned
kinds_in(const char *text)
{
	return (strstr(text, "dotlock") ? kind_bit(LOCK_DOTLOCK) : 0) |
	       (strstr(text, "fcntl") ? kind_bit(LOCK_FCNTL) : 0) |
	       (strstr(text, "flock") ? kind_bit(LOCK_FLOCK) : 0);
}

/* Virtual users' mail goes through another of Postfix's programs. */
static bool
check_postfix(struct check *c)
{
	const bool virtual = c->options->virtual_user != NULL;
	char out[OUTPUT_SIZE];

	if (!postfix_ask("mailbox_command", out, sizeof(out)))
		return false;
	if (!virtual && out[0] != '\0') {
		out[strcspn(out, " \n")] = '\0';
		check_say(c, CHECK_OK, "Postfix delivers by %s", out);
		return true;
	}
	if (postfix_ask(virtual ? "virtual_mailbox_lock"
				: "mailbox_delivery_lock",
			out, sizeof(out)))
		compare(c, virtual ? "Postfix (virtual)" : "Postfix",
			kinds_in(out));
	return true;
}

static bool
check_exim(struct check *c)
{
	char out[OUTPUT_SIZE], transport[64], program[96];

	exim_local_transport(transport, sizeof(transport));
	if (!exim_ask("transport", transport, out, sizeof(out)))
		return false;
	/* Nobody locks a Maildir, and a command has its own locks. */
	if (exim_has(out, "maildir_format") ||
	    exim_value(out, "command", program, sizeof(program)))
		return true;
	snprintf(program, sizeof(program), "Exim (transport %s)", transport);
	compare(
	    c, program,
	    (exim_has(out, "use_lockfile") ? kind_bit(LOCK_DOTLOCK) : 0) |
		(exim_has(out, "use_fcntl_lock") ? kind_bit(LOCK_FCNTL) : 0) |
		(exim_has(out, "use_flock_lock") ? kind_bit(LOCK_FLOCK) : 0));
	return true;
}

/* What Dovecot takes of an mbox, where it delivers for the MTA. */
static bool
check_dovecot(struct check *c)
{
	char out[OUTPUT_SIZE], by[OUTPUT_SIZE];
	bool used = false;

	for (size_t i = 0; i < 3; i++) {
		static const char *const settings[] = { "mailbox_transport",
							"mailbox_command",
							"virtual_transport" };

		used |= postfix_ask(settings[i], by, sizeof(by)) &&
			strstr(by, "dovecot") != NULL;
	}
	if (used && dovecot_ask("mbox_write_locks", out, sizeof(out)) &&
	    out[0] != '\0')
		compare(c, "Dovecot", kinds_in(out));
	return used;
}

static bool
check_procmail(struct check *c)
{
	static const char *const argv[] = { "/usr/bin/procmail", "-v", NULL };
	char out[OUTPUT_SIZE];
	char *kinds;

	if (check_output(argv, 2, out, sizeof(out)) < 0 ||
	    (kinds = strstr(out, "Locking strategies:")) == NULL)
		return false;
	kinds[strcspn(kinds, "\n")] = '\0';
	compare(c, "procmail", kinds_in(kinds));
	return true;
}

void
check_mta(struct check *c)
{
	bool found = check_postfix(c);

	found |= check_exim(c);
	found |= check_dovecot(c);
	found |= check_procmail(c);
	if (!found)
		check_say(c, CHECK_OK,
			  "locks: no Postfix, Exim or procmail here to "
			  "compare with; what delivers mail has to take one "
			  "of those in --locks");
}
