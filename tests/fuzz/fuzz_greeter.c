/*
 * The greeter: what strangers send. The monitor has answered beforehand, with
 * whatever; its requests and the replies are looked at afterwards.
 */
#include "fuzz.h"

#include "authorization.h"
#include "sasl/base64.h"
#include "base/boundary.h"
#include "commands.h"

enum { SAID_MAX = 64 * 1024, ANSWERS = 3, ENCODE = 0xfd };

static struct options options;
static char said[SAID_MAX];
static const struct offers offers = {
	.scram = true, .stls = true, .oauth = true, .apop = "<1.2.3@host>"
};

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *args[] = { (*argv)[0], NULL };

	(void)argc;
	options_parse(&options, 1, args);
	return 0;
}

/*
 * What AUTH carries is base64, which the fuzzer does not know: a piece that
 * begins with ENCODE is encoded for it.
 */
static struct input
encode_pieces(struct input in)
{
	static char text[SAID_MAX];
	size_t n = 0;

	while (in.n > 0) {
		struct input piece = take_until_mark(&in);

		if (n + BASE64_SIZE(piece.n) + 2 > sizeof(text))
			break;
		if (piece.n > 0 && *piece.p == ENCODE) {
			base64_encode(text + n, piece.p + 1, piece.n - 1);
			n += strlen(text + n);
		} else {
			memcpy(text + n, piece.p, piece.n);
			n += piece.n;
		}
		memcpy(text + n, "\xff\xff", 2);
		n += 2;
	}
	return (struct input){ (const uint8_t *)text, n };
}

/* Whether a reply of several lines begins with these. */
static bool
begins_with(const char *sent, const char *end, const char *lines)
{
	size_t n = strlen(lines);

	return (size_t)(end - sent) > n && memcmp(sent, lines, n) == 0;
}

/* Each reply is "+OK...", "-ERR...", "+ ...", or a line of a list. */
static void
check_replies(const char *sent, size_t n)
{
	const char *end = sent + n;

	must(n >= 5 && memcmp(sent, "+OK ", 4) == 0);
	while (sent < end) {
		const char *lf = memchr(sent, '\n', (size_t)(end - sent));

		must(lf != NULL && lf > sent && lf[-1] == '\r');
		must(lf + 1 - sent <= 512 || memcmp(sent, "+ ", 2) == 0);
		must(memcmp(sent, "+OK", 3) == 0 ||
		     memcmp(sent, "+ ", 2) == 0 ||
		     memcmp(sent, "-ERR ", 5) == 0);
		if (begins_with(sent, end,
				"+OK Capability list follows\r\nUSER\r\n") ||
		    begins_with(sent, end, "+OK Mechanisms follow\r\nSCRAM")) {
			lf = memmem(sent, (size_t)(end - sent), "\r\n.\r\n", 5);
			must(lf != NULL);
			lf += 4;
		}
		sent = lf + 1;
	}
}

/* Of what the client has said nothing may be lost or come twice. */
static void
check_handover(const struct handover *h, int in, size_t len)
{
	char rest[SAID_MAX];
	size_t n = h->input_len;
	ssize_t got;

	must(h->input_len <= sizeof(h->input));
	must(h->output_len <= sizeof(h->output));
	memcpy(rest, h->input, n);
	while ((got = read(in, rest + n, sizeof(rest) - n)) > 0)
		n += (size_t)got;
	must(n < len && memcmp(said + len - n, rest, n) == 0);
	must(said[len - n - 1] == '\n');
}

/* A name that came by a command has no blanks around it. */
static void
check_name(const char *name)
{
	size_t n = strlen(name);

	must(n > 0 && strchr(" \t", name[0]) == NULL &&
	     strchr(" \t", name[n - 1]) == NULL);
}

static void
check_requests(int monitor, int in, int out, size_t len)
{
	static struct request r;
	bool over = false, started = false;
	int logins = 0;

	while (recv(monitor, &r, 1, MSG_PEEK) > 0) {
		must(!over);
		must(boundary_receive(monitor, &r));
		switch (r.type) {
		case REQUEST_LOGIN:
			logins++;
			must(memchr(r.login.user, '\0', USER_MAX + 1));
			must(memchr(r.login.password, '\0', PASSWORD_MAX + 1));
			if (r.login.method == METHOD_PASS)
				check_name(r.login.user);
			break;
		case REQUEST_TOKEN:
			logins++;
			must(memchr(r.token.user, '\0', USER_MAX + 1));
			must(memchr(r.token.token, '\0', TOKEN_MAX + 1));
			break;
		case REQUEST_APOP:
			logins++;
			must(memchr(r.apop.user, '\0', USER_MAX + 1));
			check_name(r.apop.user);
			break;
		case REQUEST_SCRAM_START:
			started = true;
			must(memchr(r.scram_start.user, '\0', USER_MAX + 1));
			must(
			    memchr(r.scram_start.gs2, '\0', SCRAM_GS2_MAX + 1));
			must(memchr(r.scram_start.bare, '\0',
				    SCRAM_BARE_MAX + 1));
			must(memchr(r.scram_start.nonce, '\0',
				    SCRAM_NONCE_MAX + 1));
			break;
		case REQUEST_SCRAM_PROOF:
			must(started);
			started = false;
			logins++;
			must(memchr(r.scram_proof.extensions, '\0',
				    SCRAM_EXTENSIONS_MAX + 1));
			break;
		case REQUEST_STLS:
			break; /* the monitor has no socket to give */
		case REQUEST_HANDOVER:
			must(logins > 0);
			check_handover(&r.handover, in, len);
			write_all(out, r.handover.output,
				  r.handover.output_len);
			over = true;
			break;
		case REQUEST_BYE:
			must(r.bye.reason < END_REASONS);
			over = true;
			break;
		default:
			abort();
		}
	}
	must(over);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct connection c = { .in = -1, .local = true };
	int pair[2];
	size_t len, n;

	begin_a_process();
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	for (int i = 0; i < ANSWERS; i++) {
		uint8_t b = take_byte(&in);
		struct reply reply = { .result = b % (LOGIN_RESULTS + 1u),
				       .last = b >> 7,
				       .server_first =
					   "r=abcdef,s=AAAA,i=4096" };

		must(boundary_reply(pair[0], &reply));
	}
	shutdown(pair[0], SHUT_WR);
	in = encode_pieces(in);
	c.in = client_says(&in, said, &len, sizeof(said));
	c.out = memfd_create("out", MFD_CLOEXEC);
	static struct live_counts counts;
	const struct session_start start = { &options, &pop3_commands, &c,
					     &offers, pair[1], &counts };
	must(authorization_run(&start, NULL) == 0);
	shutdown(pair[1], SHUT_WR);
	check_requests(pair[0], c.in, c.out, len);
	close(pair[1]);
	char *sent = contents(c.out, &n);
	check_replies(sent, n);
	free(sent);
	close(pair[0]);
	close(c.in);
	close(c.out);
	return 0;
}
