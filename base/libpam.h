/*
 * Linux-PAM, loaded where it is asked for the first time: a stranger who only
 * hears the greeting need not wait for it, nor for the libraries it needs, and
 * neither the greeter nor the TLS relay holds its code.
 *
 * Call libpam.pam_start() and so on after libpam_load().
 */
#ifndef LIBPAM_H
#define LIBPAM_H

#include <security/pam_appl.h>
#include <stdbool.h>

#define LIBPAM_FUNCTIONS(F)  \
	F(pam_acct_mgmt)     \
	F(pam_authenticate)  \
	F(pam_close_session) \
	F(pam_end)           \
	F(pam_get_item)      \
	F(pam_open_session)  \
	F(pam_set_item)      \
	F(pam_setcred)       \
	F(pam_start)         \
	F(pam_start_confdir) \
	F(pam_strerror)

#define LIBPAM_POINTER(name) __typeof__(name) *(name);
extern struct libpam {
	LIBPAM_FUNCTIONS(LIBPAM_POINTER)
} libpam;
#undef LIBPAM_POINTER

/* False where the library is missing, or lacks one of them. */
bool libpam_load(void);

/*
 * pam_start(3) with the service's configuration from a directory, or, for
 * NULL, from where the system has it.
 */
int libpam_start(const char *service, const char *user, const char *confdir,
		 const struct pam_conv *conv, pam_handle_t **pam);

enum { PAM_WORDS_SIZE = 512 };

/*
 * What PAM's modules have to say to the user is kept in words (PAM_WORDS_SIZE
 * bytes), the last one said of those in messages: a conversation function calls
 * it. libpam_words adds how PAM calls the status, which is often less: a stack
 * may make one of many.
 */
void libpam_listen(char *words, int n, const struct pam_message **messages);
void libpam_words(char *words, pam_handle_t *pam, int status);

#endif
