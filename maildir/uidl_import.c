/*
 * Runs in the mailbox process. Both files are lists with a line a message, and
 * whoever may write there may have written anything: a line that is not
 * understood is passed over, and no id is told twice.
 */
#include "maildir/uidl_import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nettle/base16.h>
#include <nettle/md5.h>

#include "base/number.h"
#include "maildir/name.h"
#include "maildir/uidl.h"

struct import {
	struct maildir_list *list;
	struct maildir_table table;
	const struct options *options;
	uint32_t validity; /* of dovecot-uidlist */
};

/* ---- ids */

/* As RFC 1939 has it; no colon, which a table takes for a name's end. */
static bool
is_id(const char *id, size_t len)
{
	if (len == 0 || len >= UIDL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] < 0x21 || id[i] > 0x7e || id[i] == ':')
			return false;
	return true;
}

/* Of the message of this name, if there is one, and it has had no other. */
static bool
set_id(struct import *x, const char *name, size_t len, const char *id)
{
	size_t probe = 0;
	struct maildir_message *m;

	do
		m = maildir_table_find(&x->table, x->list, name, len, &probe);
	while (m != NULL && (m->flags & IS_COPY));
	if (m == NULL || m->id != 0 || (m->flags & HAS_OWN_ID) ||
	    !is_id(id, strlen(id)))
		return true;
	if (maildir_strings_add(&x->list->ids, id, strlen(id), &m->id))
		return true;
	errno = ENOMEM;
	return false;
}

/* ---- Dovecot's pop3_uidl_format */

static void
put_number(char *text, size_t size, uint32_t n, int width, bool hex)
{
	if (hex)
		snprintf(text, size, "%0*" PRIx32, width, n);
	else
		snprintf(text, size, "%0*" PRIu32, width, n);
}

static void
put_md5(char *text, const char *name, size_t len)
{
	unsigned char digest[MD5_DIGEST_SIZE];
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, len, (const uint8_t *)name);
	md5_digest(&ctx, sizeof(digest), digest);
	base16_encode_update(text, sizeof(digest), digest);
	text[BASE16_ENCODE_LENGTH(sizeof(digest))] = '\0';
}

/* One directive, behind its percent sign; where it ends, or NULL. */
static const char *
expand(char *text, size_t size, const char *s, const struct dovecot_ids *d)
{
	const char *end = s + strlen(s);
	uint32_t width = number_take(&s, end);
	bool hex = *s == 'X', md5 = *s == 'M';

	if (hex || md5)
		s++;
	const char *string = *s == 'g' ? d->guid : d->name;
	size_t len = *s == 'g' ? d->guid_len : d->name_len;
	if (*s == 'u' || *s == 'v')
		put_number(text, size, *s == 'u' ? d->uid : d->validity,
			   width < UIDL_SIZE ? (int)width : UIDL_SIZE, hex);
	else if ((*s == 'f' || *s == 'g') && md5)
		put_md5(text, string, len);
	else if (*s == 'f' || *s == 'g')
		snprintf(text, size, "%.*s", (int)len, string);
	else
		return NULL;
	return s + 1;
}

bool
maildir_dovecot_id(char *id, size_t size, const char *format,
		   const struct dovecot_ids *d)
{
	char part[NAME_MAX + 1];
	size_t len = 0;
	const char *s = format != NULL ? format : "%08Xu%08Xv";

	while (*s != '\0') {
		part[0] = *s++;
		part[1] = '\0';
		if (part[0] == '%' &&
		    (s = expand(part, sizeof(part), s, d)) == NULL)
			return false;
		size_t n = strlen(part);
		if (n >= size - len)
			return false;
		memcpy(id + len, part, n + 1);
		len += n;
	}
	return is_id(id, len);
}

/* ---- dovecot-uidlist */

/* "3 V1700000000 N5 Gguid": its version and the UIDVALIDITY. */
static void
read_dovecot_head(struct import *x, const char *line, size_t len)
{
	const char *end = line + len;

	if (len < 2 || memcmp(line, "3 ", 2) != 0)
		return;
	for (const char *s = line + 1; s < end; s++)
		if (*s == ' ' && s + 1 < end && s[1] == 'V') {
			s += 2;
			x->validity = number_take(&s, end);
			return;
		}
}

/*
 * "7 W123 Pid :name": a number, fields with a letter each, and the name. P is
 * an id that came from still another server; it is told as it is.
 */
static bool
read_dovecot_line(struct import *x, const char *line, size_t len)
{
	const char *s = line, *end = line + len;
	struct dovecot_ids d = { .validity = x->validity };
	char id[UIDL_SIZE] = "";

	if (x->validity == 0) {
		read_dovecot_head(x, line, len);
		return true;
	}
	d.uid = number_take(&s, end);
	while (s < end && *s == ' ' && s + 1 < end && s[1] != ':') {
		const char *field = s + 1;

		for (s = field; s < end && *s != ' '; s++)
			;
		size_t n = (size_t)(s - field) - 1;
		if (*field == 'P' && n > 0 && n < sizeof(id))
			snprintf(id, sizeof(id), "%.*s", (int)n, field + 1);
		if (*field == 'G') {
			d.guid = field + 1;
			d.guid_len = n;
		}
	}
	if (d.uid == 0 || end - s < 3 || s[0] != ' ' || s[1] != ':')
		return true;
	d.name = s + 2;
	const char *colon = memchr(d.name, ':', (size_t)(end - d.name));
	d.name_len = (size_t)((colon == NULL ? end : colon) - d.name);
	if (d.guid_len == 0) {
		d.guid = d.name;
		d.guid_len = d.name_len;
	}
	if (id[0] == '\0' &&
	    !maildir_dovecot_id(id, sizeof(id), x->options->uidl_format, &d))
		return true;
	return set_id(x, d.name, d.name_len, id);
}

