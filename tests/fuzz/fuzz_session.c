/*
 * The mailbox process: a mailbox that strangers have written, and what a
 * logged-in client sends; against a model of a server. Twice: the second
 * session finds the index, and the mailbox, of the first.
 */
#include "pop3_model.h"

#include "base/boundary.h"
#include "base/connection.h"
#include "base/log.h"
#include "commands.h"
#include "transaction.h"

enum { SAID_MAX = 64 * 1024 };

static struct options options;
static char mailbox[256];
static char said[SAID_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *args[] = { (*argv)[0], NULL };

	(void)argc;
	options_parse(&options, 1, args);
	snprintf(mailbox, sizeof(mailbox), "%s/box", scratch());
	return 0;
}

/* A NUL is behind it, for regexec(3). */
static void
terminate(struct bytes *b)
{
	append(b, "", 1);
	b->len--;
}

/* What the session answered, to be freed. */
static char *
run(struct input *in, struct handover *h, size_t *len, size_t *n)
{
	struct connection c = { .in = -1, .local = true };
	static const struct offers offers;
	static struct request r;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	memcpy(said, h->input, h->input_len);
	c.in = client_says(in, said + h->input_len, len,
			   sizeof(said) - h->input_len);
	*len += h->input_len;
	c.out = memfd_create("out", MFD_CLOEXEC);
	begin_a_process();
	static struct live_counts counts;
	const struct session_start start = { &options, &pop3_commands, &c,
					     &offers, pair[1], &counts };
	const struct maildrop_owner owner = { "someone", mailbox, scratch() };
	must(transaction_run(&start, &owner, h) == 0);
	must(boundary_receive(pair[0], &r));
	must(r.type == REQUEST_RETURN || r.type == REQUEST_SUMMARY);
	must(r.type == REQUEST_RETURN || r.summary.reason < END_REASONS);
	char *sent = contents(c.out, n);
	close(pair[0]);
	close(pair[1]);
	close(c.in);
	close(c.out);
	return sent;
}

static void
check_mailbox(const struct bytes *want)
{
	int fd = open(mailbox, O_RDONLY | O_CLOEXEC);
	size_t n;

	must(fd >= 0);
	char *is = contents(fd, &n);
	must(n == want->len && (n == 0 || memcmp(is, want->data, n) == 0));
	free(is);
	close(fd);
}

/* One session upon box, which becomes what it left. */
static void
check_session(struct bytes *box, struct input *in, struct handover *h,
	      bool again)
{
	struct model m = { .box = box->data,
			   .any_last = again,
			   .x = split_simply(box->data, box->len) };
	size_t len, n, count, sum;
	char *sent = run(in, h, &len, &n);

	m.sent = sent;
	m.end = sent + n;
	must(n >= h->output_len && memcmp(sent, h->output, h->output_len) == 0);
	m.sent += h->output_len;
	if (!m.x.is_mbox) {
		expect_status(&m, false);
		check_mailbox(box);
		free(sent);
		return;
	}
	m.deleted = calloc(m.x.count + 1, sizeof(*m.deleted));
	must(m.deleted != NULL);
	expect_status(&m, true);
	sum_up(&m, &count, &sum);
	model_session(&m, said, len);
	must(m.sent == m.end);
	struct bytes left = model_mailbox(&m, box->len);
	check_mailbox(&left);
	free(m.deleted);
	free(m.x.messages);
	free(sent);
	free(box->data);
	*box = left;
	terminate(box);
}

static void
take_handover(struct input *in, struct handover *h)
{
	struct input ahead = take_until_mark(in);

	ahead = take_bytes(&ahead, sizeof(h->input));
	h->input_len = (uint32_t)ahead.n;
	memcpy(h->input, ahead.p, ahead.n);
	h->output_len = (uint32_t)snprintf(h->output, sizeof(h->output),
					   "+OK Password required\r\n");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handover h;
	struct input in = { data, size };
	struct input text = take_until_mark(&in);
	struct bytes box = { .len = 0 };
	char path[256];

	for (const char *const *name =
		 (const char *const[]){ "index", "lock", NULL };
	     *name != NULL; name++) {
		snprintf(path, sizeof(path), "%s/%s", scratch(), *name);
		unlink(path);
	}
	if (in.n == 0)
		return -1;
	append(&box, (const char *)text.p, text.n);
	terminate(&box);
	write_new_file(mailbox, box.data, box.len);
	/* a byte of its own divides the two sessions */
	const uint8_t *half = memchr(in.p, 0xfe, in.n);
	struct input first =
	    take_bytes(&in, half == NULL ? in.n : (size_t)(half - in.p));
	take_handover(&first, &h);
	check_session(&box, &first, &h, false);
	take_byte(&in);
	take_handover(&in, &h);
	check_session(&box, &in, &h, true);
	free(box.data);
	return 0;
}
