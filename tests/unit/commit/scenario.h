/*
 * Mailboxes from which messages go, for the tests of the commit and of the
 * recovery: the sources under test on the disk of disk.h, in small blocks.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "disk.h"

/* Those of the binary are linked too; these are other ones. */
#define file_read tested_file_read
#define file_write tested_file_write
#define file_look tested_file_look
#define file_look_at tested_file_look_at
#define file_disk tested_file_disk
#define file_begin_draft tested_file_begin_draft
#define file_end_draft tested_file_end_draft
#define file_time_is_fresh tested_file_time_is_fresh
#define file_truncate tested_file_truncate
#define fence_note tested_fence_note
#define fence_stands tested_fence_stands
#define journal_is_named tested_journal_is_named
#define file_sync tested_file_sync
#define file_sync_data tested_file_sync_data
#define journal_place tested_journal_place
#define journal_entry tested_journal_entry
#define journal_size tested_journal_size
#define journal_write_head tested_journal_write_head
#define journal_read_head tested_journal_read_head
#define journal_waits tested_journal_waits
#define journal_draft_waits tested_journal_draft_waits
#define journal_remove_draft tested_journal_remove_draft
#define journal_write tested_journal_write
#define journal_publish tested_journal_publish
#define journal_open tested_journal_open
#define journal_compare tested_journal_compare
#define journal_copy tested_journal_copy
#define journal_mark tested_journal_mark
#define journal_remove tested_journal_remove
#define journal_set_aside tested_journal_set_aside
#define journal_close tested_journal_close
#define course_begin tested_course_begin
#define course_examine tested_course_examine
#define course_failed tested_course_failed
#define course_pending tested_course_pending
#define course_attempt tested_course_attempt
#define course_restore_times tested_course_restore_times
#define course_sync_dir tested_course_sync_dir
#define course_note tested_course_note
#define course_seal tested_course_seal
#define course_settle tested_course_settle
#define course_cut tested_course_cut
#define course_carry_through tested_course_carry_through
#define course_conclude tested_course_conclude
#define course_tell_finished tested_course_tell_finished
#define journal_create_draft tested_journal_create_draft
#define journal_need tested_journal_need
#define steps_cursor_at tested_steps_cursor_at
#define steps_pass tested_steps_pass
#define steps_piece tested_steps_piece
#define steps_plan_move tested_steps_plan_move
#define steps_kept_at tested_steps_kept_at
#define steps_write_head tested_steps_write_head
#define steps_read_head tested_steps_read_head
#define steps_write_record tested_steps_write_record
#define steps_read_records tested_steps_read_records
#define steps_read_kept tested_steps_read_kept
#define steps_hash tested_steps_hash
#define steps_hash_equal tested_steps_hash_equal
#define steps_find_room tested_steps_find_room
#define steps_commit tested_steps_commit
#define steps_recover tested_steps_recover
#define commit_remove tested_commit_remove
#define commit_pending tested_commit_pending
#define commit_recover tested_commit_recover
#define log_line tested_log_line

#define JOURNAL_BLOCK DISK_BLOCK
#define JOURNAL_SECTOR DISK_SECTOR
#define STEPS_STEP_MAX 48
#define STEPS_MAX 199
#include "base/fileio.c"
#include "commit/journal_head.c"
#include "commit/journal.c"
#include "commit/fence.c"
#include "commit/course.c"
#include "commit/steps_plan.c"
#include "commit/steps_file.c"
#include "commit/steps_room.c"
#include "commit/steps.c"
#include "commit/commit.c"

enum { CUT = 100, MESSAGES_MAX = 8, ARRIVALS = 5 };

/* A mailbox, what goes from it, and what must be left. */
struct scenario {
	struct world old;
	struct commit_range ranges[MESSAGES_MAX];
	size_t n;
	unsigned char new[FILE_MAX];
	size_t new_size;
};

static struct scenario scenario;
static struct world first_cut; /* what the commit's cut has left */
static int crits;
static const struct commit_locks *locks; /* what the runs are given */
static off_t room = -1;			 /* for files in the directory */

static const struct commit_place place = { DIR_FD, "state", "index" };

void
log_line(int priority, enum log_event event, const char *format, ...)
{
	(void)format;
	crits += priority == LOG_CRIT && event == EVENT_RESCUED;
}

/* Scenarios */

enum kind { KIND_DISTINCT, KIND_ALIKE, KIND_NULS, KINDS };

static size_t
message_size(enum kind kind, int i)
{
	static const unsigned char sizes[MESSAGES_MAX] = { 5,  40, 1,  64,
							   17, 16, 33, 70 };

	return kind == KIND_ALIKE ? 23 : sizes[i];
}

