/*
 * sasl/: the AUTH command (RFC 5034), SASL's exchanges in the greeter; the
 * longer mechanisms are in files of their own. Takes apart what strangers send;
 * must not know a secret, nor whether one is right: the monitor decides.
 */
#ifndef SASL_H
#define SASL_H

#include "session.h"
#include "base/boundary.h"

/* What lines begin with that may be longer than others. */
#define AUTH_PREFIX "AUTH "

/* What a client says last, after base64; NUL-terminated behind `len`. */
struct sasl {
	size_t len;
	char response[RESPONSE_MAX + 1];
};

/* How the mechanisms that are possible now are listed. */
enum sasl_form { CAPA_LINE, AUTH_LIST };
void sasl_list(struct session *s, enum sasl_form form);

enum outcome command_auth(struct session *s, const struct arguments *a);

/*
 * Sends a challenge and waits for the response, *sasl. False when there is
 * none: *outcome is then the command's, and the client was told.
 */
bool sasl_ask(struct session *s, struct sasl *sasl, const void *challenge,
	      size_t len, enum outcome *outcome);

/* Replies "-ERR AUTH: what". */
enum outcome sasl_refuse(struct session *s, const char *what);

/* Replies that the client wants to be somebody else. */
enum outcome sasl_refuse_identity(struct session *s);

/* Mechanisms: the client's first response is in *sasl. */
enum outcome sasl_scram(struct session *s, struct sasl *sasl);
enum outcome sasl_scram_plus(struct session *s, struct sasl *sasl);
enum outcome sasl_oauthbearer(struct session *s, struct sasl *sasl);
enum outcome sasl_xoauth2(struct session *s, struct sasl *sasl);

/*
 * Who a response is from that is refused unheard, because it came without TLS:
 * for the log, so that one finds whose program to change. Each takes the name
 * out of a first response, as far as it is there, into user, of USER_MAX + 1
 * octets; "" without one.
 */
void sasl_name_plain(const struct sasl *sasl, char *user);
void sasl_name_login(const struct sasl *sasl, char *user);
void sasl_name_oauthbearer(const struct sasl *sasl, char *user);
void sasl_name_xoauth2(const struct sasl *sasl, char *user);

#endif
