/*
 * The name in a response that is not taken. In the greeter; what else is wrong
 * with the response is not its concern.
 */
#include "sasl/sasl.h"

#include <stdio.h>
#include <string.h>

#include "sasl/scram_text.h"

void
sasl_name_plain(const struct sasl *sasl, char *user)
{
	const char *nul = memchr(sasl->response, '\0', sasl->len);

	snprintf(user, USER_MAX + 1, "%.*s", USER_MAX,
		 nul != NULL ? nul + 1 : "");
}

void
sasl_name_login(const struct sasl *sasl, char *user)
{
	snprintf(user, USER_MAX + 1, "%.*s", USER_MAX, sasl->response);
}

void
sasl_name_oauthbearer(const struct sasl *sasl, char *user)
{
	char binding[32];

	if (scram_parse_gs2(sasl->response, binding, sizeof(binding), user) ==
	    0)
		user[0] = '\0';
}

void
sasl_name_xoauth2(const struct sasl *sasl, char *user)
{
	static const char key[] = "user=";
	const char *name = sasl->response + strlen(key);

	user[0] = '\0';
	if (strncmp(sasl->response, key, strlen(key)) == 0)
		snprintf(user, USER_MAX + 1, "%.*s", (int)strcspn(name, "\1"),
			 name);
}
