/*
 * Code that an attacker has brought into a process: linked with --wrap into the
 * program that make hijack builds, and into no other. Who connects to it says
 * "ATTACK name [password]" and learns what came of it: "did", or "failed" and
 * why; or nothing more, where the process or the session was ended for it.
 *
 * The greeter, the TLS relay and the reader of PROXY headers do so when this is
 * the first line, the mailbox process with the line behind the login.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../authorization.h"
#include "../../proxy.h"
#include "../../tls.h"
#include "../../transaction.h"

enum { LINE_SIZE = 256, TRIES_MAX = 3 };

struct victim {
	int in, out, boundary;
	const char *password;
};

static pid_t monitor;
static char secret[] = "what the monitor knows";

__attribute__((constructor)) static void
remember_the_monitor(void)
{
	monitor = getpid();
}

/* ---- the kernel; each returns whether it succeeded, or sets errno */

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

/* ---- the monitor; each returns whether it was answered */

static bool
answered(const struct victim *v, struct request *r)
{
	struct reply reply;

	if (boundary_ask(v->boundary, r, &reply))
		return true;
	errno = ECONNRESET;
	return false;
}

static bool
ask(const struct victim *v, enum request_type type)
{
	static struct request r;

	r.type = type;
	return answered(v, &r);
}

/* Returns whether the login succeeded. */
static bool
log_in(const struct victim *v, const char *user, const char *password)
{
	static struct request r;
	struct reply reply = { .result = LOGIN_DENIED };

	r.type = REQUEST_LOGIN;
	r.login.method = METHOD_PASS;
	snprintf(r.login.user, sizeof(r.login.user), "%s", user);
	snprintf(r.login.password, sizeof(r.login.password), "%s", password);
	if (boundary_ask(v->boundary, &r, &reply) && reply.result == LOGIN_OK)
		return true;
	errno = EACCES;
	return false;
}

static bool
hand_over_before_login(const struct victim *v)
{
	return ask(v, REQUEST_HANDOVER);
}

static bool
hand_over_after_failure(const struct victim *v)
{
	log_in(v, "thomas", "wrong");
	return ask(v, REQUEST_HANDOVER);
}

static bool
ask_for_dotlock(const struct victim *v)
{
	return ask(v, REQUEST_DOTLOCK_TRY);
}

static bool
sum_up(const struct victim *v)
{
	return ask(v, REQUEST_SUMMARY);
}

static bool
return_to_greeter(const struct victim *v)
{
	return ask(v, REQUEST_RETURN);
}

static bool
ask_to_log_in(const struct victim *v)
{
	return ask(v, REQUEST_LOGIN);
}

static bool
prove_without_start(const struct victim *v)
{
	return ask(v, REQUEST_SCRAM_PROOF);
}

static bool
try_four_times(const struct victim *v)
{
	for (int i = 0; i < TRIES_MAX; i++)
		if (log_in(v, "thomas", "wrong"))
			return true;
	return log_in(v, "thomas", v->password) || ask(v, REQUEST_LOGIN);
}

static bool
log_in_as_root(const struct victim *v)
{
	return log_in(v, "root", v->password);
}

static bool
log_in_as_another_directory(const struct victim *v)
{
	return log_in(v, "../thomas", v->password);
}

static bool
replay_login(const struct victim *v)
{
	if (!log_in(v, "thomas", v->password))
		return true; /* a password that is not right tests nothing */
	return log_in(v, "thomas", v->password);
}

static bool
hand_over_too_much(const struct victim *v)
{
	static struct request r = { .type = REQUEST_HANDOVER };

	if (!log_in(v, "thomas", v->password))
		return true;
	r.handover.input_len = UINT32_MAX;
	return answered(v, &r);
}

static bool
send_raw(const struct victim *v, const void *data, size_t size)
{
	struct reply reply;

	send(v->boundary, data, size, MSG_NOSIGNAL);
	if (recv(v->boundary, &reply, sizeof(reply), 0) > 0)
		return true;
	errno = ECONNRESET;
	return false;
}

static bool
send_wrong_size(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_LOGIN };

	return send_raw(v, &r, sizeof(r.type) + 1);
}

static bool
send_too_much(const struct victim *v)
{
	static char much[2 * sizeof(struct request)] = { REQUEST_LOGIN };

	return send_raw(v, much, sizeof(much));
}

static bool
send_unknown_type(const struct victim *v)
{
	static const struct request r = { .type = REQUEST_TYPES };

	return send_raw(v, &r, sizeof(r.type));
}

