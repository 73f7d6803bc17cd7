/* Passwords and accounts, as Linux-PAM decides them. */
#ifndef AUTH_PAM_H
#define AUTH_PAM_H

#include "base/boundary.h"
#include "base/options.h"

struct auth_pam;

/*
 * Checks the password, unless it is NULL, and the account, by the rules of a
 * PAM service. On LOGIN_OK *auth is the transaction,
 * to be ended by auth_pam_end, and user (USER_MAX + 1 bytes) what PAM says the
 * user's name is. Faults of the host are logged. The password is not kept.
 *
 * LOGIN_DENIED tells a stranger nothing; LOGIN_EXPIRED and LOGIN_NO_ACCESS are
 * only said of an account whose password was right. words (PAM_WORDS_SIZE
 * bytes) is what PAM and its modules say of a refusal, or "".
 */
enum login_result auth_pam_check(struct auth_pam **auth,
				 const struct options *o, const char *service,
				 char *user, const char *password,
				 const char *rhost, char *words);

/* Whether PAM has rules of its own for the service. */
bool auth_pam_has_service(const struct options *o, const char *service);

/*
 * Establishes credentials and opens PAM's session. False, logged, when PAM
 * refuses.
 */
bool auth_pam_open(struct auth_pam *auth);

/* Closes the session if it is open, ends the transaction; NULL is nothing. */
void auth_pam_end(struct auth_pam *auth);

/*
 * Loads the modules of PAM's stack, and NSS's, which are asked about root, for
 * the processes forked from now on: they read the configuration again, and find
 * loaded what they need. Where that fails, the first login says why.
 */
void auth_pam_preload(const struct options *o);

#endif
