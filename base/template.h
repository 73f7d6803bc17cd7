/*
 * The template of --mailbox: a path with directives, each with what may shorten
 * it for spools that are too large for one directory. The syntax is Dovecot's:
 * %u; %2u, its first two bytes; %1.1u, one byte behind the first; %2Mu, two
 * digits of its MD5.
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <stdbool.h>

struct directive {
	char what; /* u, n, d, h or % */
	bool whole;
	bool md5;		/* of hex digits, not of the name itself */
	unsigned offset, width; /* unless it is whole */
};

/* Reads what stands behind a percent sign; NULL where it is no directive. */
const char *template_directive(const char *s, struct directive *d);

/* Whether each percent sign begins one. */
bool template_is_valid(const char *template);

/* Whether this one is there, whole or not. */
bool template_has(const char *template, char what);

/* Whether no two users, who may have a domain, have the same path. */
bool template_keeps_apart(const char *template);

#endif