/* ---- courierpop3dsizelist */

/*
 * "name:2,S 1234 7:1700000000:0": the number, then, but in old versions, the
 * list's; what follows is of no interest. The name may hold blanks.
 */
static bool
read_courier_line(struct import *x, const char *line, size_t len)
{
	const char *uid = memrchr(line, ' ', len);
	char id[UIDL_SIZE];

	if (uid == NULL || line[0] == '/')
		return true;
	const char *size = memrchr(line, ' ', (size_t)(uid - line));
	const char *s = uid + 1, *end = line + len;
	uint32_t n = number_take(&s, end);
	if (size == NULL || n == 0)
		return true;
	if (s == end) {
		snprintf(id, sizeof(id), "UID%" PRIu32, n);
	} else if (*s == ':') {
		s++;
		uint32_t list = number_take(&s, end);
		if (s < end && *s != ':')
			return true;
		snprintf(id, sizeof(id), "UID%" PRIu32 "-%" PRIu32, n, list);
	} else {
		return true;
	}
	const char *colon = memchr(line, ':', (size_t)(size - line));
	return set_id(x, line, (size_t)((colon == NULL ? size : colon) - line),
		      id);
}

/* ---- both */

static const struct {
	const char *file;
	bool (*line)(struct import *x, const char *line, size_t len);
} servers[UIDL_KINDS] = {
	[UIDL_DOVECOT] = { "dovecot-uidlist", read_dovecot_line },
	[UIDL_COURIER] = { "courierpop3dsizelist", read_courier_line },
};

/* Lines longer than the buffer are nobody's. */
static bool
read_lines(struct import *x, int fd, char *buf, size_t size)
{
	size_t len = 0;
	bool skipping = false;

	for (;;) {
		ssize_t n = read(fd, buf + len, size - len);
		char *line = buf, *lf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		len += (size_t)n;
		while ((lf = memchr(line, '\n', len)) != NULL) {
			size_t line_len = (size_t)(lf - line);

			if (!skipping &&
			    !servers[x->options->uidl].line(x, line, line_len))
				return false;
			skipping = false;
			len -= line_len + 1;
			line = lf + 1;
		}
		memmove(buf, line, len);
		if (len == size) {
			skipping = true;
			len = 0;
		}
	}
}

static bool
read_file(struct import *x, const struct maildir_folder *f, char *buf,
	  size_t size)
{
	struct stat st;
	int fd = maildir_file_open(f->top, servers[x->options->uidl].file, &st);

	/* Other ids than that server's, for want of a right, would be kept. */
	if (fd < 0 && errno == EBADF)
		errno = EPERM;
	if (fd < 0)
		return errno == ENOENT;
	bool ok = read_lines(x, fd, buf, size);
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

/*
 * Takes back what another message has for its id, or would have if it had none
 * from that server.
 */
static bool
drop_repeated(struct maildir_list *l)
{
	struct maildir_list ids = { .count = 0 };
	struct maildir_table t = { .slots = NULL };
	char id[UIDL_SIZE];
	bool ok = maildir_table_make(&t, 2 * l->count);

	for (size_t i = 0; ok && i < l->count; i++) {
		struct maildir_message own = l->messages[i];

		own.id = 0;
		maildir_uidl_format(l, &own, UIDL_AUTO, id);
		ok = maildir_list_add(&ids, id) != NULL;
		if (ok)
			maildir_table_add(&t, &ids, i);
	}
	for (size_t i = 0; ok && i < l->count; i++) {
		struct maildir_message *m = &l->messages[i];
		const char *told = l->ids.text + m->id;
		size_t probe = 0;

		if (m->id == 0)
			continue;
		const struct maildir_message *same =
		    maildir_table_find(&t, &ids, told, strlen(told), &probe);
		if (same == &ids.messages[i])
			continue; /* the name is that server's id too */
		if (same != NULL) {
			m->id = 0;
			continue;
		}
		ok = maildir_list_add(&ids, told) != NULL;
		if (ok)
			maildir_table_add(&t, &ids, ids.count - 1);
	}
	maildir_table_free(&t);
	maildir_list_free(&ids);
	return ok;
}

bool
maildir_uidl_import(struct maildir_list *l, const struct maildir_folder *f,
		    const struct options *o, char *buf, size_t size)
{
	struct import x = { .list = l, .options = o };
	uint32_t none;

	if (servers[o->uidl].line == NULL || l->count == 0)
		return true;
	/* What stands at 0 means that there is none. */
	if (!maildir_strings_add(&l->ids, "", 0, &none) ||
	    !maildir_table_make(&x.table, l->count)) {
		errno = ENOMEM;
		return false;
	}
	for (size_t i = 0; i < l->count; i++)
		maildir_table_add(&x.table, l, i);
	bool ok = read_file(&x, f, buf, size);
	maildir_table_free(&x.table);
	if (ok && !drop_repeated(l)) {
		errno = ENOMEM;
		ok = false;
	}
	for (size_t i = 0; ok && i < l->count; i++)
		if (l->messages[i].id == 0)
			l->messages[i].flags |= HAS_OWN_ID;
	return ok;
}
