/*
 * A disk for tests of what writes files: kept in memory, so that every cut and
 * failure of the code under test can be tried. Include it before the sources
 * under test: their system calls become the disk's.
 *
 * One file is the mailbox, open as MAILBOX_FD; the others have names in the
 * one directory, open as DIR_FD. A cut leaves the code by longjmp: a kill
 * keeps all that was done, a power cut some of what no fsync has covered. For
 * the mailbox that is any subset of the sectors written and of the truncation
 * and its zeros; for the directory the operations up to one of them; any other
 * file has of each sector what was synced, or what is there.
 */
#ifndef DISK_H
#define DISK_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	DISK_SECTOR = 16,
	DISK_BLOCK = 64, /* what a truncation fills with zeros */
	FILE_MAX = 6 * 1024,
	INODES = 16, /* the first is the mailbox */
	NAMES = 6,
	OPEN_MAX_FD = 16,
	EFFECTS = 400,
	DIR_OPS = 16,
	ALLOCATED = 16,
	MAILBOX_FD = 100,
	DIR_FD = 101,
	FIRST_FD = 200
};

struct content {
	unsigned char bytes[FILE_MAX];
	off_t size;
};

struct inode {
	struct content now, durable;
	bool dirty;
};

struct names {
	char name[NAMES][40]; /* "" where it is free */
	int inode[NAMES];
};

/* Something done to the mailbox that no fsync has covered. */
struct effect {
	enum { EFFECT_WRITE, EFFECT_ZERO, EFFECT_SIZE } what;
	off_t at;
	size_t len;
	unsigned char bytes[DISK_SECTOR];
};

/* What a cut leaves, and what a disk can be loaded with. */
struct world {
	struct content mailbox;
	struct content file[NAMES];
	char name[NAMES][40];
};

static struct disk {
	struct inode inode[INODES];
	int inodes;
	struct names names;
	struct names before[DIR_OPS]; /* the directory before each change */
	int dir_ops;		      /* that no fsync has covered */
	struct effect effect[EFFECTS];
	int effects;
	int open[OPEN_MAX_FD]; /* the inode, 0 where it is free */

	int steps, cut_at;  /* steps that leave something; -1: no cut */
	int calls, fail_at; /* all calls; -1: none fails */
	int fail_times, fail_errno;
	bool short_io; /* no more than a sector at a time, and interrupts */
	bool interrupt;
	bool no_fallocate;
	fsblkcnt_t blocks_free;
	off_t room; /* of all files but the mailbox; -1: any */
	rlim_t size_limit;
	unsigned changes; /* of the mailbox: its mtime */
	bool grew;	  /* a write made the mailbox longer: never right */
	jmp_buf cut;
	void *allocated[ALLOCATED];
} disk;

static void
disk_clear(void)
{
	memset(&disk.names, 0, sizeof(disk.names));
	memset(disk.open, 0, sizeof(disk.open));
	disk.dir_ops = disk.effects = disk.steps = disk.calls = 0;
	disk.changes = 0;
	disk.fail_times = disk.fail_errno = 0;
	disk.inodes = 1;
	disk.cut_at = disk.fail_at = -1;
	disk.short_io = disk.interrupt = disk.no_fallocate = disk.grew = false;
	disk.size_limit = RLIM_INFINITY;
	disk.blocks_free = 1000 * 1000;
	disk.room = -1;
}

static int
disk_find(const char *name)
{
	for (int i = 0; i < NAMES; i++)
		if (strcmp(disk.names.name[i], name) == 0)
			return i;
	return -1;
}

static int
disk_link(const char *name, int inode)
{
	int i = disk_find("");

	if (i < 0)
		abort();
	snprintf(disk.names.name[i], sizeof(disk.names.name[i]), "%s", name);
	disk.names.inode[i] = inode;
	return i;
}

static void
copy_content(struct content *to, const struct content *from)
{
	to->size = from->size;
	memcpy(to->bytes, from->bytes, (size_t)from->size);
}

static void
disk_load(const struct world *w)
{
	disk_clear();
	copy_content(&disk.inode[0].now, &w->mailbox);
	copy_content(&disk.inode[0].durable, &w->mailbox);
	for (int i = 0; i < NAMES; i++) {
		struct inode *inode = &disk.inode[disk.inodes];

		if (!w->name[i][0])
			continue;
		copy_content(&inode->now, &w->file[i]);
		copy_content(&inode->durable, &w->file[i]);
		inode->dirty = false;
		(void)disk_link(w->name[i], disk.inodes++);
	}
}

