/*
 * The PAM conversation. Runs in the authenticator only; knows nothing of POP3.
 */
#include "auth_pam.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/libpam.h"
#include "base/log.h"

struct auth_pam {
	pam_handle_t *pam;
	/* during auth_pam_check only */
	const char *user, *password;
	char *words;
	bool session_open;
};

static char *
answer_to(const struct auth_pam *a, int style)
{
	if (style == PAM_PROMPT_ECHO_OFF && a->password != NULL)
		return strdup(a->password);
	if (style == PAM_PROMPT_ECHO_ON && a->user != NULL)
		return strdup(a->user);
	return NULL;
}

static void
free_answers(struct pam_response *answers, int n)
{
	for (int i = 0; i < n; i++) {
		if (answers[i].resp == NULL)
			continue;
		explicit_bzero(answers[i].resp, strlen(answers[i].resp));
		free(answers[i].resp);
	}
	free(answers);
}

/* Messages for the user have no place in POP3, but in the log. */
static int
converse(int n, const struct pam_message **messages,
	 struct pam_response **responses, void *arg)
{
	struct auth_pam *a = arg;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	if (a->words != NULL)
		libpam_listen(a->words, n, messages);
	struct pam_response *answers = calloc((size_t)n, sizeof(*answers));
	if (answers == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO)
			continue;
		answers[i].resp = answer_to(a, style);
		if (answers[i].resp == NULL) {
			free_answers(answers, n);
			return PAM_CONV_ERR;
		}
	}
	*responses = answers;
	return PAM_SUCCESS;
}

/* The monitor has a delay of its own, the same for all kinds of failure. */
static void
no_delay(int status, unsigned microseconds, void *arg)
{
	(void)status;
	(void)microseconds;
	(void)arg;
}

static int
set_items(pam_handle_t *pam, const char *rhost)
{
	union {
		void (*delay)(int, unsigned, void *);
		const void *item;
	} fail_delay = { .delay = no_delay };
	int r = libpam.pam_set_item(pam, PAM_FAIL_DELAY, fail_delay.item);

	if (r == PAM_SUCCESS)
		r = libpam.pam_set_item(pam, PAM_TTY, "pop3d");
	if (r == PAM_SUCCESS && *rhost != '\0')
		r = libpam.pam_set_item(pam, PAM_RHOST, rhost);
	return r;
}

/*
 * What PAM's answer means to a client: a wrong password is the client's
 * matter, everything unexpected is ours. Of who has not yet shown a right
 * password (refusal is LOGIN_DENIED), no client hears what has expired: a
 * module may say so without a look at the password.
 */
static enum login_result
meaning(pam_handle_t *pam, int status, enum login_result refusal)
{
	switch (status) {
	case PAM_SUCCESS:
		return LOGIN_OK;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_CRED_INSUFFICIENT:
	case PAM_ACCT_EXPIRED:
	case PAM_CRED_EXPIRED:
		return refusal;
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
		return refusal == LOGIN_DENIED ? LOGIN_DENIED : LOGIN_EXPIRED;
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_BUF_ERR:
	case PAM_TRY_AGAIN:
		log_line(LOG_ERR, EVENT_SETUP, "PAM: %s",
			 libpam.pam_strerror(pam, status));
		return LOGIN_TEMPORARY;
	default:
		log_line(LOG_ERR, EVENT_SETUP, "PAM: %s",
			 libpam.pam_strerror(pam, status));
		return LOGIN_BROKEN;
	}
}

/* The name may have been mapped by a module. */
static enum login_result
read_back_user(pam_handle_t *pam, char *user)
{
	const void *item = NULL;
	int r = libpam.pam_get_item(pam, PAM_USER, &item);

	if (r != PAM_SUCCESS || item == NULL)
		return meaning(pam, r != PAM_SUCCESS ? r : PAM_ABORT,
			       LOGIN_DENIED);
	if (strlen(item) > USER_MAX)
		return LOGIN_DENIED;
	snprintf(user, USER_MAX + 1, "%s", (const char *)item);
	return LOGIN_OK;
}

