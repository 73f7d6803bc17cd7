/* Reads /proc, whose text is the kernel's, and nothing of anybody's files. */
#include "lock/holder.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"

enum {
	LINE_SIZE = 256,
	PROGRAM_SIZE = 64,
	DEVICE_SIZE = 24,
	NUMBER_SIZE = 24,
	FILE_SIZE = 64 /* a device and an inode */
};

/* The device of a mount, as "01:2f"; "" where there is none. */
static void
find_device(uint64_t mount, char device[DEVICE_SIZE])
{
	char line[LINE_SIZE], wanted[NUMBER_SIZE], id[NUMBER_SIZE];
	char major[NUMBER_SIZE], minor[NUMBER_SIZE];
	unsigned long long device_major, device_minor;

	device[0] = '\0';
	snprintf(wanted, sizeof(wanted), "%" PRIu64, mount);
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	if (mounts == NULL)
		return;
	while (device[0] == '\0' && fgets(line, sizeof(line), mounts) != NULL)
		if (sscanf(line, "%23s %*s %23[0-9]:%23[0-9]", id, major,
			   minor) == 3 &&
		    strcmp(id, wanted) == 0 &&
		    parse_number(major, UINT_MAX, &device_major) &&
		    parse_number(minor, UINT_MAX, &device_minor))
			snprintf(device, DEVICE_SIZE, "%02llx:%02llx",
				 device_major, device_minor);
	fclose(mounts);
}

/*
 * A line is "1: POSIX  ADVISORY  WRITE 4711 08:01:1234 0 EOF", with a "->"
 * before the kind where a process only waits. A lock of an open file, which may
 * be that of many processes, has the pid -1.
 */
static bool
is_holders_line(const char *line, const struct lock_holder *h,
		const char *wanted, int32_t *pid)
{
	char kind[16], file[FILE_SIZE], number[NUMBER_SIZE];
	unsigned long long n;

	if (sscanf(line, "%*s %15s %*s %*s %23s %63s", kind, number, file) != 3)
		return false;
	*pid = parse_number(number, INT32_MAX, &n) ? (int32_t)n : 0;
	bool same_kind =
	    h->kind == LOCK_FLOCK
		? strcmp(kind, "FLOCK") == 0
		: strcmp(kind, "POSIX") == 0 || strcmp(kind, "OFDLCK") == 0;
	return same_kind && strcmp(file, wanted) == 0;
}

void
lock_holder_find(struct lock_holder *h)
{
	char line[LINE_SIZE], device[DEVICE_SIZE], wanted[FILE_SIZE];
	int32_t pid = 0;

	if (h->kind != LOCK_FLOCK && h->kind != LOCK_FCNTL)
		return;
	find_device(h->mount, device);
	snprintf(wanted, sizeof(wanted), "%s:%" PRIu64, device, h->ino);
	FILE *locks = fopen("/proc/locks", "re");
	if (locks == NULL)
		return;
	while (fgets(line, sizeof(line), locks) != NULL && pid <= 0)
		if (!is_holders_line(line, h, wanted, &pid))
			pid = 0;
	h->pid = pid;
	fclose(locks);
}

/* "" where /proc does not show the process. */
static void
find_program(pid_t pid, char program[PROGRAM_SIZE])
{
	char path[64];

	program[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	FILE *comm = fopen(path, "re");
	if (comm == NULL)
		return;
	if (fgets(program, PROGRAM_SIZE, comm) == NULL)
		program[0] = '\0';
	program[strcspn(program, "\n")] = '\0';
	fclose(comm);
}

static void
describe_process(int32_t pid, char *text, size_t size)
{
	char program[PROGRAM_SIZE];

	find_program(pid, program);
	if (pid <= 0)
		snprintf(text, size, "of a process that is not known");
	else if (program[0] != '\0')
		snprintf(text, size, "of process %d (%s)", (int)pid, program);
	else
		snprintf(text, size, "of process %d", (int)pid);
}

void
lock_holder_describe(const struct lock_holder *h, char text[LOCK_HOLDER_SIZE])
{
	static const char *const names[] = {
		[LOCK_NONE] = "lock",
		[LOCK_FLOCK] = "flock",
		[LOCK_FCNTL] = "fcntl lock",
		[LOCK_DOTLOCK] = "dotlock",
	};
	char process[PROGRAM_SIZE * 2];
	uint32_t kind = h->kind <= LOCK_KINDS ? h->kind : LOCK_NONE;

	describe_process(h->pid, process, sizeof(process));
	if (kind == LOCK_DOTLOCK)
		snprintf(text, LOCK_HOLDER_SIZE, "%s %s, %" PRId64 " s old",
			 names[kind], process, h->age);
	else
		snprintf(text, LOCK_HOLDER_SIZE, "%s %s", names[kind], process);
}

void
lock_holder_log(const struct lock_holder *h, const char *mailbox)
{
	char text[LOCK_HOLDER_SIZE];

	lock_holder_describe(h, text);
	log_line(LOG_WARNING, EVENT_MAILBOX,
		 "mailbox %s: another program holds its lock: %s", mailbox,
		 text);
}
