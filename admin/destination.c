/* Paths as text; only what is before the user's part is looked up. */
#include "admin/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word, *is;
} words[] = {
	/* Exim's, procmail's and shells', longest first */
	{ "${local_part_data}", "%u" },
	{ "$local_part_data", "%u" },
	{ "${local_part}", "%u" },
	{ "$local_part", "%u" },
	{ "${domain_data}", "%d" },
	{ "$domain_data", "%d" },
	{ "${domain}", "%d" },
	{ "$domain", "%d" },
	{ "${home}", "%h" },
	{ "$home", "%h" },
	{ "${HOME}", "%h" },
	{ "$HOME", "%h" },
	{ "${LOGNAME}", "%u" },
	{ "$LOGNAME", "%u" },
	{ "${USER}", "%u" },
	{ "$USER", "%u" },
	/* Dovecot's */
	{ "%{user|username}", "%n" },
	{ "%{user | username}", "%n" },
	{ "%{user|domain}", "%d" },
	{ "%{user | domain}", "%d" },
	{ "%{user}", "%u" },
	{ "%{home}", "%h" },
	{ "%u", "%u" },
	{ "%n", "%n" },
	{ "%d", "%d" },
	{ "%h", "%h" },
	{ "~", "%h" },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

bool
destination_translate(char to[DESTINATION_SIZE], const char *from)
{
	size_t used = 0;

	while (*from != '\0') {
		const char *piece = NULL;
		size_t len = 1;

		for (size_t i = 0; i < WORDS && piece == NULL; i++)
			if (strncmp(from, words[i].word,
				    strlen(words[i].word)) == 0) {
				piece = words[i].is;
				len = strlen(words[i].word);
			}
		if ((piece == NULL && strchr("$%`\"'", *from) != NULL) ||
		    used + 3 > DESTINATION_SIZE)
			return false;
		used += (size_t)snprintf(to + used, DESTINATION_SIZE - used,
					 "%.2s", piece != NULL ? piece : "");
		if (piece == NULL)
			to[used++] = *from;
		to[used] = '\0';
		from += len;
	}
	return used > 0 && (to[0] == '/' || strncmp(to, "%h", 2) == 0);
}

/* Without links in what all users share, and without slashes at its end. */
static void
resolve(char to[DESTINATION_SIZE], const char *template)
{
	char dir[DESTINATION_SIZE];
	size_t shared = strcspn(template, "%");

	while (shared > 1 && template[shared - 1] != '/')
		shared--;
	snprintf(dir, sizeof(dir), "%.*s", (int)shared, template);
	char *real = shared > 0 ? realpath(dir, NULL) : NULL;
	if (real != NULL)
		snprintf(to, DESTINATION_SIZE, "%s%s%s", real,
			 strcmp(real, "/") == 0 ? "" : "/", template + shared);
	else
		snprintf(to, DESTINATION_SIZE, "%s", template);
	free(real);
	for (size_t len = strlen(to); len > 1 && to[len - 1] == '/';)
		to[--len] = '\0';
}

static bool
is_maildir(const char *template)
{
	size_t len = strlen(template);

	return len > 0 && template[len - 1] == '/';
}

void
destination_compare(struct check *c, const char *program, const char *setting,
		    const char *theirs)
{
	const char *ours = c->options->mailbox;
	char a[DESTINATION_SIZE], b[DESTINATION_SIZE];

	resolve(a, theirs);
	resolve(b, ours);
	if (strcmp(a, b) != 0)
		check_say(c, CHECK_ERROR,
			  "%s delivers to %s (%s), but --mailbox serves %s: "
			  "users see no new mail: change one of the two",
			  program, theirs, setting, ours);
	else if (is_maildir(ours) && !is_maildir(theirs))
		check_say(c, CHECK_ERROR,
			  "%s delivers to an mbox %s (%s), but --mailbox=%s "
			  "serves a Maildir: take the slash at the end away",
			  program, theirs, setting, ours);
	else
		check_say(c, CHECK_OK, "%s delivers to %s, which is served",
			  program, theirs);
}
