/*
 * pop3d --check: whether the programs that deliver mail on this host and
 * pop3d take a lock of the same kind. Asks the programs themselves.
 */
#include "admin/check_parts.h"

#include <stdio.h>
#include <string.h>

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

static bool
check_postfix(struct check *c)
{
	static const char *const ask_locks[] = { "/usr/sbin/postconf", "-h",
						 "mailbox_delivery_lock",
						 NULL };
	static const char *const ask_command[] = { "/usr/sbin/postconf", "-h",
						   "mailbox_command", NULL };
	char out[OUTPUT_SIZE];

	if (check_output(ask_command, 1, out, sizeof(out)) != 0)
		return false;
	if (out[0] != '\n' && out[0] != '\0') {
		out[strcspn(out, " \n")] = '\0';
		check_say(c, CHECK_OK, "Postfix delivers by %s", out);
		return true;
	}
	if (check_output(ask_locks, 1, out, sizeof(out)) == 0)
		compare(c, "Postfix", kinds_in(out));
	return true;
}

/* Exim prints "no_use_fcntl_lock" or "use_fcntl_lock", one line each. */
static bool
has_line(const char *out, const char *line)
{
	size_t len = strlen(line);

	for (const char *s = out; (s = strstr(s, line)) != NULL; s += len)
		if ((s == out || s[-1] == '\n') &&
		    (s[len] == '\n' || s[len] == '\0'))
			return true;
	return false;
}

static bool
check_exim(struct check *c)
{
	static const char *const programs[] = { "/usr/sbin/exim4",
						"/usr/sbin/exim" };
	char out[OUTPUT_SIZE];
	int status = -1;

	for (size_t i = 0; status != 0 && i < 2; i++) {
		const char *argv[] = { programs[i], "-bP", "transport",
				       "mail_spool", NULL };
		status = check_output(argv, 1, out, sizeof(out));
	}
	if (status != 0)
		return false;
	compare(
	    c, "Exim (transport mail_spool)",
	    (has_line(out, "use_lockfile") ? kind_bit(LOCK_DOTLOCK) : 0) |
		(has_line(out, "use_fcntl_lock") ? kind_bit(LOCK_FCNTL) : 0) |
		(has_line(out, "use_flock_lock") ? kind_bit(LOCK_FLOCK) : 0));
	return true;
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
	found |= check_procmail(c);
	if (!found)
		check_say(c, CHECK_OK,
			  "locks: no Postfix, Exim or procmail here to "
			  "compare with; what delivers mail has to take one "
			  "of those in --locks");
}
