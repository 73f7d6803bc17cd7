/*
 * What the fuzz targets stand on: the input in pieces, files and connections.
 * A target that finds something wrong aborts.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                  \
	do {                                                             \
		if (!(condition)) {                                      \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #condition);                   \
			abort();                                         \
		}                                                        \
	} while (0)

/* What is left of the input. */
struct input {
	const uint8_t *p;
	size_t n;
};

static inline uint8_t
take_byte(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* Two bytes, so that the fuzzer can grow what they count. */
static inline size_t
take_size(struct input *in)
{
	size_t high = take_byte(in);

	return high << 8 | take_byte(in);
}

/* At most n bytes. */
static inline struct input
take_bytes(struct input *in, size_t n)
{
	struct input taken = { in->p, n < in->n ? n : in->n };

	in->p += taken.n;
	in->n -= taken.n;
	return taken;
}

/* All up to a byte 0xff and another one, which are taken too. */
static inline struct input
take_until_mark(struct input *in)
{
	static const uint8_t mark[2] = { 0xff, 0xff };
	const uint8_t *end =
	    in->n == 0 ? NULL : memmem(in->p, in->n, mark, sizeof(mark));
	struct input taken =
	    take_bytes(in, end == NULL ? in->n : (size_t)(end - in->p));

	take_bytes(in, end == NULL ? 0 : sizeof(mark));
	return taken;
}

static inline void
write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		must(w > 0);
		p += w;
		n -= (size_t)w;
	}
}

static inline int
memory_file(const void *data, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0);
	write_all(fd, data, n);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* All of a file, to be freed, with a NUL behind it. */
static inline char *
contents(int fd, size_t *n)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *data = malloc((size_t)size + 1);

	must(size >= 0 && data != NULL);
	must(pread(fd, data, (size_t)size, 0) == size);
	data[size] = '\0';
	*n = (size_t)size;
	return data;
}

static inline void
write_new_file(const char *path, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0);
	write_all(fd, data, n);
	close(fd);
}

/* A directory of our own; whoever runs the target removes $TMPDIR. */
static inline const char *
scratch(void)
{
	static char path[200];
	const char *top = getenv("TMPDIR");

	if (path[0] != '\0')
		return path;
	snprintf(path, sizeof(path), "%s/fuzz-XXXXXX",
		 top != NULL ? top : "/tmp");
	must(mkdtemp(path) != NULL);
	return path;
}

/*
 * A client that has sent its pieces, parted by marks, and hung up: each piece
 * is one read of the server's. Returns the server's end.
 */
static inline int
client_says(struct input *in, char *said, size_t *len, size_t size)
{
	enum { PIECE = 3500 };
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	*len = 0;
	while (in->n > 0) {
		struct input piece = take_until_mark(in);

		while (piece.n > 0) {
			struct input part = take_bytes(&piece, PIECE);

			if (*len + part.n > size ||
			    send(pair[0], part.p, part.n, MSG_DONTWAIT) < 0) {
				close(pair[0]);
				return pair[1];
			}
			memcpy(said + *len, part.p, part.n);
			*len += part.n;
		}
	}
	close(pair[0]);
	return pair[1];
}

/*
 * The variables of the roles' files: fuzz.mk gives them a section of their
 * own, because a role's process has but one session and leaves them as they
 * are.
 */
extern char __start_role_state[] __attribute__((weak));
extern char __stop_role_state[] __attribute__((weak));

/* Between the variables there is what the sanitizer wants left alone. */
__attribute__((no_sanitize("address", "undefined"))) static inline void
begin_a_process(void)
{
	for (volatile char *p = __start_role_state; p < __stop_role_state; p++)
		*p = 0;
}

#endif
