/*
 * From_ lines: what one is, and where one may be. Runs in the mailbox process
 * over text that strangers wrote; knows of messages only that one begins here.
 */
#include "mbox/from_line.h"

#include <string.h>

#include "mbox/processor.h"

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

static bool
is(struct word w, const char *text)
{
	return w.len == strlen(text) && memcmp(w.s, text, w.len) == 0;
}

/* Takes off "remote from HOST", which UUCP's mailers and Solaris write. */
static void
cut_remote(const char *s, size_t *len)
{
	size_t left = *len;

	last_word(s, &left);
	if (is(last_word(s, &left), "from") &&
	    is(last_word(s, &left), "remote"))
		*len = left;
}

/* Whether the len bytes end in a sender and an asctime date. */
static bool
ends_in_date(const char *s, size_t len)
{
	struct word w;

	cut_remote(s, &len);
	w = last_word(s, &len);
	if (!is_year(w) && (!is_zone(w) || !is_year(last_word(s, &len))))
		return false;
	w = last_word(s, &len);
	for (int zones = 0; zones < 2 && is_zone(w); zones++)
		w = last_word(s, &len);
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
enum { BLOCK = 192, AFTER = FROM_WORD_LEN };

/* Compiled anew for each kind of processor that it is made part of. */
#define FOR_EACH_PROCESSOR static inline __attribute__((always_inline))

/* Whether p[i] may begin a From_ line, as far as the n bytes tell. */
static bool
may_begin(const unsigned char *p, size_t n, size_t i)
{
	size_t len = n - i < FROM_WORD_LEN ? n - i : FROM_WORD_LEN;

	p += i;
	if (len == 0 || *p != 'F' || p[-1] != '\n')
		return false;
	if (p[-2] != '\n' && (p[-2] != '\r' || p[-3] != '\n'))
		return false;
	return memcmp(p, FROM_WORD, len) == 0;
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
		*bare_lfs += (p + i)[-1] != '\r';
		if (may_begin(p, n, i + 1))
			return i + 1;
	}
	return stop;
}

/*
 * Whether LF, F, two bytes and m are in the block: rare, unlike LF and F. Loops
 * like this one, without a branch, become vector instructions.
 */
FOR_EACH_PROCESSOR bool
holds_from(const unsigned char *p)
{
	unsigned char hits = 0;

	for (size_t j = 0; j < BLOCK; j++)
		hits |= (unsigned char)((p[j] == '\n') & (p[j + 1] == 'F') &
					(p[j + 4] == 'm'));
	return hits != 0;
}

/* Goes from i over blocks to one that holds_from(), or to the last one. */
FOR_EACH_PROCESSOR size_t
find_block(const unsigned char *p, size_t n, size_t i, off_t *bare_lfs)
{
	for (; n - i >= BLOCK + AFTER; i += BLOCK) {
		const unsigned char *block = p + i, *before = block - 1;
		unsigned char hits = 0, bare = 0; /* BLOCK fits in */

		for (size_t j = 0; j < BLOCK; j++) {
			unsigned char lf = block[j] == '\n';

			hits |= (unsigned char)(lf & (block[j + 1] == 'F'));
			bare += (unsigned char)(lf & (before[j] != '\r'));
		}
		if (hits && holds_from(block))
			break;
		*bare_lfs += bare;
	}
	return i;
}

FOR_EACH_PROCESSOR size_t
find(const unsigned char *p, size_t n, off_t *bare_lfs)
{
	size_t i = 0;

	if (may_begin(p, n, 0))
		return 0;
	for (;;) {
		i = find_block(p, n, i, bare_lfs);
		if (n - i < BLOCK + AFTER)
			return find_in(p, n, i, n, bare_lfs);
		i = find_in(p, n, i, i + BLOCK, bare_lfs);
		if (may_begin(p, n, i))
			return i;
	}
}

#ifdef HAS_AVX2
__attribute__((target("avx2"))) static size_t
find_avx2(const unsigned char *p, size_t n, off_t *bare_lfs)
{
	return find(p, n, bare_lfs);
}
#endif

size_t
from_line_find(const unsigned char *p, size_t n, off_t *bare_lfs)
{
#ifdef HAS_AVX2
	if (HAS_AVX2)
		return find_avx2(p, n, bare_lfs);
#endif
	return find(p, n, bare_lfs);
}