/* Without a password somebody else has found out who it is. */
static enum login_result
authenticate(struct auth_pam *a, const char *rhost)
{
	enum login_result refusal = LOGIN_DENIED;
	int r = set_items(a->pam, rhost);

	if (r == PAM_SUCCESS && a->password != NULL)
		r = libpam.pam_authenticate(a->pam, PAM_DISALLOW_NULL_AUTHTOK);
	if (r == PAM_SUCCESS) {
		refusal = LOGIN_NO_ACCESS;
		r = libpam.pam_acct_mgmt(a->pam, PAM_DISALLOW_NULL_AUTHTOK);
	}
	if (r != PAM_SUCCESS)
		libpam_words(a->words, a->pam, r);
	return meaning(a->pam, r, refusal);
}

bool
auth_pam_has_service(const struct options *o, const char *service)
{
	const char *const dirs[] = { "/etc/pam.d", "/usr/lib/pam.d" };
	char path[PATH_MAX];
	bool found = false;

	if (o->pam_confdir != NULL) {
		snprintf(path, sizeof(path), "%s/%s", o->pam_confdir, service);
		return access(path, R_OK) == 0;
	}
	for (size_t i = 0; i < 2 && !found; i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], service);
		found = access(path, R_OK) == 0;
	}
	return found;
}

enum login_result
auth_pam_check(struct auth_pam **auth, const struct options *o,
	       const char *service, char *user, const char *password,
	       const char *rhost, char *words)
{
	struct auth_pam *a;

	*auth = NULL;
	words[0] = '\0';
	if (!libpam_load()) {
		log_line(LOG_CRIT, EVENT_SETUP,
			 "PAM: the library libpam.so.0 is missing");
		return LOGIN_BROKEN;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return LOGIN_TEMPORARY;
	a->user = user;
	a->password = password;
	a->words = words;
	struct pam_conv conv = { .conv = converse, .appdata_ptr = a };
	int r = libpam_start(service, user, o->pam_confdir, &conv, &a->pam);
	enum login_result result = r == PAM_SUCCESS
				       ? authenticate(a, rhost)
				       : meaning(NULL, r, LOGIN_BROKEN);
	if (result == LOGIN_OK)
		result = read_back_user(a->pam, user);
	a->user = a->password = a->words = NULL;
	if (result == LOGIN_OK) {
		*auth = a;
		return LOGIN_OK;
	}
	if (a->pam != NULL)
		libpam.pam_end(a->pam, r);
	free(a);
	return result;
}

void
auth_pam_preload(const struct options *o)
{
	static const struct pam_conv conv = { .conv = converse };
	/* Kept for good, so that the modules stay. */
	static pam_handle_t *pam;
	gid_t none;
	int n = 0;

	/* Loads what nsswitch.conf names, and finds that there is no nscd. */
	getgrouplist("root", 0, &none, &n);
	getpwnam("root");
	if (libpam_load())
		libpam_start(o->pam_service, NULL, o->pam_confdir, &conv, &pam);
}

bool
auth_pam_open(struct auth_pam *a)
{
	int r = libpam.pam_setcred(a->pam, PAM_SILENT | PAM_ESTABLISH_CRED);

	if (r == PAM_SUCCESS)
		r = libpam.pam_open_session(a->pam, PAM_SILENT);
	a->session_open = r == PAM_SUCCESS;
	if (!a->session_open)
		log_line(LOG_ERR, EVENT_SETUP, "PAM session: %s",
			 libpam.pam_strerror(a->pam, r));
	return a->session_open;
}

void
auth_pam_end(struct auth_pam *a)
{
	int r = PAM_SUCCESS;

	if (a == NULL)
		return;
	if (a->session_open) {
		r = libpam.pam_close_session(a->pam, PAM_SILENT);
		if (r != PAM_SUCCESS)
			log_line(LOG_WARNING, EVENT_SETUP,
				 "PAM: closing the session: %s",
				 libpam.pam_strerror(a->pam, r));
		libpam.pam_setcred(a->pam, PAM_SILENT | PAM_DELETE_CRED);
	}
	libpam.pam_end(a->pam, r);
	free(a);
}
