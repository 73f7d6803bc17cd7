/*
 * From_ lines: what one is, and where one may be. Runs in the mailbox process
 * over text that strangers wrote; knows of messages only that one begins here.
 */
#include "from_line.h"
#include "mbox.h"

#include <stdint.h>
#include <string.h>

struct word {
	const char *s;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Takes the last word off the line of *len bytes: empty if there is none. */
static struct word
last_word(const char *line, size_t *len)
{
	size_t end, start;

	for (end = *len; end > 0 && is_blank(line[end - 1]); end--)
		;
	for (start = end; start > 0 && !is_blank(line[start - 1]); start--)
		;
	*len = start;
	return (struct word){ .s = line + start, .len = end - start };
}

/* Whether w is a number of digits from min to max. */
static bool
is_number(const char *s, size_t len, int min, int max)
{
	int n = 0;

	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]))
			return false;
		n = n * 10 + (s[i] - '0');
	}
	return n >= min && n <= max;
}

static bool
is_year(struct word w)
{
	return w.len == 4 && is_number(w.s, w.len, 0, 9999);
}

static bool
is_time(struct word w)
{
	if (w.len != 5 && w.len != 8)
		return false;
	if (w.len == 8 && (w.s[5] != ':' || !is_number(w.s + 6, 2, 0, 60)))
		return false;
	return w.s[2] == ':' && is_number(w.s, 2, 0, 23) &&
	       is_number(w.s + 3, 2, 0, 59);
}

static bool
is_zone(struct word w)
{
	if (w.len == 5 && (w.s[0] == '+' || w.s[0] == '-'))
		return is_number(w.s + 1, 4, 0, 9999);
	for (size_t i = 0; i < w.len; i++)
		if (!is_alpha(w.s[i]))
			return false;
	return w.len >= 1 && w.len <= 5;
}

/* Whether w is one of the names of three letters that list holds. */
static bool
is_name(struct word w, const char *list)
{
	if (w.len != 3)
		return false;
	for (; *list != '\0'; list += 3)
		if (memcmp(w.s, list, 3) == 0)
			return true;
	return false;
}

/* Whether the len bytes end in a sender and an asctime date. */
static bool
ends_in_date(const char *s, size_t len)
{
	struct word w = last_word(s, &len);

	if (is_year(w)) {
		w = last_word(s, &len);
		for (int zones = 0; zones < 2 && is_zone(w); zones++)
			w = last_word(s, &len);
	} else {
		if (!is_zone(w) || !is_year(last_word(s, &len)))
			return false;
		w = last_word(s, &len);
	}
	if (!is_time(w))
		return false;
	w = last_word(s, &len);
	if (w.len < 1 || w.len > 2 || !is_number(w.s, w.len, 1, 31))
		return false;
	return is_name(last_word(s, &len),
		       "JanFebMarAprMayJunJulAugSepOctNovDec") &&
	       is_name(last_word(s, &len), "SunMonTueWedThuFriSat") &&
	       last_word(s, &len).len > 0;
}

bool
mbox_is_from_line(const char *line, size_t len)
{
	if (len < FROM_WORD_LEN || memcmp(line, FROM_WORD, FROM_WORD_LEN) != 0)
		return false;
	line += FROM_WORD_LEN;
	len -= FROM_WORD_LEN;
	if (len > FROM_TAIL) {
		line += len - FROM_TAIL;
		len = FROM_TAIL;
	}
	return ends_in_date(line, len);
}

/* What comes of a block is looked at as one; AFTER more bytes are there. */
#ifndef VS
#define VS 16
#endif
typedef unsigned char vec __attribute__((vector_size(VS)));
enum { VECS = 4, BLOCK = VECS * sizeof(vec), AFTER = FROM_WORD_LEN };

static vec
load(const unsigned char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static vec
splat(unsigned char c)
{
	vec v;

	memset(&v, c, sizeof(v));
	return v;
}

static bool
is_any(vec v)
{
	uint64_t w[sizeof(v) / sizeof(uint64_t)], any = 0;

	memcpy(w, &v, sizeof(v));
	for (size_t i = 0; i < sizeof(w) / sizeof(*w); i++)
		any |= w[i];
	return any != 0;
}

static unsigned
sum(vec v)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(v); i++)
		n += v[i];
	return n;
}

/* Whether p[i] may begin a From_ line, as far as the n bytes tell. */
static bool
may_begin(const unsigned char *p, size_t n, size_t i)
{
	size_t len = n - i < FROM_WORD_LEN ? n - i : FROM_WORD_LEN;

	if (len == 0 || p[i] != 'F' || p[i - 1] != '\n')
		return false;
	if (p[i - 2] != '\n' && (p[i - 2] != '\r' || p[i - 3] != '\n'))
		return false;
	return memcmp(p + i, FROM_WORD, len) == 0;
}

/*
 * Does the work of from_line_find() for the LFs from i to stop, a byte at a
 * time: returns the index behind the one that ends its search, or stop.
 */
static size_t
find_in(const unsigned char *p, size_t n, size_t i, size_t stop,
	off_t *bare_lfs)
{
	for (; i < stop; i++) {
		if (p[i] != '\n')
			continue;
		*bare_lfs += p[i - 1] != '\r';
		if (may_begin(p, n, i + 1))
			return i + 1;
	}
	return stop;
}

/* Whether LF, F, two bytes and m are in the block: rare, unlike LF and F. */
static bool
holds_from(const unsigned char *p)
{
	const vec lf = splat('\n'), f = splat('F'), m = splat('m');
	vec hits = splat(0);

	for (size_t j = 0; j < BLOCK; j += sizeof(vec))
		hits |= (vec)(load(p + j) == lf) & (vec)(load(p + j + 1) == f) &
			(vec)(load(p + j + 4) == m);
	return is_any(hits);
}

/*
 * Goes from i over blocks to one that holds LF and F, to near the end of the
 * n bytes, or as far as lanes of 8 bits can count.
 */
static size_t
find_block(const unsigned char *p, size_t n, size_t i, off_t *bare_lfs)
{
	const vec lf = splat('\n'), cr = splat('\r'), f = splat('F');
	vec count = splat(0);

	for (int k = 0; k < 255 / VECS && n - i >= BLOCK + AFTER; k++) {
		vec hits = splat(0), bare = splat(0);

		for (size_t j = i; j < i + BLOCK; j += sizeof(vec)) {
			vec is_lf = (vec)(load(p + j) == lf);

			hits |= is_lf & (vec)(load(p + j + 1) == f);
			bare -= is_lf & (vec)(load(p + j - 1) != cr);
		}
		if (is_any(hits) && holds_from(p + i))
			break;
		count += bare;
		i += BLOCK;
	}
	*bare_lfs += sum(count);
	return i;
}

size_t
from_line_find(const unsigned char *p, size_t n, off_t *bare_lfs)
{
	size_t i = 0;

	if (may_begin(p, n, 0))
		return 0;
	while (n - i >= BLOCK + AFTER) {
		i = find_block(p, n, i, bare_lfs);
		if (n - i < BLOCK + AFTER || !holds_from(p + i))
			continue;
		i = find_in(p, n, i, i + BLOCK, bare_lfs);
		if (may_begin(p, n, i))
			return i;
	}
	return find_in(p, n, i, n, bare_lfs);
}
