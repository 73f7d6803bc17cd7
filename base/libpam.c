/* Fills the table of Linux-PAM's functions. For PAM's process and --check. */
#include "base/libpam.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"

struct libpam libpam;

bool
libpam_load(void)
{
#define FUNCTION(name) { #name, &libpam.name },
	static const struct library_function functions[] = { LIBPAM_FUNCTIONS(
	    FUNCTION) };
#undef FUNCTION
	static bool loaded;

	/* Modules may look for its functions. */
	loaded = loaded ||
		 library_load("libpam.so.0", RTLD_NOW | RTLD_GLOBAL, functions,
			      sizeof(functions) / sizeof(functions[0])) != NULL;
	return loaded;
}

void
libpam_listen(char *words, int n, const struct pam_message **messages)
{
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		if (style != PAM_ERROR_MSG && style != PAM_TEXT_INFO)
			continue;
		snprintf(words, PAM_WORDS_SIZE, "%s", messages[i]->msg);
		words[strcspn(words, "\r\n")] = '\0';
	}
}

void
libpam_words(char *words, pam_handle_t *pam, int status)
{
	char said[PAM_WORDS_SIZE / 2]; /* the rest is room for PAM's */

	snprintf(said, sizeof(said), "%.*s", (int)sizeof(said) - 1, words);
	snprintf(words, PAM_WORDS_SIZE, "%s%s%s",
		 libpam.pam_strerror(pam, status), *said != '\0' ? ": " : "",
		 said);
}

int
libpam_start(const char *service, const char *user, const char *confdir,
	     const struct pam_conv *conv, pam_handle_t **pam)
{
	if (confdir != NULL)
		return libpam.pam_start_confdir(service, user, conv, confdir,
						pam);
	return libpam.pam_start(service, user, conv, pam);
}