static bool
send_type_0(const struct victim *v)
{
	static const struct request r = { .type = 0 };

	return send_raw(v, &r, sizeof(r.type));
}

/* ---- who is told what to do */

static const struct {
	const char *name;
	bool (*run)(const struct victim *v);
} attacks[] = {
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
	{ "handover-before-login", hand_over_before_login },
	{ "handover-after-failure", hand_over_after_failure },
	{ "handover-too-much", hand_over_too_much },
	{ "dotlock-request", ask_for_dotlock },
	{ "summary", sum_up },
	{ "return", return_to_greeter },
	{ "login-request", ask_to_log_in },
	{ "proof-without-start", prove_without_start },
	{ "fourth-login", try_four_times },
	{ "login-as-root", log_in_as_root },
	{ "login-as-directory", log_in_as_another_directory },
	{ "replay-login", replay_login },
	{ "wrong-size", send_wrong_size },
	{ "too-much", send_too_much },
	{ "unknown-type", send_unknown_type },
	{ "type-0", send_type_0 },
};

static void say(const struct victim *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const struct victim *v, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0 && write(v->out, text, (size_t)n) != n)
		_exit(1);
}

static void
obey(struct victim *v, char *line)
{
	char *word = strtok(line, " \r\n");
	char *name = word != NULL && strcmp(word, "ATTACK") == 0
			 ? strtok(NULL, " \r\n")
			 : NULL;

	v->password = strtok(NULL, "\r\n");
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (name == NULL || strcmp(attacks[i].name, name) != 0)
			continue;
		say(v, "began\r\n");
		errno = 0;
		if (attacks[i].run(v))
			say(v, "did\r\n");
		else
			say(v, "failed: %s\r\n", strerrorname_np(errno));
		return;
	}
	say(v, "did not know that\r\n");
}

/* One line, of which `line` may hold the beginning. */
static void
read_line(int fd, char line[LINE_SIZE])
{
	size_t n = strlen(line);

	while (n + 1 < LINE_SIZE && strchr(line, '\n') == NULL &&
	       read(fd, line + n, 1) == 1)
		line[++n] = '\0';
}

int __real_authorization_run(const struct options *o,
			     const struct connection *c,
			     const struct offers *offers,
			     const struct handover *returned, int boundary);
int __wrap_authorization_run(const struct options *o,
			     const struct connection *c,
			     const struct offers *offers,
			     const struct handover *returned, int boundary);
int
__wrap_authorization_run(const struct options *o, const struct connection *c,
			 const struct offers *offers,
			 const struct handover *returned, int boundary)
{
	struct victim v = { c->in, c->out, boundary, NULL };
	char line[LINE_SIZE] = "";

	if (recv(c->in, line, 1, MSG_PEEK) != 1 || *line != 'A')
		return __real_authorization_run(o, c, offers, returned,
						boundary);
	*line = '\0';
	read_line(c->in, line);
	obey(&v, line);
	return 0;
}

int __wrap_transaction_run(const struct options *o, const struct connection *c,
			   const struct offers *offers,
			   const struct account *account,
			   const struct handover *h, int boundary);
int
__wrap_transaction_run(const struct options *o, const struct connection *c,
		       const struct offers *offers,
		       const struct account *account, const struct handover *h,
		       int boundary)
{
	struct victim v = { c->in, c->out, boundary, NULL };
	char line[LINE_SIZE] = "";

	(void)o;
	(void)offers;
	(void)account;
	snprintf(line, sizeof(line), "%.*s", (int)h->input_len, h->input);
	read_line(c->in, line);
	obey(&v, line);
	return 0;
}

void __wrap_tls_relay(SSL_CTX *ctx, const struct tls_ends *ends);
void
__wrap_tls_relay(SSL_CTX *ctx, const struct tls_ends *ends)
{
	struct victim v = { ends->client.in, ends->client.out, ends->report,
			    NULL };
	char line[LINE_SIZE] = "";

	(void)ctx;
	read_line(v.in, line);
	obey(&v, line);
}

bool __wrap_proxy_read(int fd, struct proxy_client *client);
bool
__wrap_proxy_read(int fd, struct proxy_client *client)
{
	struct victim v = { fd, fd, -1, NULL };
	char line[LINE_SIZE] = "";

	(void)client;
	read_line(fd, line);
	obey(&v, line);
	return false;
}
