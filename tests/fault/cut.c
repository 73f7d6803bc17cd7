/*
 * Runs a command and cuts one of its processes at a chosen system call.
 *
 *     cut REPORT TRIGGER AT ACTION HOOK -- COMMAND...
 *
 * TRIGGER   which process it is, and from where on its calls are counted:
 *           read:N, after a read from descriptor 0 that brought N bytes, or
 *           child:N, from the start of the N-th process that is forked
 * AT        the number of the call, from 0
 * ACTION    none; kill: the process dies instead of it; kill-all: all
 *           processes of the command do; a number: the call fails with that
 *           errno; a number and +: and so do all later ones
 * HOOK      a command for the shell, or nothing: run after the kill, before
 *           any other process moves on, or, where the action is none, before
 *           each call that is counted, whose number is in $CALL
 *
 * In the environment CUT_ROOM, where it is there, is how large a file can be
 * made by fallocate, in all processes; beyond, the disk is full.
 *
 * REPORT gets a line for each call counted: its number in the kernel's table,
 * its arguments and, if it came back, what it returned; and a last line
 * "SIGSYS N" where the filter of N processes has ended them. No process's memory
 * is looked at: they may have forbidden it. The command's descriptors 0 to 2
 * are its own; the exit status is the first process's, 128 and the signal's
 * number if it was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <elf.h>
#include <unistd.h>

enum { PROCESSES = 64 };

static struct {
	FILE *report;
	long read_bytes, child; /* one of them is not 0 */
	long at;
	enum { ACTION_NONE, ACTION_KILL, ACTION_KILL_ALL, ACTION_FAIL } action;
	long error;
	bool for_ever;
	const char *hook;
	long long room; /* -1: any */

	pid_t pids[PROCESSES], first, cut; /* cut: -1 until it is known */
	long children;
	long count; /* of the calls of `cut`, the current one not included */
	bool failing;
	long refused; /* processes that died of SIGSYS */
	struct __ptrace_syscall_info entries[PROCESSES];
	int status;
} c = { .cut = -1, .room = -1 };

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(125);
}

/* The place of pid in the table, which it gets if it has none. */
static int
place(pid_t pid)
{
	for (int i = 0; i < PROCESSES; i++)
		if (c.pids[i] == pid)
			return i;
	for (int i = 0; i < PROCESSES; i++)
		if (c.pids[i] == 0) {
			c.pids[i] = pid;
			return i;
		}
	errno = EAGAIN;
	die("too many processes");
}

/* Registers */

#if defined(__x86_64__)
#define NUMBER(r) (r).orig_rax
#define RESULT(r) (r).rax
#elif defined(__i386__)
#define NUMBER(r) (r).orig_eax
#define RESULT(r) (r).eax
#elif defined(__aarch64__)
#define RESULT(r) (r).regs[0]
#else
#error "the registers of a system call on this machine are to be named here"
#endif

static void
transfer(int request, pid_t pid, int set, void *data, size_t size)
{
	struct iovec io = { data, size };

	if (ptrace(request, pid, set, &io) != 0)
		die("the registers");
}

static void
set_result(pid_t pid, long result)
{
	struct user_regs_struct r;

	transfer(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, sizeof(r));
	RESULT(r) = (__typeof__(RESULT(r)))result;
	transfer(PTRACE_SETREGSET, pid, NT_PRSTATUS, &r, sizeof(r));
}

/*
 * The call is not made. Its number becomes -1, which the filter lets pass; with
 * its own number and arguments of no effect it might not.
 */
static void
leave_out(pid_t pid)
{
#ifdef NUMBER
	struct user_regs_struct r;

	transfer(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, sizeof(r));
	NUMBER(r) = (__typeof__(NUMBER(r)))-1;
	transfer(PTRACE_SETREGSET, pid, NT_PRSTATUS, &r, sizeof(r));
#else
	int number = -1;

	transfer(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &number,
		 sizeof(number));
#endif
}

/* The cut */

static void
run_hook(void)
{
	char call[32];

	snprintf(call, sizeof(call), "%ld", c.count);
	if (!*c.hook)
		return;
	if (setenv("CALL", call, 1) != 0 || system(c.hook) != 0)
		die(c.hook);
}

static bool
cannot_fail(unsigned long long number)
{
	static const int never[] = { SYS_exit_group, SYS_exit, SYS_brk,
				     SYS_munmap, SYS_rt_sigreturn };

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (number == (unsigned long long)never[i])
			return true;
	return false;
}

static void
kill_everyone(void)
{
	for (int i = 0; i < PROCESSES; i++)
		if (c.pids[i] > 0)
			kill(c.pids[i], SIGKILL);
}

