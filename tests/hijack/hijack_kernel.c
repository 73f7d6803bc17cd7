/* Attacks on the kernel: what no process that talks to clients has to do. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "hijack.h"

static pid_t monitor;
static char secret[] = "what the monitor knows";

__attribute__((constructor)) static void
remember_the_monitor(void)
{
	monitor = getpid();
}

static bool
open_passwd(const struct victim *v)
{
	(void)v;
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool
create_file(const struct victim *v)
{
	(void)v;
	return open("/tmp/hijacked", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool
make_directory(const struct victim *v)
{
	(void)v;
	return mkdir("hijacked", 0700) == 0;
}

static bool
make_link(const struct victim *v)
{
	(void)v;
	return symlink("/etc/passwd", "hijacked") == 0;
}

static bool
change_mode(const struct victim *v)
{
	(void)v;
	return chmod(".", 0777) == 0;
}

static bool
make_inet_socket(const struct victim *v)
{
	(void)v;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
make_unix_socket(const struct victim *v)
{
	(void)v;
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool
make_packet_socket(const struct victim *v)
{
	(void)v;
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static const struct sockaddr_un journal = {
	.sun_family = AF_UNIX,
	.sun_path = "/run/systemd/journal/socket",
};

static bool
connect_anew(const struct victim *v)
{
	return connect(v->out, (const struct sockaddr *)&journal,
		       sizeof(journal)) == 0;
}

static bool
send_elsewhere(const struct victim *v)
{
	return sendto(v->out, "x", 1, MSG_NOSIGNAL,
		      (const struct sockaddr *)&journal, sizeof(journal)) > 0;
}

static bool
pass_a_descriptor(const struct victim *v)
{
	struct msghdr m = { .msg_name = NULL };

	return sendmsg(v->out, &m, MSG_NOSIGNAL) >= 0;
}

static bool
signal_monitor(const struct victim *v)
{
	(void)v;
	return kill(monitor, SIGTERM) == 0;
}

static bool
signal_all(const struct victim *v)
{
	(void)v;
	return kill(-1, SIGUSR2) == 0;
}

static bool
do_fork(const struct victim *v)
{
	(void)v;
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
}

/* Whatever but a refusal says that the kernel looked at it. */
static bool
do_clone3(const struct victim *v)
{
	(void)v;
	return syscall(SYS_clone3, NULL, 0) >= 0 || errno != EPERM;
}

static bool
run_shell(const struct victim *v)
{
	char *argv[] = { "sh", "-c", "echo did", NULL };

	dup2(v->out, STDOUT_FILENO);
	return execv("/bin/sh", argv) == 0;
}

static bool
run_shell_at_once(const struct victim *v)
{
	char *argv[] = { "sh", "-c", "echo did", NULL };

	(void)v;
	return execv("/bin/sh", argv) == 0;
}

static bool
trace_monitor(const struct victim *v)
{
	(void)v;
	return ptrace(PTRACE_ATTACH, monitor, 0, 0) == 0;
}

static bool
read_monitors_memory(const struct victim *v)
{
	char stolen[sizeof(secret)];
	const struct iovec local = { stolen, sizeof(stolen) };
	const struct iovec remote = { secret, sizeof(secret) };

	(void)v;
	return process_vm_readv(monitor, &local, 1, &remote, 1, 0) > 0;
}

static bool
open_monitors_memory(const struct victim *v)
{
	char path[64];

	(void)v;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)monitor);
	return open(path, O_RDWR) >= 0;
}

static bool
take_monitors_descriptor(const struct victim *v)
{
	(void)v;
	return syscall(SYS_pidfd_open, monitor, 0) >= 0;
}

