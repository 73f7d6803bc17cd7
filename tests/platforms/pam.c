/*
 * A libpam.so.0 for tests with a C library for which there is no Linux-PAM:
 * those functions of it that pop3d calls. Who may log in is told, as for
 * pam_matrix.so, by the file after passdb= in the service's configuration: a
 * line "user:password:service" each.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pam_handle {
	char user[256], service[64], passdb[4096];
	struct pam_conv conv;
};

int
pam_start_confdir(const char *service, const char *user,
		  const struct pam_conv *conv, const char *confdir,
		  pam_handle_t **pam)
{
	char path[4096], line[4096];
	struct pam_handle *h = calloc(1, sizeof(*h));
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", confdir, service);
	f = fopen(path, "re");
	if (h == NULL || f == NULL) {
		free(h);
		return PAM_SYSTEM_ERR;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		char *at = strstr(line, "passdb=");

		if (at != NULL)
			sscanf(at, "passdb=%4095s", h->passdb);
	}
	fclose(f);
	snprintf(h->user, sizeof(h->user), "%s", user);
	snprintf(h->service, sizeof(h->service), "%s", service);
	h->conv = *conv;
	*pam = h;
	return PAM_SUCCESS;
}

int
pam_start(const char *service, const char *user, const struct pam_conv *conv,
	  pam_handle_t **pam)
{
	return pam_start_confdir(service, user, conv, "/etc/pam.d", pam);
}

/* The user's password; false where nobody has that name. */
static int
look_up(const struct pam_handle *h, char *password)
{
	char line[4096], user[256], service[64];
	FILE *f = fopen(h->passdb, "re");
	int found = 0;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%255[^:]:%255[^:]:%63[^:\n]", user,
			       password, service) == 3 &&
			strcmp(user, h->user) == 0 &&
			strcmp(service, h->service) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

int
pam_authenticate(pam_handle_t *h, int flags)
{
	const struct pam_message prompt = { PAM_PROMPT_ECHO_OFF, "Password: " };
	const struct pam_message *prompts[] = { &prompt };
	struct pam_response *said = NULL;
	char password[256];
	int r;

	(void)flags;
	r = h->conv.conv(1, prompts, &said, h->conv.appdata_ptr);
	if (r != PAM_SUCCESS || said == NULL)
		return PAM_CONV_ERR;
	r = look_up(h, password) && said->resp != NULL &&
			    strcmp(password, said->resp) == 0
		    ? PAM_SUCCESS
		    : PAM_AUTH_ERR;
	free(said->resp);
	free(said);
	return r;
}

int
pam_acct_mgmt(pam_handle_t *h, int flags)
{
	char password[256];

	(void)flags;
	return look_up(h, password) ? PAM_SUCCESS : PAM_PERM_DENIED;
}

int
pam_setcred(pam_handle_t *h, int flags)
{
	(void)h, (void)flags;
	return PAM_SUCCESS;
}

int
pam_open_session(pam_handle_t *h, int flags)
{
	(void)h, (void)flags;
	return PAM_SUCCESS;
}

int
pam_close_session(pam_handle_t *h, int flags)
{
	(void)h, (void)flags;
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *h, int type, const void *item)
{
	(void)h, (void)type, (void)item;
	return PAM_SUCCESS;
}

int
pam_get_item(const pam_handle_t *h, int type, const void **item)
{
	*item = type == PAM_USER ? h->user : NULL;
	return type == PAM_USER ? PAM_SUCCESS : PAM_BAD_ITEM;
}

const char *
pam_strerror(pam_handle_t *h, int number)
{
	(void)h;
	return number == PAM_AUTH_ERR ? "Authentication failure"
				      : "Permission denied";
}

int
pam_end(pam_handle_t *h, int status)
{
	(void)status;
	free(h);
	return PAM_SUCCESS;
}