/* Of each sector of a file the one or the other; the size is one of both. */
static void
mix_content(struct content *to, const struct inode *inode, bool (*choose)(int))
{
	copy_content(to, choose(0) ? &inode->durable : &inode->now);
	for (off_t at = 0; at < to->size; at += DISK_SECTOR) {
		const struct content *from = choose((int)(at / DISK_SECTOR) + 1)
						 ? &inode->durable
						 : &inode->now;

		if (at + DISK_SECTOR <= from->size)
			memcpy(to->bytes + at, from->bytes + at, DISK_SECTOR);
	}
}

/* What a file has: all, or what choose says. */
static void
disk_save(struct world *w, const struct names *names, bool (*choose)(int))
{
	memset(w->name, 0, sizeof(w->name));
	for (int i = 0; i < NAMES; i++) {
		const struct inode *inode = &disk.inode[names->inode[i]];

		if (!names->name[i][0])
			continue;
		memcpy(w->name[i], names->name[i], sizeof(w->name[i]));
		if (choose)
			mix_content(&w->file[i], inode, choose);
		else
			copy_content(&w->file[i], &inode->now);
	}
}

/* The world after a kill, or after no cut at all. */
static void
disk_after_kill(struct world *w)
{
	disk_save(w, &disk.names, NULL);
	copy_content(&w->mailbox, &disk.inode[0].now);
}

static void
apply_effect(struct content *c, const struct effect *e)
{
	off_t end = e->what == EFFECT_SIZE ? e->at : e->at + (off_t)e->len;

	if (e->what == EFFECT_SIZE) {
		c->size = end;
		return;
	}
	if (end > c->size)
		end = c->size;
	if (e->at >= end)
		return;
	if (e->what == EFFECT_ZERO)
		memset(c->bytes + e->at, 0, (size_t)(end - e->at));
	else
		memcpy(c->bytes + e->at, e->bytes, (size_t)(end - e->at));
}

/* What the calls have in common */

static int
disk_call(void)
{
	int n = disk.calls++;

	if (disk.fail_at >= 0 && n >= disk.fail_at &&
	    n - disk.fail_at < disk.fail_times) {
		errno = disk.fail_errno;
		return -1;
	}
	return 0;
}

/* Whether a file may grow to that size. */
static bool
disk_has_room(const struct content *c, off_t size)
{
	off_t used = 0;

	for (int i = 0; i < NAMES; i++)
		if (disk.names.name[i][0])
			used += disk.inode[disk.names.inode[i]].now.size;
	errno = ENOSPC;
	return disk.room < 0 || size <= c->size ||
	       used - c->size + size <= disk.room;
}

/* Called before something is changed. */
static void
disk_step(void)
{
	if (disk.cut_at >= 0 && disk.steps >= disk.cut_at)
		longjmp(disk.cut, 1);
	disk.steps++;
}

static bool
disk_interrupted(void)
{
	if (!disk.short_io)
		return false;
	disk.interrupt = !disk.interrupt;
	errno = EINTR;
	return disk.interrupt;
}

static struct inode *
disk_inode(int fd)
{
	if (fd == MAILBOX_FD)
		return &disk.inode[0];
	if (fd < FIRST_FD || fd >= FIRST_FD + OPEN_MAX_FD ||
	    !disk.open[fd - FIRST_FD])
		abort();
	return &disk.inode[disk.open[fd - FIRST_FD]];
}

static void
disk_dir_op(void)
{
	disk_step();
	if (disk.dir_ops == DIR_OPS)
		abort();
	disk.before[disk.dir_ops++] = disk.names;
}

/* The calls */

static int
disk_openat(int dir, const char *name, int flags, ...)
{
	int i = disk_find(name), fd = 0;

	if (dir != DIR_FD || !(flags & O_NOFOLLOW) || !(flags & O_CLOEXEC))
		abort();
	if (disk_call() != 0)
		return -1;
	errno = i < 0 ? ENOENT : EEXIST;
	if (i < 0 ? !(flags & O_CREAT) : (flags & O_EXCL) != 0)
		return -1;
	if (i < 0) {
		if (disk.inodes == INODES)
			abort();
		disk_dir_op();
		disk.inode[disk.inodes].now.size = 0;
		disk.inode[disk.inodes].durable.size = 0;
		disk.inode[disk.inodes].dirty = false;
		i = disk_link(name, disk.inodes++);
	}
	while (disk.open[fd])
		fd++;
	disk.open[fd] = disk.names.inode[i];
	return FIRST_FD + fd;
}