static bool
map_code(const struct victim *v)
{
	(void)v;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
turn_data_into_code(const struct victim *v)
{
	static char page[8192] __attribute__((aligned(4096)));

	(void)v;
	return mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

static bool
leave_root_directory(const struct victim *v)
{
	(void)v;
	return chroot("../../../..") == 0;
}

static bool
become_root(const struct victim *v)
{
	(void)v;
	return setuid(0) == 0;
}

static bool
take_groups(const struct victim *v)
{
	static const gid_t group = 8;

	(void)v;
	return setgroups(1, &group) == 0;
}

static bool
make_namespace(const struct victim *v)
{
	(void)v;
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
open_by_handle(const struct victim *v)
{
	(void)v;
	return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0) >= 0;
}

static bool
make_ring(const struct victim *v)
{
	char params[120] = { 0 };

	(void)v;
	return syscall(SYS_io_uring_setup, 1, params) >= 0;
}

static bool
load_bpf(const struct victim *v)
{
	(void)v;
	return syscall(SYS_bpf, 0, NULL, 0) >= 0;
}

static bool
use_keyring(const struct victim *v)
{
	(void)v;
	return syscall(SYS_keyctl, 0, -3, 1) >= 0;
}

static bool
make_memory_file(const struct victim *v)
{
	(void)v;
	return memfd_create("code", 0) >= 0;
}

static bool
raise_limits(const struct victim *v)
{
	const struct rlimit more = { 64, 64 };

	(void)v;
	return setrlimit(RLIMIT_NPROC, &more) == 0;
}

#ifdef __x86_64__
/* Other tables of system calls. */
static bool
call_as_i386(const struct victim *v)
{
	long pid = 20; /* getpid */

	(void)v;
	__asm__ volatile("int $0x80" : "+a"(pid) : : "memory");
	return pid > 0;
}

static bool
call_as_x32(const struct victim *v)
{
	(void)v;
	return syscall(0x40000000L + SYS_getpid) > 0;
}
#endif

/* Not to die of a system call that the filter refuses. */
static bool
block_refusal(const struct victim *v)
{
	sigset_t all;

	(void)v;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	syscall(SYS_getppid);
	return true;
}

static void
go_on(int signal)
{
	(void)signal;
}

static bool
handle_refusal(const struct victim *v)
{
	(void)v;
	return signal(SIGSYS, go_on) != SIG_ERR;
}

const struct attack kernel_attacks[] = {
	{ "block-refusal", block_refusal },
	{ "handle-refusal", handle_refusal },
	{ "open-passwd", open_passwd },
	{ "create-file", create_file },
	{ "make-directory", make_directory },
	{ "make-link", make_link },
	{ "change-mode", change_mode },
	{ "inet-socket", make_inet_socket },
	{ "unix-socket", make_unix_socket },
	{ "packet-socket", make_packet_socket },
	{ "connect", connect_anew },
	{ "send-elsewhere", send_elsewhere },
	{ "pass-descriptor", pass_a_descriptor },
	{ "signal-monitor", signal_monitor },
	{ "signal-all", signal_all },
	{ "fork", do_fork },
	{ "clone3", do_clone3 },
	{ "exec", run_shell_at_once },
	{ "dup-and-exec", run_shell },
	{ "ptrace", trace_monitor },
	{ "read-monitor", read_monitors_memory },
	{ "open-monitor", open_monitors_memory },
	{ "pidfd", take_monitors_descriptor },
	{ "mmap-exec", map_code },
	{ "mprotect-exec", turn_data_into_code },
	{ "chroot", leave_root_directory },
	{ "setuid", become_root },
	{ "setgroups", take_groups },
	{ "user-namespace", make_namespace },
	{ "open-by-handle", open_by_handle },
	{ "io-uring", make_ring },
	{ "bpf", load_bpf },
	{ "keyring", use_keyring },
	{ "memfd", make_memory_file },
	{ "raise-limits", raise_limits },
#ifdef __x86_64__
	{ "int80", call_as_i386 },
	{ "x32", call_as_x32 },
#endif
	{ NULL, NULL },
};
