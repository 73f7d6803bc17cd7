/*
 * The monitor's requests: a greeter, then a mailbox process, that send what
 * they like. What the monitor would do for them is counted.
 */
#include "fuzz.h"

#include "monitor/monitor.c"

#include "monitor/auth_secret.h"

enum { TRIES = 3, REQUESTS = 8 };

static struct options options;
static struct input script; /* what PAM and the host answer */
static int checked;	    /* passwords */
static bool logged_in, held, killed;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *args[] = { (*argv)[0], NULL };

	(void)argc;
	options_parse(&options, 1, args);
	return 0;
}

/* ---- the host, in the place of what the linker would take (--wrap) */

enum login_result __wrap_auth_pam_check(struct auth_pam **auth,
					const struct options *o,
					const char *service, char *user,
					const char *password,
					const char *rhost);
enum login_result
__wrap_auth_pam_check(struct auth_pam **auth, const struct options *o,
		      const char *service, char *user, const char *password,
		      const char *rhost)
{
	(void)rhost;
	must(strncmp(service, "pop3d", 5) == 0);
	must(o == &options && !logged_in);
	must(account_name_valid(user) && strlen(user) <= USER_MAX);
	must(password == NULL ||
	     (*password != '\0' && strlen(password) <= TOKEN_MAX));
	must(++checked <= TRIES);
	*auth = NULL;
	return (enum login_result)(take_byte(&script) % LOGIN_RESULTS);
}

enum login_result __wrap_auth_secret_find(const struct options *o,
					  const char *user,
					  struct secret *secret);
enum login_result
__wrap_auth_secret_find(const struct options *o, const char *user,
			struct secret *secret)
{
	uint8_t b = take_byte(&script);

	must(o == &options && strlen(user) <= USER_MAX);
	memset(secret, 0, sizeof(*secret));
	secret->known = secret->has_plain = (b & 0x40) != 0;
	secret->keys.iterations = 4096;
	return (enum login_result)(b % LOGIN_RESULTS);
}

bool __wrap_scram_verify(const struct scram_exchange *x,
			 const struct scram_keys *k, const uint8_t *proof,
			 uint8_t *signature);
/* Right where the script says so: nobody guesses a proof. */
bool
__wrap_scram_verify(const struct scram_exchange *x, const struct scram_keys *k,
		    const uint8_t *proof, uint8_t *signature)
{
	must(k->iterations == 4096 && strlen(x->nonce) >= 24);
	must(strlen(x->bare) <= SCRAM_BARE_MAX);
	memcpy(signature, proof, SCRAM_KEY_SIZE);
	return (take_byte(&script) & 1) != 0;
}

enum login_result __wrap_account_find(struct account *a,
				      const struct options *o,
				      const char *name);
enum login_result
__wrap_account_find(struct account *a, const struct options *o,
		    const char *name)
{
	(void)o;
	*a = (struct account){ .uid = 1000, .gid = 1000 };
	must(snprintf(a->name, sizeof(a->name), "%s", name) <= USER_MAX);
	return LOGIN_OK;
}

bool __wrap_account_make_state_dir(const struct account *a,
				   const struct options *o);
bool
__wrap_account_make_state_dir(const struct account *a, const struct options *o)
{
	(void)a;
	(void)o;
	return true;
}

bool __wrap_auth_pam_open(struct auth_pam *a);
bool
__wrap_auth_pam_open(struct auth_pam *a)
{
	(void)a;
	logged_in = true;
	return true;
}

void __wrap_auth_pam_end(struct auth_pam *a);
void
__wrap_auth_pam_end(struct auth_pam *a)
{
	must(a == NULL);
}

enum lock_result __wrap_keeper_try(struct keeper *k, const struct account *a,
				   pid_t pid);
enum lock_result
__wrap_keeper_try(struct keeper *k, const struct account *a, pid_t pid)
{
	(void)k;
	must(logged_in && a->uid != 0 && pid > 0);
	held = true;
	return LOCK_OK;
}

void __wrap_keeper_release(struct keeper *k, const struct account *a);
void
__wrap_keeper_release(struct keeper *k, const struct account *a)
{
	(void)k;
	(void)a;
	held = false;
}

int __wrap_kill(pid_t pid, int sig);
int
__wrap_kill(pid_t pid, int sig)
{
	must(pid == INT32_MAX && sig == SIGKILL);
	killed = true;
	return 0;
}

int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t,
		 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t,
		 const sigset_t *mask);
/* A failed login's delay is not waited for. */
int
__wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t,
	     const sigset_t *mask)
{
	return n == 0 ? 0 : __real_ppoll(fds, n, t, mask);
}

/* A line of the log is one line, whatever is in it. */
int __wrap_dprintf(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int
__wrap_dprintf(int fd, const char *format, ...)
{
	char line[8192];
	va_list ap;

	(void)fd;
	va_start(ap, format);
	int n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	must(n > 0 && (size_t)n < sizeof(line) && line[n - 1] == '\n');
	for (int i = 0; i < n - 1; i++)
		must(line[i] >= ' ' && line[i] < 0x7f);
	return n;
}

/* ---- the other side */

/* One request, of a size that fits its type or not. */
static void
send_request(int fd, struct input *in)
{
	static struct request r;
	uint8_t how = take_byte(in);
	struct input body = take_until_mark(in);

	memset(&r, 0, sizeof(r));
	if (body.n > sizeof(r.token))
		body.n = sizeof(r.token);
	memcpy(&r.login, body.p, body.n);
	r.type = how & 0x1f;
	if (how & 0x80)
		send(fd, &r, body.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (r.type > 0 && r.type < REQUEST_TYPES)
		must(boundary_send(fd, &r));
}

/* Everything that one process says in its life. */
static void
play(struct monitor *m, struct input *in, enum phase phase)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	m->boundary = pair[0];
	m->phase = phase;
	m->child = INT32_MAX;
	m->greeter_end = now_ms() + GREETER_SECONDS * 1000LL;
	for (int i = 0; i < REQUESTS && in->n > 0 && *in->p != 0xfe; i++)
		send_request(pair[1], in);
	take_byte(in);
	shutdown(pair[1], SHUT_WR);
	serve_requests(m);
	must(m->boundary == -1);
	close(pair[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct monitor m;
	struct input in = { data, size };

	script = take_bytes(&in, 4);
	memset(&m, 0, sizeof(m));
	m.options = &options;
	m.connection.tls = true; /* passwords are taken */
	m.offers = (struct offers){ .scram = true,
				    .oauth = true,
				    .apop = "<1.2.3@host>" };
	log_open(LOG_TO_STDERR);
	checked = 0;
	logged_in = held = killed = false;
	play(&m, &in, GREETER);
	must(!held);
	if (m.handed_over) {
		must(logged_in && !killed);
		must(m.handover.input_len <= sizeof(m.handover.input));
		must(m.handover.output_len <= sizeof(m.handover.output));
		play(&m, &in, MAILBOX);
		log_session_end(&m);
	}
	return 0;
}
