/*
 * pop3d --check USER: may the account log in? What PAM and account_find only
 * say no to is put into words here, each with the command that mends it.
 */
#include "admin/check_account.h"

#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/check_parts.h"
#include "base/libpam.h"
#include "monitor/auth_secret.h"

enum { SECONDS_A_DAY = 86400 };

/* ---- the user database */

static void
say_uid(struct check *c, const struct passwd *pw)
{
	if (pw->pw_uid == 0)
		check_say(c, CHECK_ERROR,
			  "account %s: uid 0 may not log in: send its mail to "
			  "a person, by a line \"%s: NAME\" in /etc/aliases",
			  pw->pw_name, pw->pw_name);
	else
		check_say(c, CHECK_ERROR,
			  "account %s: uid %u may not log in: see --min-uid, "
			  "which is %u; add --min-uid=%u to pop3d's options",
			  pw->pw_name, (unsigned)pw->pw_uid,
			  (unsigned)c->options->min_uid, (unsigned)pw->pw_uid);
}

/* Why account_find refuses, in words; it only says that it does. */
static void
say_denied(struct check *c, const char *name)
{
	const struct passwd *pw =
	    account_name_valid(name) ? getpwnam(name) : NULL;

	if (c->options->virtual_user != NULL)
		check_say(c, CHECK_ERROR,
			  "account %s: the name does not fit --mailbox=%s",
			  name, c->options->mailbox);
	else if (pw == NULL)
		check_say(c, CHECK_ERROR,
			  "account %s: there is no such user on this host: "
			  "useradd --create-home %s, or see --virtual-user",
			  name, name);
	else
		say_uid(c, pw);
}

bool
check_find_account(struct check *c, struct account *a)
{
	const char *name = c->options->user;

	switch (account_find(a, c->options, name)) {
	case LOGIN_OK:
		check_say(c, CHECK_OK, "account %s: uid %u, mailbox %s", name,
			  (unsigned)a->uid, a->mailbox);
		return true;
	case LOGIN_DENIED:
		say_denied(c, name);
		return false;
	case LOGIN_NO_ACCESS:
		check_say(c, CHECK_ERROR,
			  "account %s: its mailbox would be a dotlock, %s: "
			  "rename the user",
			  name, a->mailbox);
		return false;
	default:
		check_say(c, CHECK_ERROR,
			  "account %s: it cannot be looked up, see above",
			  name);
		return false;
	}
}

/* ---- shadow(5), as pam_unix reads it */

/* Whether the user may come in with another password than pam_unix's. */
static bool
has_other_way_in(const struct check *c, const char *name)
{
	static struct secret secret;
	bool found = c->pam.other_passwords ||
		     (c->options->secrets != NULL &&
		      access(c->options->secrets, F_OK) == 0 &&
		      auth_secret_find(c->options, name, &secret) == LOGIN_OK &&
		      secret.known);

	explicit_bzero(&secret, sizeof(secret));
	return found;
}

static void
check_password(struct check *c, const char *name, const char *hash)
{
	const char *unlocked = hash + strspn(hash, "!");
	enum verdict v =
	    has_other_way_in(c, name) ? CHECK_WARNING : CHECK_ERROR;

	if (*hash == '\0')
		check_say(c, v,
			  "account %s: it has no password, and nobody comes in "
			  "without one: passwd %s",
			  name, name);
	else if (*unlocked == '\0' || *unlocked == '*')
		check_say(c, v,
			  "account %s: no password was ever set: passwd %s",
			  name, name);
	else if (unlocked != hash)
		check_say(c, v,
			  "account %s: the password is locked: passwd -u %s",
			  name, name);
}

static void
check_dates(struct check *c, const char *name, const struct spwd *sp)
{
	long today = (long)(time(NULL) / SECONDS_A_DAY);

	if (sp->sp_expire != -1 && today >= sp->sp_expire)
		check_say(c, CHECK_ERROR,
			  "account %s: it has expired: chage -E -1 %s", name,
			  name);
	if (sp->sp_lstchg == 0)
		check_say(c, CHECK_ERROR,
			  "account %s: the password has to be changed at the "
			  "next login, which POP3 cannot do: passwd %s",
			  name, name);
	else if (sp->sp_lstchg > 0 && sp->sp_max != -1 &&
		 today - sp->sp_lstchg > sp->sp_max)
		check_say(c, CHECK_ERROR,
			  "account %s: the password has expired: passwd %s, or "
			  "chage -M -1 %s for one that does not",
			  name, name, name);
}

static void
check_shadow(struct check *c, const char *name)
{
	const struct spwd *sp = c->pam.unix_passwords ? getspnam(name) : NULL;

	if (sp == NULL)
		return;
	check_password(c, name, sp->sp_pwdp);
	check_dates(c, name, sp);
}

/* ---- shells(5), as pam_shells reads it */

static void
check_shell(struct check *c, const char *name)
{
	const struct passwd *pw = c->pam.shells ? getpwnam(name) : NULL;
	const char *shell, *listed;
	bool found = false;

	if (pw == NULL)
		return;
	shell = *pw->pw_shell != '\0' ? pw->pw_shell : "/bin/sh";
	setusershell();
	while (!found && (listed = getusershell()) != NULL)
		found = strcmp(listed, shell) == 0;
	endusershell();
	if (!found)
		check_say(c, CHECK_ERROR,
			  "account %s: pam_shells refuses its shell %s, which "
			  "is not in /etc/shells: chsh -s /bin/sh %s, or take "
			  "pam_shells out of the PAM service %s",
			  name, shell, name, c->options->pam_service);
}

/* ---- PAM */

/* Nobody is asked for anything: no answer is needed. */
static int
only_listen(int n, const struct pam_message **messages,
	    struct pam_response **responses, void *arg)
{
	libpam_listen(arg, n, messages);
	*responses = calloc((size_t)n, sizeof(**responses));
	return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void
say_pam(struct check *c, const char *name, int r, const char *words)
{
	if (r == PAM_SUCCESS)
		check_say(c, CHECK_OK,
			  "account %s: PAM lets it in (the password is not "
			  "looked at)",
			  name);
	else if (r == PAM_USER_UNKNOWN)
		check_say(c, CHECK_ERROR,
			  "account %s: PAM does not know this name; PAM says: "
			  "%s: add the module that does to the PAM service %s, "
			  "for example by pam-auth-update",
			  name, words, c->options->pam_service);
	else
		check_say(c, CHECK_ERROR, "account %s: PAM says: %s", name,
			  words);
}

static void
check_pam_account(struct check *c, const char *name)
{
	const struct options *o = c->options;
	char words[PAM_WORDS_SIZE] = "";
	struct pam_conv conv = { .conv = only_listen, .appdata_ptr = words };
	pam_handle_t *pam = NULL;
	int r;

	if (!libpam_load()) {
		check_say(c, CHECK_ERROR,
			  "PAM: the library libpam.so.0 is missing");
		return;
	}
	r = libpam_start(o->pam_service, name, o->pam_confdir, &conv, &pam);
	if (r == PAM_SUCCESS)
		r = libpam.pam_acct_mgmt(pam, 0);
	libpam_words(words, pam, r);
	say_pam(c, name, r, words);
	if (pam != NULL)
		libpam.pam_end(pam, r);
}

void
check_account(struct check *c)
{
	const char *name = c->options->user;

	check_shadow(c, name);
	check_shell(c, name);
	check_pam_account(c, name);
}
