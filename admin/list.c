/*
 * pop3d --list USER. The mail is read by a process of its own with the user's
 * rights, or fewer: the walls of a session around it, and no right to write. A
 * session of the user's own may go on meanwhile.
 */
#include "admin/list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/header_field.h"
#include "base/log.h"
#include "maildrop.h"
#include "monitor/account.h"
#include "sandbox/child.h"
#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"

static void
print_field(const char *text, size_t len, const char *name)
{
	char value[HEADER_VALUE_SIZE], shown[4 * HEADER_VALUE_SIZE];

	header_field(text, len, name, value);
	escape_text(shown, sizeof(shown), value, ' ');
	printf("\t%s", shown);
}

/* Another program may have taken it away since it was counted. */
static void
print_message(struct maildrop *m, size_t n)
{
	static const char *const names[] = { "From", "Date", "Subject" };
	char uidl[UIDL_SIZE];
	const char *text;
	size_t len;

	maildrop_uidl(m, n, uidl);
	printf("%zu\t%lld\t%s", n, (long long)maildrop_octets(m, n), uidl);
	maildrop_read_begin(m, n);
	enum maildrop_result r = maildrop_read(m, &text, &len);
	if (r == MAILDROP_GONE)
		printf("\t(another program has just removed it)");
	else if (r != MAILDROP_OK)
		printf("\t(it cannot be read now)");
	for (size_t i = 0;
	     r == MAILDROP_OK && i < sizeof(names) / sizeof(names[0]); i++)
		print_field(text, len, names[i]);
	putchar('\n');
}

/* As the user. */
static int
print_all(const struct options *o, const struct account *a)
{
	struct maildrop *m;
	enum maildrop_result r = maildrop_look(&m, o, a->mailbox, a->state_dir);

	if (r != MAILDROP_OK)
		return r == MAILDROP_PERMANENT ? EX_NOINPUT : EX_TEMPFAIL;
	for (size_t n = 1; n <= maildrop_count(m); n++)
		print_message(m, n);
	maildrop_close(m);
	return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
}

static _Noreturn void
be_the_lister(const struct options *o, const struct account *a)
{
	struct sandbox_needs needs = account_needs(a, o);

	needs.read_only = true;
	needs.fds[0] = STDOUT_FILENO;
	needs.fds_count = 1;
	if (!sandbox_enter(ROLE_LISTING, &needs)) {
		log_line(LOG_ERR, EVENT_SETUP, "the listing's sandbox: %s",
			 strerror(errno));
		_exit(EX_OSERR);
	}
	_exit(print_all(o, a));
}

static int
list_account(const struct options *o, const struct account *a)
{
	refusal_prepare();
	pid_t child = fork();
	if (child == 0)
		be_the_lister(o, a);
	if (child < 0) {
		log_line(LOG_ERR, EVENT_SETUP, "a process: %s",
			 strerror(errno));
		return EX_OSERR;
	}
	int status = child_wait_long(child);
	child_was_orderly(ROLE_LISTING, status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int
list_run(const struct options *o)
{
	static struct account a;

	log_session(o->user, NULL);
	switch (account_find(&a, o, o->user)) {
	case LOGIN_OK:
		return list_account(o, &a);
	case LOGIN_DENIED:
	case LOGIN_NO_ACCESS:
		fprintf(stderr,
			"pop3d: %s cannot log in; pop3d --check %s says why\n",
			o->user, o->user);
		return EX_NOUSER;
	default:
		return EX_TEMPFAIL;
	}
}
