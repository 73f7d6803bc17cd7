/* Tests of what a From_ line is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "mbox/from_line.h"

static bool
is_from(const char *line)
{
	return mbox_is_from_line(line, strlen(line));
}

static void
test_from_line_dates(void **state)
{
	static const char *const good[] = {
		"From a Mon Jan  1 00:00:00 2024",
		"From a@b.example Tue Feb 29 23:59:60 2000",
		"From a Sat Dec 31 23:59 1999",
		"From a Sun Mar 01 12:30:45 2024",
		"From a Wed Apr 1 12:30:45 MET 2024",
		"From a Thu May 10 12:30:45 MET DST 2024",
		"From a Fri Jun 10 12:30:45 +0200 2024",
		"From a Fri Jul 10 12:30 -0930 2024",
		"From a Fri Aug 10 12:30:45 +0200 CEST 2024",
		"From a Fri Sep 10 12:30:45 2024 +0200",
		"From a Fri Oct 10 12:30:45 2024 UTC",
		"From a Fri Oct 10 12:30:45 UTC 2024 +0000",
		"From a Fri Oct 10 12:30 2024 remote from x.example",
		"From a!b Fri Oct 10 12:30:45 MET DST 2024 +0200 remote from b",
		"From a Fri Nov 10 12:30:45 2024   \t",
		"From - Fri Nov 10 12:30:45 2024",
		"From \"John Q. Public\" <jqp@x> Fri Nov 10 12:30:45 2024",
		"From  a  b  Fri Nov 10 12:30:45 2024",
		"From Mon Fri Nov 10 12:30:45 2024",
		"From a\tFri\tNov\t10\t12:30:45\t2024",
		"From \xe4\x01\r Fri Nov 10 12:30:45 2024",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!is_from(good[i]))
			fail_msg("not a From_ line: %s", good[i]);
}

static void
test_from_line_lookalikes(void **state)
{
	static const char *const bad[] = {
		"",
		"From",
		"From ",
		"From a",
		"From a Mon Jan  1 00:00:00",
		"From Mon Jan  1 00:00:00 2024",
		"From    Mon Jan  1 00:00:00 2024",
		"from a Mon Jan  1 00:00:00 2024",
		"From: a Mon Jan  1 00:00:00 2024",
		">From a Mon Jan  1 00:00:00 2024",
		" From a Mon Jan  1 00:00:00 2024",
		"From\ta Mon Jan  1 00:00:00 2024",
		"From a mon Jan  1 00:00:00 2024",
		"From a Mon JAN  1 00:00:00 2024",
		"From a Moo Jan  1 00:00:00 2024",
		"From a Mon anF  1 00:00:00 2024",
		"From a@bMon Jan  1 00:00:00 2024",
		"From a Mon Jan  0 00:00:00 2024",
		"From a Mon Jan 32 00:00:00 2024",
		"From a Mon Jan 001 00:00:00 2024",
		"From a Mon Jan  1 24:00:00 2024",
		"From a Mon Jan  1 00:60:00 2024",
		"From a Mon Jan  1 00:00:61 2024",
		"From a Mon Jan  1 0:00:00 2024",
		"From a Mon Jan  1 00:00: 2024",
		"From a Mon Jan  1 00:00:00 24",
		"From a Mon Jan  1 00:00:00 02024",
		"From a Mon Jan  1 00:00:00 202x",
		"From a Mon Jan  1 00:00:00 A B C 2024",
		"From a Mon Jan  1 00:00:00 +020 2024",
		"From a Mon Jan  1 00:00:00 ABCDEF 2024",
		"From a Mon Jan  1 00:00:00 2024 A B",
		"From a Mon Jan  1 00:00:00 A B C 2024 UTC",
		"From a Mon Jan  1 00:00:00 2024 remote from",
		"From a Mon Jan  1 00:00:00 2024 from x",
		"From a Mon Jan  1 00:00:00 2024 remote x",
		"From a Mon Jan  1 00:00:00 2024 Remote from x",
		"From a Mon Jan  1 00:00:00 2024 remote from x y",
		"From a remote from x",
		"From Mon Jan  1 00:00:00 2024 remote from x",
		"From a Mon Jan  1 00:00:00 2024, he wrote",
		"From a Mon 1 Jan 00:00:00 2024",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (is_from(bad[i]))
			fail_msg("a From_ line: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest from_lines[] = {
		cmocka_unit_test(test_from_line_dates),
		cmocka_unit_test(test_from_line_lookalikes),
	};

	return cmocka_run_group_tests(from_lines, NULL, NULL);
}