static void
at_entry(pid_t pid, const struct __ptrace_syscall_info *info)
{
	if (c.action == ACTION_NONE)
		run_hook();
	fprintf(c.report, "\n%llu", (unsigned long long)info->entry.nr);
	for (int i = 0; i < 6; i++)
		fprintf(c.report, " %lld", (long long)info->entry.args[i]);
	c.failing = c.action == ACTION_FAIL && !cannot_fail(info->entry.nr) &&
		    (c.for_ever ? c.count >= c.at : c.count == c.at);
	if (c.failing)
		leave_out(pid);
	if (c.count == c.at && c.action == ACTION_KILL)
		kill(pid, SIGKILL);
	if (c.count == c.at && c.action == ACTION_KILL_ALL)
		kill_everyone();
	if (c.count == c.at && c.action != ACTION_NONE)
		run_hook();
	c.count++;
}

static bool
is_the_read(const struct __ptrace_syscall_info *entry,
	    const struct __ptrace_syscall_info *exit)
{
	return c.read_bytes > 0 && exit->exit.rval == c.read_bytes &&
	       (entry->entry.nr == SYS_read ||
		entry->entry.nr == SYS_recvfrom) &&
	       entry->entry.args[0] == 0;
}

static bool
is_too_large(const struct __ptrace_syscall_info *entry)
{
	return c.room >= 0 && entry->entry.nr == SYS_fallocate &&
	       (long long)entry->entry.args[3] > c.room;
}

static void
at_syscall(pid_t pid)
{
	struct __ptrace_syscall_info info, *entry = &c.entries[place(pid)];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return; /* it is dying */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		*entry = info;
		if (pid == c.cut)
			at_entry(pid, &info);
		if (is_too_large(&info))
			leave_out(pid);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		if (pid == c.cut && c.failing)
			set_result(pid, -c.error);
		else if (is_too_large(entry))
			set_result(pid, -ENOSPC);
		if (pid == c.cut && c.count > 0)
			fprintf(c.report, " %lld", (long long)info.exit.rval);
		if (c.cut == -1 && is_the_read(entry, &info))
			c.cut = pid;
	}
}

/* The processes */

static void
start(char **argv)
{
	c.first = fork();
	if (c.first < 0)
		die("fork");
	if (c.first == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			die("PTRACE_TRACEME");
		raise(SIGSTOP);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	(void)place(c.first);
	if (waitpid(c.first, &c.status, 0) != c.first ||
	    !WIFSTOPPED(c.status) ||
	    ptrace(PTRACE_SETOPTIONS, c.first, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0)
		die("PTRACE_SETOPTIONS");
	(void)ptrace(PTRACE_SYSCALL, c.first, 0, 0);
}

/* Returns the signal that the process is to get now. */
static int
stopped(pid_t pid, int status)
{
	int signal = WSTOPSIG(status);
	int i;

	if (signal == (SIGTRAP | 0x80)) {
		at_syscall(pid);
		return 0;
	}
	if (status >> 16)
		return 0; /* an event, and no signal */
	for (i = 0; i < PROCESSES && c.pids[i] != pid; i++)
		;
	if (i == PROCESSES && signal == SIGSTOP) {
		(void)place(pid);
		if (++c.children == c.child)
			c.cut = pid;
		return 0; /* a new process stops once */
	}
	return signal;
}

static void
run(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			int signal = stopped(pid, status);

			(void)ptrace(PTRACE_SYSCALL, pid, 0, signal);
			continue;
		}
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			c.refused++;
		c.pids[place(pid)] = 0;
		if (pid == c.cut)
			c.cut = 0; /* its pid may come again */
		if (pid == c.first)
			c.status = status;
	}
}

static void
parse(char **argv)
{
	char *end;

	c.report = fopen(argv[1], "we");
	if (!c.report)
		die(argv[1]);
	if (strncmp(argv[2], "read:", 5) == 0)
		c.read_bytes = strtol(argv[2] + 5, NULL, 10);
	else if (strncmp(argv[2], "child:", 6) == 0)
		c.child = strtol(argv[2] + 6, NULL, 10);
	c.at = strtol(argv[3], NULL, 10);
	c.hook = argv[5];
	c.error = strtol(argv[4], &end, 10);
	c.for_ever = *end == '+';
	if (c.error > 0)
		c.action = ACTION_FAIL;
	else if (strcmp(argv[4], "kill") == 0)
		c.action = ACTION_KILL;
	else if (strcmp(argv[4], "kill-all") == 0)
		c.action = ACTION_KILL_ALL;
}

int
main(int argc, char **argv)
{
	if (argc < 8 || strcmp(argv[6], "--") != 0) {
		fputs("cut REPORT TRIGGER AT ACTION HOOK -- COMMAND...\n",
		      stderr);
		return 125;
	}
	/* Who has lost his parent is waited for here, and leaves no zombie
	 * that looks as if it lived. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		die("PR_SET_CHILD_SUBREAPER");
	if (getenv("CUT_ROOM"))
		c.room = strtoll(getenv("CUT_ROOM"), NULL, 10);
	parse(argv);
	start(argv + 7);
	run();
	if (c.refused > 0)
		fprintf(c.report, "\nSIGSYS %ld", c.refused);
	fclose(c.report);
	return WIFSIGNALED(c.status) ? 128 + WTERMSIG(c.status)
				     : WEXITSTATUS(c.status);
}