static int
disk_close(int fd)
{
	(void)disk_inode(fd);
	disk.open[fd - FIRST_FD] = 0;
	return disk_call();
}

static ssize_t
disk_pread(int fd, void *buf, size_t len, off_t at)
{
	const struct content *c = &disk_inode(fd)->now;

	if (disk_call() != 0 || disk_interrupted())
		return -1;
	if (at >= c->size)
		return 0;
	if (len > (size_t)(c->size - at))
		len = (size_t)(c->size - at);
	if (disk.short_io && len > DISK_SECTOR)
		len = DISK_SECTOR;
	memcpy(buf, c->bytes + at, len);
	return (ssize_t)len;
}

static size_t
to_sector_end(off_t at)
{
	return DISK_SECTOR - (size_t)at % DISK_SECTOR;
}

/* A sector of the mailbox is a step of its own: a kill may come between. */
static void
write_sector(struct content *c, const unsigned char *p, size_t len, off_t at)
{
	struct effect *e = &disk.effect[disk.effects];

	disk_step();
	if (disk.effects == EFFECTS)
		abort();
	disk.effects++;
	e->what = EFFECT_WRITE;
	e->at = at;
	e->len = len;
	memcpy(e->bytes, p, len);
	if (at + (off_t)len > c->size)
		disk.grew = true;
	disk.changes++;
	apply_effect(c, e);
}

static ssize_t
disk_pwrite(int fd, const void *buf, size_t len, off_t at)
{
	struct inode *inode = disk_inode(fd);
	const unsigned char *p = buf;
	size_t done, n;

	if (disk_call() != 0 || disk_interrupted())
		return -1;
	/* a real one ends where a page does */
	if (disk.short_io && len > to_sector_end(at))
		len = to_sector_end(at);
	if (fd != MAILBOX_FD) {
		if (!disk_has_room(&inode->now, at + (off_t)len))
			return -1;
		disk_step();
		if (at + (off_t)len > FILE_MAX)
			abort();
		memcpy(inode->now.bytes + at, p, len);
		if (inode->now.size < at + (off_t)len)
			inode->now.size = at + (off_t)len;
		inode->dirty = true;
		return (ssize_t)len;
	}
	for (done = 0; done < len; done += n, at += (off_t)n) {
		n = to_sector_end(at);
		if (n > len - done)
			n = len - done;
		write_sector(&inode->now, p + done, n, at);
	}
	return (ssize_t)len;
}

static int
disk_ftruncate(int fd, off_t size)
{
	struct inode *inode = disk_inode(fd);
	struct effect *e = &disk.effect[disk.effects];

	if (disk_call() != 0 || disk_interrupted())
		return -1;
	if (size > inode->now.size)
		abort();
	disk_step();
	if (fd != MAILBOX_FD) {
		inode->now.size = size;
		return 0;
	}
	disk.changes++;
	e[0].what = EFFECT_ZERO;
	e[0].at = size;
	e[0].len = (DISK_BLOCK - (size_t)size % DISK_BLOCK) % DISK_BLOCK;
	e[1].what = EFFECT_SIZE;
	e[1].at = size;
	disk.effects += 2;
	inode->now.size = size;
	return 0;
}

static int
disk_fsync(int fd)
{
	struct inode *inode;

	if (disk_call() != 0 || disk_interrupted())
		return -1;
	disk_step();
	if (fd == DIR_FD) {
		disk.dir_ops = 0;
		return 0;
	}
	inode = disk_inode(fd);
	copy_content(&inode->durable, &inode->now);
	inode->dirty = false;
	if (fd == MAILBOX_FD)
		disk.effects = 0;
	return 0;
}

static int
disk_fallocate(int fd, int mode, off_t at, off_t len)
{
	struct content *c = &disk_inode(fd)->now;

	if (disk_call() != 0 || disk_interrupted())
		return -1;
	if (mode != 0 || at != 0 || len > FILE_MAX)
		abort();
	errno = EOPNOTSUPP;
	if (disk.no_fallocate)
		return -1;
	if (len <= c->size)
		return 0;
	if (!disk_has_room(c, len))
		return -1;
	disk_step();
	memset(c->bytes + c->size, 0, (size_t)(len - c->size));
	c->size = len;
	return 0;
}

static int
disk_inode_number(int dir, const char *name)
{
	int i = disk_find(name);

	if (dir == DIR_FD && name[0] != '\0')
		return i < 0 ? -1 : disk.names.inode[i];
	return (int)(disk_inode(dir) - disk.inode);
}

