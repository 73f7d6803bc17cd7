/*
 * pop3d --check: whether the programs that deliver mail put it where --mailbox
 * serves it from. Each is asked for its own settings, in the order in which it
 * looks at them itself.
 */
#include "admin/check_parts.h"

#include <stdio.h>
#include <string.h>

#include "admin/destination.h"
#include "admin/mta_ask.h"

enum { VALUE_SIZE = 1024 };

/* ---- Dovecot's delivery agent */

/* "maildir:~/Maildir", "mbox:~/mail:INBOX=/var/mail/%u" */
static bool
dovecot_location(const char *location, char path[VALUE_SIZE])
{
	static const char inbox[] = ":INBOX=";
	const char *format = location;
	size_t n = strcspn(location, ":");
	const char *at = strstr(location, inbox);
	bool maildir = strncmp(format, "maildir", n) == 0;

	if (location[n] == '\0' ||
	    (!maildir && strncmp(format, "mbox", n) != 0))
		return false;
	at = at != NULL ? at + strlen(inbox) : location + n + 1;
	snprintf(path, VALUE_SIZE, "%.*s%s", (int)strcspn(at, ":"), at,
		 maildir ? "/" : "");
	return true;
}

/* The same as Dovecot 2.4 writes it. */
static bool
dovecot_parts(char path[VALUE_SIZE])
{
	char driver[64], inbox[VALUE_SIZE - 1];

	if (!dovecot_ask("mail_driver", driver, sizeof(driver)))
		return false;
	bool maildir = strcmp(driver, "maildir") == 0;
	if (!maildir && strcmp(driver, "mbox") != 0)
		return false;
	if (!dovecot_ask("mail_inbox_path", inbox, sizeof(inbox)) ||
	    inbox[0] == '\0')
		dovecot_ask("mail_path", inbox, sizeof(inbox));
	snprintf(path, VALUE_SIZE, "%s%s", inbox, maildir ? "/" : "");
	return inbox[0] != '\0';
}

static void
say_unknown(struct check *c, const char *program, const char *setting,
	    const char *value)
{
	check_say(c, CHECK_OK,
		  "%s: %s is %s: where that is for each user is not known "
		  "here: compare it with --mailbox",
		  program, setting, value);
}

static void
compare_dovecot(struct check *c)
{
	static const char program[] = "Dovecot's delivery agent";
	char value[VALUE_SIZE], path[VALUE_SIZE], template[DESTINATION_SIZE];
	const char *setting = "mail_location";
	bool known;

	if (dovecot_ask(setting, value, sizeof(value)) && value[0] != '\0') {
		known = dovecot_location(value, path);
	} else if (dovecot_ask("mail_driver", value, sizeof(value))) {
		setting = "mail_path";
		snprintf(value, sizeof(value), "not one of mbox and Maildir");
		known = dovecot_parts(path);
	} else {
		snprintf(value, sizeof(value), "not told by doveconf");
		known = false;
	}
	if (known && destination_translate(template, path))
		destination_compare(c, program, setting, template);
	else
		say_unknown(c, program, setting, value);
}

static bool
is_dovecot(const char *command)
{
	return strstr(command, "dovecot") != NULL;
}

/* ---- procmail */

