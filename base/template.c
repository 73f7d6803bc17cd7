/* In every process that has options; pure. */
#include "base/template.h"

#include <stddef.h>
#include <string.h>

enum { LONGEST = 99 };

static const char *
read_number(const char *s, unsigned *n)
{
	for (*n = 0; *s >= '0' && *s <= '9' && *n <= LONGEST; s++)
		*n = *n * 10 + (unsigned)(*s - '0');
	return s;
}

const char *
template_directive(const char *s, struct directive *d)
{
	const char *begin = s;

	*d = (struct directive){ .whole = true };
	s = read_number(s, &d->width);
	if (*s == '.' && s > begin) {
		d->offset = d->width;
		s = read_number(s + 1, &d->width);
	}
	d->whole = s == begin;
	if (!d->whole && *s == 'M') {
		d->md5 = true;
		s++;
	}
	if (!d->whole &&
	    (d->width == 0 || d->width > LONGEST || d->offset > LONGEST))
		return NULL;
	d->what = *s;
	if (*s == '\0' || strchr(d->whole ? "undh%" : "und", *s) == NULL)
		return NULL;
	return s + 1;
}

bool
template_is_valid(const char *template)
{
	const char *s = template;
	struct directive d;

	while ((s = strchr(s, '%')) != NULL)
		if ((s = template_directive(s + 1, &d)) == NULL)
			return false;
	return true;
}

bool
template_has(const char *template, char what)
{
	const char *s = template;
	struct directive d;

	while ((s = strchr(s, '%')) != NULL &&
	       (s = template_directive(s + 1, &d)) != NULL)
		if (d.what == what)
			return true;
	return false;
}

/* What a component of the path is made of. */
struct component {
	bool u, n, d; /* whole */
	bool pieces;  /* of n or d */
	bool n_at_d;
};

/* One component; where it ends. */
static const char *
read_component(const char *s, struct component *c)
{
	struct directive d;

	*c = (struct component){ .u = false };
	while (*s != '\0' && *s != '/') {
		if (*s++ != '%')
			continue;
		c->n_at_d = c->n_at_d || strncmp(s, "n@%d", 4) == 0;
		s = template_directive(s, &d);
		if (s == NULL)
			return "";
		c->u = c->u || (d.whole && d.what == 'u');
		c->n = c->n || (d.whole && d.what == 'n');
		c->d = c->d || (d.whole && d.what == 'd');
		c->pieces =
		    c->pieces || (!d.whole && (d.what == 'n' || d.what == 'd'));
	}
	return s;
}

/*
 * A whole name is known from its component where nothing of another length
 * stands beside it; a piece of the same one may, for it grows with it. Names
 * hold no '/', so one of %n and %d that is alone in its component is known from
 * it, and then the other is. The domain holds no '@' either.
 */
bool
template_keeps_apart(const char *template)
{
	bool alone = false, n = false, d = false;

	for (const char *s = template; *s != '\0'; s += *s == '/') {
		struct component c;

		s = read_component(s, &c);
		if (c.pieces)
			continue;
		if (c.u || c.n_at_d)
			return true;
		n = n || c.n;
		d = d || c.d;
		alone = alone || c.n != c.d;
	}
	return n && d && alone;
}
