/*
 * System calls on the connection. In every process that has one; knows neither
 * lines nor deadlines.
 */
#include "base/wire.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

struct timespec
timespec_of_ms(long long ms)
{
	return (struct timespec){ .tv_sec = ms / 1000,
				  .tv_nsec = (long)(ms % 1000 * 1000000) };
}

bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

bool
wire_wait(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) > 0;
}

ssize_t
wire_read_some(int fd, void *buf, size_t size)
{
	ssize_t n = recv(fd, buf, size, MSG_DONTWAIT);

	return n < 0 && errno == ENOTSOCK ? read(fd, buf, size) : n;
}

/*
 * A pipe may be shared with others, so its O_NONBLOCK is not ours to set;
 * one that polls writable takes PIPE_BUF bytes without blocking.
 */
ssize_t
wire_write_some(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	if (!wire_wait(fd, POLLOUT, 0)) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}