/* The last assignment to the variable in /etc/procmailrc, if there is one. */
static bool
procmail_variable(const char *name, char value[VALUE_SIZE])
{
	char line[VALUE_SIZE];
	size_t len = strlen(name);
	FILE *f = fopen("/etc/procmailrc", "re");
	bool found = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *s = line + strspn(line, " \t");

		if (strncmp(s, name, len) != 0)
			continue;
		s += len + strspn(s + len, " \t");
		if (*s++ != '=')
			continue;
		s += strspn(s, " \t\"'");
		snprintf(value, VALUE_SIZE, "%.*s",
			 (int)strcspn(s, " \t\"'#\n"), s);
		found = true;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* What is relative, is so to $MAILDIR, which is the home unless it is set. */
static void
compare_procmail(struct check *c)
{
	static const char *const names[] = { "DEFAULT", "ORGMAIL" };
	char value[VALUE_SIZE], path[VALUE_SIZE + 8];
	char template[DESTINATION_SIZE];

	for (size_t i = 0; i < 2; i++) {
		if (!procmail_variable(names[i], value) ||
		    strcmp(value, "$ORGMAIL") == 0)
			continue;
		bool whole = strchr("/$", value[0]) != NULL;
		snprintf(path, sizeof(path), "%s%s", whole ? "" : "$HOME/",
			 value);
		if (destination_translate(template, path))
			destination_compare(c, "procmail",
					    names[i][0] == 'D'
						? "DEFAULT in /etc/procmailrc"
						: "ORGMAIL in /etc/procmailrc",
					    template);
		else
			say_unknown(c, "procmail", names[i], value);
		return;
	}
	destination_compare(c, "procmail", "its default", "/var/mail/%u");
}

/* ---- Postfix */

/* Whether the value was one that decides; it is no path. */
static bool
postfix_hands_on(struct check *c, const char *setting)
{
	char value[VALUE_SIZE];

	if (!postfix_ask(setting, value, sizeof(value)) || value[0] == '\0')
		return false;
	if (is_dovecot(value))
		compare_dovecot(c);
	else if (strstr(value, "procmail") != NULL)
		compare_procmail(c);
	else
		say_unknown(c, "Postfix", setting, value);
	return true;
}

static void
compare_postfix_path(struct check *c)
{
	char value[VALUE_SIZE], path[VALUE_SIZE + 8];
	char template[DESTINATION_SIZE];
	const char *setting = "home_mailbox";

	if (postfix_ask(setting, value, sizeof(value)) && value[0] != '\0') {
		snprintf(path, sizeof(path), "%%h/%s", value);
	} else {
		setting = "mail_spool_directory";
		if (!postfix_ask(setting, value, sizeof(value)) ||
		    value[0] == '\0')
			snprintf(value, sizeof(value), "/var/mail");
		bool maildirs = value[strlen(value) - 1] == '/';
		snprintf(path, sizeof(path), "%s%s", value,
			 maildirs ? "%u/" : "/%u");
	}
	if (destination_translate(template, path))
		destination_compare(c, "Postfix", setting, template);
	else
		say_unknown(c, "Postfix", setting, value);
}

/* The maps may put each user anywhere, but only below the base. */
static void
compare_postfix_virtual(struct check *c)
{
	char domains[VALUE_SIZE], base[VALUE_SIZE];
	const char *ours = c->options->mailbox;

	if (!postfix_ask("virtual_mailbox_domains", domains, sizeof(domains)) ||
	    domains[0] == '\0')
		return;
	if (postfix_ask("virtual_transport", base, sizeof(base)) &&
	    is_dovecot(base)) {
		compare_dovecot(c);
		return;
	}
	postfix_ask("virtual_mailbox_base", base, sizeof(base));
	size_t len = strlen(base);
	while (len > 0 && base[len - 1] == '/')
		base[--len] = '\0';
	if (len > 0 && (strncmp(ours, base, len) != 0 || ours[len] != '/'))
		check_say(c, CHECK_ERROR,
			  "Postfix delivers virtual users' mail below %s "
			  "(virtual_mailbox_base), but --mailbox serves %s: "
			  "users see no new mail: change one of the two",
			  base, ours);
	else
		check_say(c, CHECK_OK,
			  "Postfix delivers virtual users' mail below %s; "
			  "virtual_mailbox_maps have to fit --mailbox=%s",
			  len > 0 ? base : "/", ours);
}

static bool
compare_postfix(struct check *c)
{
	char value[VALUE_SIZE];

	if (!postfix_ask("mail_version", value, sizeof(value)))
		return false;
	if (c->options->virtual_user != NULL)
		compare_postfix_virtual(c);
	else if (!postfix_hands_on(c, "mailbox_transport") &&
		 !postfix_hands_on(c, "mailbox_command"))
		compare_postfix_path(c);
	return true;
}

/* ---- Exim */

static bool
compare_exim(struct check *c)
{
	char name[64], setting[96], out[MTA_ANSWER_SIZE];
	char value[VALUE_SIZE], path[VALUE_SIZE + 1];
	char template[DESTINATION_SIZE];

	exim_local_transport(name, sizeof(name));
	if (c->options->virtual_user != NULL ||
	    !exim_ask("transport", name, out, sizeof(out)))
		return false;
	snprintf(setting, sizeof(setting), "transport %s", name);
	if (exim_value(out, "command", value, sizeof(value))) {
		if (is_dovecot(value))
			compare_dovecot(c);
		else if (strstr(value, "procmail") != NULL)
			compare_procmail(c);
		else
			say_unknown(c, "Exim", setting, value);
		return true;
	}
	bool maildir = exim_has(out, "maildir_format");
	if (!exim_value(out, maildir ? "directory" : "file", value,
			sizeof(value)))
		return true;
	snprintf(path, sizeof(path), "%s%s", value, maildir ? "/" : "");
	if (destination_translate(template, path))
		destination_compare(c, "Exim", setting, template);
	else
		say_unknown(c, "Exim", setting, value);
	return true;
}

void
check_delivery(struct check *c)
{
	char rc[VALUE_SIZE];
	bool found = compare_postfix(c);

	found |= compare_exim(c);
	/* Without one that says so, only who has set it up is known to use it.
	 */
	if (!found && c->options->virtual_user == NULL &&
	    procmail_variable("DEFAULT", rc))
		compare_procmail(c);
}
