/*
 * The monitor's requests: a greeter, then a mailbox process, that send what
 * they like. What the monitor would do for them is counted.
 */
#include "fuzz.h"

#include "monitor/monitor.c"

enum { TRIES = 3, REQUESTS = 8 };

static struct options options;
static struct input script; /* what PAM and the host answer */
static int checked;	    /* passwords */
static bool challenged, admitted, logged_in, held, killed;

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

enum login_result __wrap_authenticator_ask(struct authenticator_link *l,
					   struct answer *answer);

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Whose login it is that the question is about; NULL for the others. */
static const char *
name_in(const struct question *q)
{
	switch (q->type) {
	case ASK_PASSWORD:
		must(ends(q->login.password, sizeof(q->login.password)));
		must(q->login.password[0] != '\0');
		return q->login.user;
	case ASK_TOKEN:
		must(ends(q->token.token, sizeof(q->token.token)));
		must(q->token.token[0] != '\0');
		return q->token.user;
	case ASK_APOP:
		must(strcmp(q->apop.timestamp, "<1.2.3@host>") == 0);
		return q->apop.request.user;
	case ASK_SCRAM_START:
		must(ends(q->scram_start.request.gs2, SCRAM_GS2_MAX + 1));
		must(ends(q->scram_start.request.bare, SCRAM_BARE_MAX + 1));
		must(ends(q->scram_start.request.nonce, SCRAM_NONCE_MAX + 1));
		return q->scram_start.request.user;
	case ASK_SCRAM_PROOF:
		must(challenged);
		must(ends(q->scram_proof.extensions, SCRAM_EXTENSIONS_MAX + 1));
		return NULL;
	default:
		must(q->type == ASK_OPEN);
		return NULL;
	}
}

enum login_result
__wrap_authenticator_ask(struct authenticator_link *l, struct answer *answer)
{
	const struct question *q = &l->question;
	const char *user = name_in(q);

	memset(answer, 0, sizeof(*answer));
	must(!logged_in);
	if (q->type == ASK_OPEN) {
		must(admitted);
		logged_in = true;
		return LOGIN_OK;
	}
	must(user == NULL || ends(user, USER_MAX + 1));
	must(user == NULL || q->invalid != 0 || account_name_valid(user));
	/* A challenge and its answer are one try. */
	must(q->type == ASK_SCRAM_PROOF || ++checked <= TRIES);
	challenged = q->type == ASK_SCRAM_START;
	snprintf(answer->user, sizeof(answer->user), "someone");
	answer->result = take_byte(&script) % LOGIN_RESULTS;
	admitted = answer->result == LOGIN_OK && q->type != ASK_SCRAM_START;
	return (enum login_result)answer->result;
}

void __wrap_authenticator_close(struct authenticator_link *l);
void
__wrap_authenticator_close(struct authenticator_link *l)
{
	(void)l;
	must(!logged_in);
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

enum login_result __wrap_account_make_state_dir(const struct account *a,
						const struct options *o);
enum login_result
__wrap_account_make_state_dir(const struct account *a, const struct options *o)
{
	(void)a;
	(void)o;
	return LOGIN_OK;
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
	static struct live_facts facts;
	static struct monitor m;
	struct input in = { data, size };

	script = take_bytes(&in, 4);
	memset(&m, 0, sizeof(m));
	m.live.facts = &facts;
	m.options = &options;
	m.connection.tls = true; /* passwords are taken */
	m.offers = (struct offers){ .scram = true,
				    .oauth = true,
				    .apop = "<1.2.3@host>" };
	log_open(LOG_TO_STDERR);
	checked = 0;
	challenged = admitted = logged_in = held = killed = false;
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
