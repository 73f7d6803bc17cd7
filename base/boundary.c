/*
 * Sends and receives the boundary's messages and checks their sizes. Runs on
 * both sides; decides nothing.
 */
#include "base/boundary.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/compat.h"

static const char *const methods[METHODS] = {
	[METHOD_PASS] = "PASS",
	[METHOD_APOP] = "APOP",
	[METHOD_PLAIN] = "PLAIN",
	[METHOD_LOGIN] = "LOGIN",
	[METHOD_OAUTHBEARER] = "OAUTHBEARER",
	[METHOD_XOAUTH2] = "XOAUTH2",
	[METHOD_SCRAM] = "SCRAM-SHA-256",
	[METHOD_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
};

const char *
login_method_name(uint32_t method)
{
	return method < METHODS ? methods[method] : "?";
}

static_assert(TOKEN_MAX == 12288, "the reason below says so");
static const char *const reasons[END_REASONS] = {
	[END_QUIT] = "quit",
	[END_CLIENT_LEFT] = "client left",
	[END_AUTOLOGOUT] = "autologout",
	[END_TAKEN_OVER] = "taken over by a newer session",
	[END_TERMINATED] = "terminated",
	[END_OVERDUE] = "it took too long",
	[END_UNKNOWN] = "too many unknown commands",
	[END_REFUSED] = "refused",
	[END_PLAINTEXT] = "passwords are not taken without TLS",
	[END_TOO_LONG] = ("AUTH was given more than is taken: a token may have "
			  "12288 octets"),
	[END_TLS] = "TLS began without STLS: the client is set up for port 995",
	[END_FAULT] = "fault",
};

const char *
end_reason_name(uint32_t reason)
{
	return reason < END_REASONS ? reasons[reason] : "?";
}

#define SIZE_WITH(member)                   \
	(offsetof(struct request, member) + \
	 sizeof(((struct request *)NULL)->member))

static const size_t request_size[REQUEST_TYPES] = {
	[REQUEST_LOGIN] = SIZE_WITH(login),
	[REQUEST_TOKEN] = SIZE_WITH(token),
	[REQUEST_APOP] = SIZE_WITH(apop),
	[REQUEST_SCRAM_START] = SIZE_WITH(scram_start),
	[REQUEST_SCRAM_PROOF] = SIZE_WITH(scram_proof),
	[REQUEST_HANDOVER] = SIZE_WITH(handover),
	[REQUEST_RETURN] = SIZE_WITH(handover),
	[REQUEST_BYE] = SIZE_WITH(bye),
	[REQUEST_DOTLOCK_TRY] = SIZE_WITH(type),
	[REQUEST_DOTLOCK_LEAVE] = SIZE_WITH(type),
	[REQUEST_LOCK_BUSY] = SIZE_WITH(holder),
	[REQUEST_SUMMARY] = SIZE_WITH(summary),
	[REQUEST_STLS] = SIZE_WITH(type),
	[REQUEST_HANDSHAKE] = SIZE_WITH(type),
};

/* Of what is handed over only the lengths, where nothing was read ahead. */
static size_t
size_of(const struct request *r)
{
	const struct handover *h = &r->handover;

	if ((r->type == REQUEST_HANDOVER || r->type == REQUEST_RETURN) &&
	    h->input_len == 0 && h->output_len == 0)
		return offsetof(struct request, handover.input);
	return r->type < REQUEST_TYPES ? request_size[r->type] : sizeof(*r);
}

void
boundary_wipe(struct request *r)
{
	explicit_bzero(r, size_of(r));
}

static bool
send_all(int fd, const void *data, size_t size, int flags)
{
	ssize_t n =
	    TEMP_FAILURE_RETRY(send(fd, data, size, flags | MSG_NOSIGNAL));

	return n == (ssize_t)size;
}

static ssize_t
receive(int fd, void *data, size_t size)
{
	return TEMP_FAILURE_RETRY(recv(fd, data, size, MSG_TRUNC));
}

bool
boundary_send(int fd, const struct request *r)
{
	return send_all(fd, r, size_of(r), 0);
}

bool
boundary_receive(int fd, struct request *r)
{
	r->type = 0;
	ssize_t n = receive(fd, r, sizeof(*r));

	if (n <= 0)
		return false;
	if ((size_t)n >= sizeof(r->type) && r->type > 0 &&
	    r->type < REQUEST_TYPES && size_of(r) == (size_t)n)
		return true;
	errno = EPROTO;
	return false;
}

bool
boundary_reply(int fd, const struct reply *reply)
{
	return send_all(fd, reply, sizeof(*reply), MSG_DONTWAIT);
}

bool
boundary_ask(int fd, const struct request *r, struct reply *reply)
{
	return boundary_send(fd, r) &&
	       receive(fd, reply, sizeof(*reply)) == (ssize_t)sizeof(*reply);
}

/* ---- with a descriptor */

union passed {
	struct cmsghdr header; /* for its alignment */
	char space[CMSG_SPACE(sizeof(int))];
};

bool
boundary_reply_with(int fd, const struct reply *reply, int descriptor)
{
	struct reply copy = *reply;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
	union passed passed = { .space = { 0 } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = passed.space,
			    .msg_controllen = sizeof(passed.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(descriptor));
	memcpy(CMSG_DATA(c), &descriptor, sizeof(descriptor));
	ssize_t n =
	    TEMP_FAILURE_RETRY(sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL));

	return n == (ssize_t)sizeof(copy);
}

bool
boundary_ask_for(int fd, const struct request *r, struct reply *reply,
		 int *descriptor)
{
	struct iovec iov = { .iov_base = reply, .iov_len = sizeof(*reply) };
	union passed passed = { .space = { 0 } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = passed.space,
			    .msg_controllen = sizeof(passed.space) };
	ssize_t n;

	*descriptor = -1;
	if (!boundary_send(fd, r))
		return false;
	n = TEMP_FAILURE_RETRY(recvmsg(fd, &m, MSG_CMSG_CLOEXEC));
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS)
		memcpy(descriptor, CMSG_DATA(c), sizeof(*descriptor));
	return n == (ssize_t)sizeof(*reply);
}
