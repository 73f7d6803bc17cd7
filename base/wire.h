/*
 * Octets over sockets and pipes, as many as there is room for, without ever
 * blocking; and the clock that waits are measured by.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* Milliseconds of a clock that nobody sets. */
long long now_ms(void);

/* As ppoll(2) and nanosleep(2) want them. */
struct timespec timespec_of_ms(long long ms);

/* Whether errno says that the call may be made again later. */
bool would_block(void);

/*
 * As read(2) and write(2); -1 with EAGAIN where they would block, which a read
 * of what is no socket may do where poll(2) has not said that there is
 * something.
 */
ssize_t wire_read_some(int fd, void *buf, size_t size);
ssize_t wire_write_some(int fd, const void *data, size_t len);

/* Whether one of poll(2)'s events comes within ms milliseconds. */
bool wire_wait(int fd, short events, int ms);

#endif
