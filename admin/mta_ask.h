/* Mail programs and how --check asks them for their settings. */
#ifndef MTA_ASK_H
#define MTA_ASK_H

#include <stdbool.h>
#include <stddef.h>

enum { MTA_ANSWER_SIZE = 16384 };

/* A setting's value in one line, "" where it is empty. False: no Postfix. */
bool postfix_ask(const char *setting, char *value, size_t size);

/* All that Exim says of a router or transport. False: there is none. */
bool exim_ask(const char *kind, const char *name, char *out, size_t size);

/* From such an answer, the value of "name = value". False: it has no such. */
bool exim_value(const char *out, const char *name, char *value, size_t size);

/* Whether it has such a line: "maildir_format". */
bool exim_has(const char *out, const char *line);

/* The transport that local mail is given to, as Debian's configuration has it.
 */
void exim_local_transport(char *name, size_t size);

/* As postfix_ask, of Dovecot. */
bool dovecot_ask(const char *setting, char *value, size_t size);

#endif
