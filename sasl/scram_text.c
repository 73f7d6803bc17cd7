/*
 * Parses what strangers send, in the greeter. Knows no secret and decides
 * nothing: it only finds where the parts of a message are.
 */
#include "sasl/scram_text.h"

#include <string.h>

#include "sasl/base64.h"

/* Copies n octets as a string; false where they do not fit. */
static bool
copy(char *dst, size_t size, const char *src, size_t n)
{
	if (n >= size)
		return false;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return true;
}

/* "saslname": =2C is a comma, =3D an equals sign, and no other = stands. */
static bool
copy_name(char *dst, const char *src, size_t n)
{
	size_t used = 0;

	for (const char *end = src + n; src < end; src++) {
		char c = *src;

		if (c == '=') {
			if (end - src < 3)
				return false;
			if (memcmp(src, "=2C", 3) == 0)
				c = ',';
			else if (memcmp(src, "=3D", 3) != 0)
				return false;
			src += 2;
		}
		if (used == USER_MAX)
			return false;
		dst[used++] = c;
	}
	dst[used] = '\0';
	return used > 0;
}

/*
 * Takes an attribute "x=value" off the message; false where another stands
 * there. The value ends before a comma or at the end; *message is behind it.
 */
static bool
attribute(const char **message, char name, const char **value, size_t *n)
{
	if ((*message)[0] != name || (*message)[1] != '=')
		return false;
	*value = *message + 2;
	*n = strcspn(*value, ",");
	*message = *value + *n;
	return true;
}

static bool
is_nonce(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text < '!' || *text > '~' || *text == ',')
			return false;
	return true;
}

size_t
scram_parse_gs2(const char *message, char *name, size_t size, char *user)
{
	const char *at = message, *value;
	size_t n;

	name[0] = user[0] = '\0';
	if (attribute(&at, 'p', &value, &n)) {
		if (n == 0 || !copy(name, size, value, n))
			return 0;
	} else if (*at == 'n' || *at == 'y') {
		at++;
	}
	if (at == message || *at++ != ',')
		return 0;
	if (attribute(&at, 'a', &value, &n) && !copy_name(user, value, n))
		return 0;
	return *at == ',' ? (size_t)(at + 1 - message) : 0;
}

const char *
scram_parse_first(struct scram_first *f, const char *message, size_t len)
{
	const char *value;
	size_t n;

	if (memchr(message, '\0', len) != NULL)
		return "A NUL in the message";
	size_t gs2 = scram_parse_gs2(message, f->binding_name,
				     sizeof(f->binding_name), f->authzid);
	if (gs2 == 0 || !copy(f->gs2, sizeof(f->gs2), message, gs2))
		return "The message's header is wrong";
	f->binding = (enum scram_binding)message[0];
	message += gs2;
	if (!copy(f->bare, sizeof(f->bare), message, len - gs2))
		return "The message is too long";
	if (message[0] == 'm')
		return "The extension is not known";
	if (!attribute(&message, 'n', &value, &n) ||
	    !copy_name(f->user, value, n) || *message++ != ',')
		return "The name is wrong";
	if (!attribute(&message, 'r', &value, &n) ||
	    !copy(f->nonce, sizeof(f->nonce), value, n) || !is_nonce(f->nonce))
		return "The nonce is wrong";
	return NULL;
}

const char *
scram_parse_final(struct scram_final *f, const char *message, size_t len)
{
	static const char wrong[] = "The message is wrong";
	const char *value;
	size_t n;

	if (memchr(message, '\0', len) != NULL)
		return "A NUL in the message";
	if (!attribute(&message, 'c', &value, &n) ||
	    !copy(f->binding, sizeof(f->binding), value, n) ||
	    *message++ != ',')
		return wrong;
	if (!attribute(&message, 'r', &value, &n) ||
	    !copy(f->nonce, sizeof(f->nonce), value, n))
		return wrong;
	const char *extensions = message;
	while (*message == ',' && strncmp(message, ",p=", 3) != 0)
		message += 1 + strcspn(message + 1, ",");
	if (!copy(f->extensions, sizeof(f->extensions), extensions,
		  (size_t)(message - extensions)) ||
	    *message++ != ',' || !attribute(&message, 'p', &value, &n) ||
	    *message != '\0')
		return wrong;
	size_t size;
	if (!base64_decode(f->proof, sizeof(f->proof), &size, value, n) ||
	    size != sizeof(f->proof))
		return "The proof is wrong";
	return NULL;
}
