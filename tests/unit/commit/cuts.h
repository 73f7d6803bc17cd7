/*
 * Cuts of the commit by a kill or a power cut, at every step, in the commit and
 * in the recovery from it; and failures of its calls.
 */
#ifndef CUTS_H
#define CUTS_H

#include "scenario.h"

enum { SUBSETS = 24 };

/* Where there are many steps: each stride-th cut, with fewer worlds. */
static int stride = 1, subsets = SUBSETS;
static struct world second_cut;
static unsigned long worlds;

/* Power cuts */

static int chosen;
static unsigned random_state = 1;

static unsigned
random_bits(void)
{
	random_state = random_state * 1103515245 + 12345;
	return random_state >> 16;
}

/* Nothing reached the disk, all did, all but one, or any of them. */
static bool
choose(int i)
{
	if (chosen < 2)
		return chosen == 1;
	if (chosen < 6)
		return (i + chosen) % 4 != 0;
	return random_bits() & 1;
}

/*
 * A world after a power cut: `choose` says for each thing that may or may not
 * have reached the disk whether it has. The size comes last, so that what it
 * cuts off was written before.
 */
static void
save_power_cut(struct world *w, int dir_ops)
{
	const struct names *names =
	    dir_ops < disk.dir_ops ? &disk.before[dir_ops] : &disk.names;

	disk_save(w, names, choose);
	copy_content(&w->mailbox, &disk.inode[0].durable);
	for (int i = 0; i < disk.effects; i++)
		if (choose(i))
			apply_effect(&w->mailbox, &disk.effect[i]);
}

/* How many worlds a cut may leave, as far as they are tried. */
static int
worlds_after(bool power, int most)
{
	if (!power)
		return 1;
	return disk.effects + disk.dir_ops > 0 ? most : 2;
}

static void
save_world(struct world *w, bool power, int which)
{
	if (!power) {
		disk_after_kill(w);
		return;
	}
	chosen = which;
	save_power_cut(w,
		       which < 2 ? which * DIR_OPS : (int)(random_bits() % 4));
}

/* What must hold at the end, whatever was cut before. */
static void
check_end(const struct world *w, int arrived, int arrived2, bool done)
{
	int result;

	load(w);
	result = run_recover(MAILBOX_FD);
	assert_true(result == COMMIT_DONE || result == COMMIT_NOTHING);
	assert_int_equal(names_in_use(), 0);
	assert_true(result == COMMIT_NOTHING || disk.dir_ops == 0);
	if (!is_new(arrived, arrived2))
		assert_true(!done && is_old(arrived, arrived2));
	worlds++;
}

/* The recovery from w is cut at every step as well. */
static void
check_recovery(const struct world *w, int arrived, bool power, bool done)
{
	int result = CUT;

	/* Each time other ones. */
	for (int cut = (int)(random_bits() % (unsigned)stride); result == CUT;
	     cut += stride) {
		int n;

		load(w);
		disk.cut_at = cut;
		result = run_recover(MAILBOX_FD);
		assert_true(result == CUT || result == COMMIT_DONE ||
			    result == COMMIT_NOTHING);
		n = worlds_after(power, 3);
		for (int i = 0; i < n; i++) {
			int arrived2 = (cut + i) % ARRIVALS;

			load(w);
			disk.cut_at = cut;
			(void)run_recover(MAILBOX_FD);
			save_world(&second_cut, power,
				   i < 2 ? i : 2 + cut % SUBSETS);
			if (!arrive(&second_cut, arrived2))
				arrived2 = 0;
			check_end(&second_cut, arrived, arrived2, done);
		}
	}
}

static void
check_cuts(bool power)
{
	static struct world w;
	int result = CUT;

	for (int cut = 0; result == CUT; cut++) {
		int n;

		load(&scenario.old);
		disk.cut_at = cut;
		result = run_commit();
		assert_true(result == CUT || result == COMMIT_DONE);
		n = worlds_after(power, subsets);
		for (int i = 0; i < n; i++) {
			load(&scenario.old);
			disk.cut_at = cut;
			(void)run_commit();
			save_world(&first_cut, power, i);
			for (int a = 0; a < ARRIVALS; a++) {
				if (power && i > 2 && a != i % ARRIVALS)
					continue;
				w = first_cut;
				if (arrive(&w, a))
					check_recovery(&w, a, power,
						       result == COMMIT_DONE);
			}
		}
	}
}

/* Killed processes have no files open; what was not synced still is not. */
static int
recover_after_kill(int steps)
{
	memset(disk.open, 0, sizeof(disk.open));
	disk.cut_at = disk.steps + steps;
	return run_recover(MAILBOX_FD);
}

/* A kill in the commit, then a power cut in the recovery. */
static void
check_mixed_cuts(void)
{
	static struct world w;

	for (int step = 0; cut_commit(step); step++) {
		int result = CUT;

		for (int cut = step % (3 * stride); result == CUT;
		     cut += 3 * stride) {
			for (int i = 0; i < 4; i++) {
				(void)cut_commit(step);
				result = recover_after_kill(cut);
				save_world(&w, true,
					   i < 2 ? i : 2 + (cut + i) % SUBSETS);
				check_end(&w, 0, 0, result == COMMIT_DONE);
			}
		}
	}
}

/* Failures */

static void
check_failure(int result, bool arrived)
{
	bool waits = disk_find("journal") >= 0;

	assert_true(result >= COMMIT_DONE && result <= COMMIT_PENDING);
	if (result == COMMIT_DONE)
		assert_true(is_new(arrived, 0) && !waits);
	if (result == COMMIT_FAILED)
		assert_true(is_old(arrived, 0) && !waits);
	/* To make a mailbox empty takes no journal that could wait. */
	if (result == COMMIT_PENDING)
		assert_true(scenario.new_size > 0);
	disk.fail_at = -1;
	assert_int_equal(run_recover(MAILBOX_FD),
			 waits ? COMMIT_DONE : COMMIT_NOTHING);
	assert_int_equal(names_in_use(), 0);
	assert_true(result == COMMIT_FAILED ? is_old(arrived, 0)
					    : is_new(arrived, 0));
}

/* Call after call of the scenario fails, once, twice or from then on. */
static int
check_failures(bool short_io)
{
	static const int times[] = { 1, 2, 100000 };
	static const int errors[] = { EIO, ENOSPC };
	int n, calls;

	load(&scenario.old);
	disk.short_io = short_io;
	assert_int_equal(run_commit(), COMMIT_DONE);
	calls = disk.calls;
	for (n = 0; n < 6 * calls; n++) {
		load(&scenario.old);
		disk.short_io = short_io;
		disk.fail_at = n / 6;
		disk.fail_times = times[n % 3];
		disk.fail_errno = errors[n / 3 % 2];
		check_failure(run_commit(), false);
	}
	return n;
}

#endif