static int
disk_statx(int dir, const char *name, int flags, unsigned mask, struct statx *x)
{
	int inode;

	if (!(flags & AT_STATX_FORCE_SYNC) || mask != STATX_BASIC_STATS)
		abort();
	memset(x, 0, sizeof(*x));
	if (disk_call() != 0)
		return -1;
	x->stx_mode = S_IFREG | S_IRUSR | S_IWUSR;
	if (dir == DIR_FD && name[0] == '\0')
		return 0;
	inode = disk_inode_number(dir, name);
	errno = ENOENT;
	if (inode < 0)
		return -1;
	x->stx_ino = (unsigned)inode + 1;
	x->stx_nlink = 1;
	if (inode == 0)
		x->stx_atime.tv_nsec = x->stx_mtime.tv_nsec = disk.changes;
	x->stx_size = (unsigned long long)disk.inode[inode].now.size;
	return 0;
}

static int
disk_fstatat(int dir, const char *name, struct stat *st, int flags)
{
	if (dir != DIR_FD || flags != AT_SYMLINK_NOFOLLOW)
		abort();
	if (disk_call() != 0)
		return -1;
	memset(st, 0, sizeof(*st));
	errno = ENOENT;
	return disk_find(name) < 0 ? -1 : 0;
}

static int
disk_fstatvfs(int fd, struct statvfs *fs)
{
	(void)disk_inode(fd);
	memset(fs, 0, sizeof(*fs));
	fs->f_frsize = 512;
	fs->f_bavail = disk.blocks_free;
	return disk_call();
}

static int
disk_unlinkat(int dir, const char *name, int flags)
{
	int i = disk_find(name);

	if (dir != DIR_FD || flags != 0)
		abort();
	if (disk_call() != 0)
		return -1;
	errno = ENOENT;
	if (i < 0)
		return -1;
	disk_dir_op();
	disk.names.name[i][0] = '\0';
	return 0;
}

static int
disk_renameat(int dir, const char *from, int dir2, const char *to)
{
	int i = disk_find(from), j = disk_find(to);

	if (dir != DIR_FD || dir2 != DIR_FD)
		abort();
	if (disk_call() != 0)
		return -1;
	errno = ENOENT;
	if (i < 0)
		return -1;
	disk_dir_op();
	if (j >= 0)
		disk.names.name[j][0] = '\0';
	snprintf(disk.names.name[i], sizeof(disk.names.name[i]), "%s", to);
	return 0;
}

static int
disk_futimens(int fd, const struct timespec times[2])
{
	(void)disk_inode(fd);
	(void)times;
	disk.changes += fd == MAILBOX_FD;
	return disk_call();
}

static int
disk_getrlimit(int resource, struct rlimit *limit)
{
	if (resource != RLIMIT_FSIZE)
		abort();
	limit->rlim_cur = limit->rlim_max = disk.size_limit;
	return disk_call();
}

/* Memory that a cut leaves behind is given back by the next disk_reap(). */
static void *
disk_alloc(size_t alignment, size_t size)
{
	int i = 0;

	(void)alignment;
	while (disk.allocated[i])
		i++;
	disk.allocated[i] =
	    aligned_alloc(DISK_BLOCK, (size / DISK_BLOCK + 1) * DISK_BLOCK);
	return disk.allocated[i];
}

static void *
disk_calloc(size_t n, size_t size)
{
	void *p = disk_alloc(1, n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

static void
disk_free(void *p)
{
	for (int i = 0; i < ALLOCATED; i++)
		if (disk.allocated[i] == p)
			disk.allocated[i] = NULL;
	free(p);
}

static void
disk_reap(void)
{
	for (int i = 0; i < ALLOCATED; i++) {
		free(disk.allocated[i]);
		disk.allocated[i] = NULL;
	}
}

#define openat disk_openat
#define close disk_close
#define pread disk_pread
#define pwrite disk_pwrite
#define ftruncate disk_ftruncate
#define fsync disk_fsync
#define fdatasync disk_fsync
#define fallocate disk_fallocate
#define fstatat disk_fstatat
#define statx(dir, name, flags, mask, x) disk_statx(dir, name, flags, mask, x)
#define fstatvfs disk_fstatvfs
#define unlinkat disk_unlinkat
#define renameat disk_renameat
#define futimens disk_futimens
#define getrlimit disk_getrlimit
#define aligned_alloc disk_alloc
#define malloc(size) disk_alloc(1, size)
#define calloc disk_calloc
#define free disk_free

#endif