static unsigned char
message_byte(enum kind kind, int i, size_t at)
{
	if (kind == KIND_ALIKE)
		return (unsigned char)"From a\nbc"[at % 9];
	if (kind == KIND_NULS && at % 3 == 0)
		return 0;
	return (unsigned char)('A' + (at * 7 + (size_t)i * 11 + at / 26) % 57);
}

/* The bits of `gone` are the messages to be removed. */
static void
make_scenario(enum kind kind, int messages, unsigned gone)
{
	struct scenario *s = &scenario;
	struct content *c = &s->old.mailbox;

	memset(s, 0, sizeof(*s));
	for (int i = 0; i < messages; i++) {
		size_t size = message_size(kind, i);
		bool goes = gone >> i & 1;

		if (goes) {
			s->ranges[s->n].start = c->size;
			s->ranges[s->n++].end = c->size + (off_t)size;
		}
		for (size_t at = 0; at < size; at++) {
			unsigned char byte = message_byte(kind, i, at);

			c->bytes[c->size++] = byte;
			if (!goes)
				s->new[s->new_size++] = byte;
		}
	}
}

/* Mail that comes between a cut and the recovery; false: not this one. */
static bool
arrive(struct world *w, int which)
{
	static const char small
	    [] = "From x\n",
       large[] =
	    "From y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\n"
	    "From y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\nFrom y\n";
	const struct content *old = &scenario.old.mailbox;
	const unsigned char *tail = old->bytes + scenario.new_size;
	size_t len = (size_t)old->size - scenario.new_size;
	unsigned char *end = w->mailbox.bytes + w->mailbox.size;

	/* just what the old mailbox ended with: it must not be taken for it */
	if (which >= 3 && (len == 0 || tail[0] == '\0'))
		return false;
	if (which == 1)
		memcpy(end, small, len = sizeof(small) - 1);
	else if (which == 2)
		memcpy(end, large, len = sizeof(large) - 1);
	else if (which >= 3)
		memcpy(end, tail, len);
	else
		len = 0;
	if (which == 4) {
		memcpy(end + len, small, sizeof(small) - 1);
		len += sizeof(small) - 1;
	}
	w->mailbox.size += (off_t)len;
	return true;
}

/* Runs */

static void
load(const struct world *w)
{
	disk_load(w);
	disk.room = room;
}

static int
run_commit(void)
{
	const struct scenario *s = &scenario;
	int result;

	if (setjmp(disk.cut) != 0) {
		disk_reap();
		return CUT;
	}
	result = (int)commit_remove(MAILBOX_FD, disk.inode[0].now.size, &place,
				    s->ranges, s->n, locks);
	assert_false(disk.grew);
	return result;
}

static int
run_recover(int mailbox)
{
	int result;

	if (setjmp(disk.cut) != 0) {
		disk_reap();
		return CUT;
	}
	result = (int)commit_recover(mailbox, DIR_FD, locks);
	assert_false(disk.grew);
	return result;
}

static bool
mailbox_is(const unsigned char *bytes, size_t len, int arrived, int arrived2)
{
	static struct world w;

	memcpy(w.mailbox.bytes, bytes, len);
	w.mailbox.size = (off_t)len;
	arrive(&w, arrived);
	arrive(&w, arrived2);
	return disk.inode[0].now.size == w.mailbox.size &&
	       memcmp(disk.inode[0].now.bytes, w.mailbox.bytes,
		      (size_t)w.mailbox.size) == 0;
}

static bool
is_old(int arrived, int arrived2)
{
	const struct content *c = &scenario.old.mailbox;

	return mailbox_is(c->bytes, (size_t)c->size, arrived, arrived2);
}

static bool
is_new(int arrived, int arrived2)
{
	return mailbox_is(scenario.new, scenario.new_size, arrived, arrived2);
}

/* Without the index, which may be gone or not. */
static int
names_in_use(void)
{
	int n = 0;

	for (int i = 0; i < NAMES; i++)
		n += disk.names.name[i][0] != '\0' &&
		     strcmp(disk.names.name[i], "index") != 0;
	return n;
}

/* First only, every other, all but the last, a middle run, all, and more. */
static const unsigned patterns[] = { 0x01, 0x15, 0x2a, 0x1f, 0x0c,
				     0x3f, 0x20, 0x21, 0x38, 0x04 };

/* Leaves a kill at that step in first_cut; false: it was over before. */
static bool
cut_commit(int step)
{
	int result;

	load(&scenario.old);
	disk.cut_at = step;
	result = run_commit();
	disk_after_kill(&first_cut);
	return result == CUT;
}

#endif
