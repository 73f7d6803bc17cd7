/*
 * journal.c, journal_head.c, commit.c: a commit that was cut after its journal
 * was written, with the journal and the mailbox changed in any way since; and
 * any bytes as a journal.
 */
#include "fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <dirent.h>

#include "commit/commit.h"
#include "commit/journal.h"

enum { BOX_MAX = 16 * 1024, RANGES_MAX = 4 };
enum { AT_FIRST = 16, AT_HEAD_HASH = 96, AT_MARK = 2048 };

struct world {
	int dir, mailbox;
	char *before, *after; /* the commit */
	size_t before_len, after_len;
};

/* Any bytes with a head that is right, as far as it can be. */
static void
make_plausible(uint8_t *file, size_t n)
{
	static const uint8_t head[16] = { 'p', 'o', 'p', '3', 'd', 'j', 'n',
					  'l', 1,   0,	 0,   0,   0,	2 };
	uint8_t whole[2 * PAGE] = { 0 };
	uint64_t first;

	if (n < PAGE)
		return;
	memcpy(file, head, sizeof(head));
	memcpy(&first, file + AT_FIRST, sizeof(first));
	size_t data = PAGE + first % PAGE;
	if (data > n)
		return;
	memcpy(whole, file, data);
	memset(whole + AT_HEAD_HASH, 0, 16);
	memset(whole + AT_MARK, 0, 8);
	XXH128_hash_t hash = XXH3_128bits(whole, data);
	memcpy(file + AT_HEAD_HASH, &hash.low64, 8);
	memcpy(file + AT_HEAD_HASH + 8, &hash.high64, 8);
}

/* Ranges in order, within size; returns how many. */
static size_t
take_ranges(struct input *in, struct commit_range *ranges, size_t size)
{
	size_t n = 0, at = 0;

	for (size_t i = take_byte(in) % RANGES_MAX; i != SIZE_MAX; i--) {
		size_t start = at + take_size(in);
		size_t end = start + take_size(in) + 1;

		if (end > size)
			break;
		ranges[n++] = (struct commit_range){ (off_t)start, (off_t)end };
		at = end;
	}
	return n;
}

static void
compute_after(struct world *w, const struct commit_range *ranges, size_t n)
{
	size_t at = 0;

	w->after = malloc(w->before_len + 1);
	must(w->after != NULL);
	for (size_t i = 0; i <= n; i++) {
		size_t to = i < n ? (size_t)ranges[i].start : w->before_len;

		memcpy(w->after + w->after_len, w->before + at, to - at);
		w->after_len += to - at;
		at = i < n ? (size_t)ranges[i].end : to;
	}
}

/* Writes bytes of the input into a file, anywhere. */
static bool
scribble(int fd, struct input *in, size_t limit)
{
	bool changed = false;

	for (size_t i = take_byte(in) % 4; i > 0; i--) {
		size_t at = take_size(in) % limit;
		uint8_t is, byte = take_byte(in);

		if (pread(fd, &is, 1, (off_t)at) == 1 && is == byte)
			continue;
		must(pwrite(fd, &byte, 1, (off_t)at) == 1);
		changed = true;
	}
	return changed;
}

static int
open_journal(const struct world *w)
{
	return openat(w->dir, "journal", O_RDWR | O_CLOEXEC);
}

static void
empty_directory(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_CLOEXEC));
	struct dirent *e;

	must(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			must(unlinkat(dir, e->d_name, 0) == 0);
	closedir(d);
}

static bool
is(int fd, const char *data, size_t n)
{
	size_t len;
	char *text = contents(fd, &len);
	bool same = len == n && memcmp(text, data, n) == 0;

	free(text);
	return same;
}

/* Recovers twice: what the first has done must satisfy the second. */
static enum commit_result
recover(const struct world *w)
{
	enum commit_result r = commit_recover(w->mailbox, w->dir, NULL);

	must(r == COMMIT_DONE || r == COMMIT_NOTHING || r == COMMIT_RESCUED);
	must(!commit_pending(w->dir));
	must(commit_recover(w->mailbox, w->dir, NULL) == COMMIT_NOTHING);
	return r;
}

/* The mailbox as it was, as it is to be, or half of each; and new mail. */
static void
take_progress(struct world *w, struct input *in)
{
	size_t end = take_size(in) % (w->after_len + 1);

	if (take_byte(in) & 1)
		must(pwrite(w->mailbox, w->after, end / 512 * 512, 0) >= 0);
}

static void
check_cut_commit(struct world *w, struct input *in)
{
	struct commit_range ranges[RANGES_MAX];
	struct input box = take_until_mark(in), arrived = take_until_mark(in);
	size_t n = take_ranges(in, ranges, box.n);
	struct journal j;

	if (n == 0 || box.n > BOX_MAX)
		return;
	w->before = malloc(box.n);
	must(w->before != NULL);
	memcpy(w->before, box.p, box.n);
	w->before_len = box.n;
	compute_after(w, ranges, n);
	if (w->after_len == 0) { /* takes no journal */
		free(w->before);
		free(w->after);
		return;
	}
	w->mailbox = memory_file(w->before, w->before_len);
	must(journal_write(&j, w->dir, w->mailbox, (off_t)w->before_len, ranges,
			   n, false));
	must(journal_publish(w->dir) && journal_close(&j));
	take_progress(w, in);
	must(pwrite(w->mailbox, arrived.p, arrived.n, (off_t)w->before_len) >=
	     0);
	size_t len;
	char *mailbox_before = contents(w->mailbox, &len);
	bool changed = scribble(w->mailbox, in, len + 8);
	int journal = open_journal(w);
	bool damaged = scribble(journal, in, PAGE + w->after_len + 64);
	close(journal);
	char *now = contents(w->mailbox, &len);
	enum commit_result r = recover(w);
	must(r != COMMIT_NOTHING);
	if (r == COMMIT_RESCUED)
		must(is(w->mailbox, now, len));
	if (!changed && !damaged) {
		size_t want = w->after_len + arrived.n;
		char *both = malloc(want + 1);

		must(both != NULL && r == COMMIT_DONE);
		memcpy(both, w->after, w->after_len);
		memcpy(both + w->after_len, arrived.p, arrived.n);
		must(is(w->mailbox, both, want));
		free(both);
	}
	free(mailbox_before);
	free(now);
	free(w->before);
	free(w->after);
}

static void
check_any_bytes(struct world *w, struct input *in, bool plausible)
{
	struct input box = take_until_mark(in);
	uint8_t *file = malloc(in->n + 1);
	char path[256];

	must(file != NULL);
	memcpy(file, in->p, in->n);
	if (plausible)
		make_plausible(file, in->n);
	snprintf(path, sizeof(path), "%s/journal", scratch());
	write_new_file(path, file, in->n);
	free(file);
	w->mailbox = memory_file(box.p, box.n);
	recover(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .mailbox = -1 };
	struct input in = { data, size };
	uint8_t how = take_byte(&in);

	w.dir = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(w.dir >= 0);
	if (how & 1)
		check_cut_commit(&w, &in);
	else
		check_any_bytes(&w, &in, how & 2);
	empty_directory(w.dir);
	if (w.mailbox >= 0)
		close(w.mailbox);
	close(w.dir);
	return 0;
}
