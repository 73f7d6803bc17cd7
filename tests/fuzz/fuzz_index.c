/*
 * index.c: any bytes as an index. What is taken for one must be safe to use;
 * written again, it must be the same.
 */
#include "fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "mbox/index.h"
#include "mbox/refind.h"
#include "mbox/uidl.h"

enum { AT_CHECKSUM = 8, AT_SUMMED = 16, AT_VERSION = 16 };

/* The fuzzer cannot guess these. */
static void
make_plausible(uint8_t *file, size_t n, uint8_t how)
{
	static const char magic[8] = "pop3dix";

	if (n < AT_SUMMED + 8)
		return;
	if (how & 1) {
		memcpy(file, magic, sizeof(magic));
		memset(file + AT_VERSION, 0, 8);
		file[AT_VERSION] = 2;
	}
	if (how & 2) {
		uint64_t sum = XXH3_64bits(file + AT_SUMMED, n - AT_SUMMED);

		memcpy(file + AT_CHECKSUM, &sum, sizeof(sum));
	}
}

static void
check_safe(struct mbox *m)
{
	char uidl[UIDL_SIZE];
	off_t end = m->size;

	for (size_t i = m->count; i-- > 0;) {
		const struct mbox_message *msg = &m->messages[i];

		must(msg->start >= 0 && msg->size >= 0);
		must(msg->start + msg->size == end);
		must(mbox_text_start(msg) <= mbox_text_end(msg));
		must(msg->octets >= 0);
		end = msg->start;
		uidl_format(m, i, uidl);
		must(strlen(uidl) < sizeof(uidl));
	}
	must(m->uidls_len == 0 || m->uidls[m->uidls_len - 1] == '\0');
}

static void
check_roundtrip(int dir, const struct mbox *m, const struct snapshot *s,
		const struct index_last *last)
{
	struct mbox again = { .count = 0 };
	struct index_last last_again;
	struct snapshot snapshot;

	must(index_save(dir, UIDL_AUTO, m, s, last));
	must(index_load(dir, UIDL_AUTO, 0, &again, &snapshot, &last_again));
	must(again.count == m->count && again.size == m->size);
	must(snapshot.ino == s->ino && snapshot.mtime_sec == s->mtime_sec);
	for (size_t i = 0; i < m->count; i++) {
		must(again.messages[i].start == m->messages[i].start);
		must(again.messages[i].octets == m->messages[i].octets);
		must(again.messages[i].uidl == m->messages[i].uidl);
	}
	mbox_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbox m = { .count = 0 }, seen = { .count = 0 };
	struct input in = { data, size };
	struct index_last last;
	struct snapshot s;
	char path[256];

	uint8_t how = take_byte(&in);
	uint8_t *file = malloc(in.n + 1);
	must(file != NULL);
	memcpy(file, in.p, in.n);
	make_plausible(file, in.n, how);
	snprintf(path, sizeof(path), "%s/index", scratch());
	write_new_file(path, file, in.n);
	free(file);
	int dir = open(scratch(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0);
	if (index_load(dir, UIDL_AUTO, 0, &m, &s, &last)) {
		check_safe(&m);
		check_roundtrip(dir, &m, &s, &last);
		must(uidl_assign(&m, UIDL_AUTO));
		must(index_load(dir, UIDL_AUTO, 0, &seen, &s, &last));
		must(refind(&seen, &m));
		check_safe(&m);
	} else {
		must(m.count == 0 && m.messages == NULL);
	}
	mbox_free(&m);
	mbox_free(&seen);
	close(dir);
	return 0;
}
