/*
 * Tells file systems by statfs(2). In every process that has files. Must not
 * know what the answer is for.
 */
#include "base/filesystem.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

/*
 * Those that one kernel mounts at a time. What is not here (FUSE, of which
 * GlusterFS is one, Ceph, CIFS, GFS2, OCFS2, Lustre, and what is still to be
 * written) may be another host's as well.
 */
static const uint32_t local_magic[] = {
	0xEF53,	    /* ext2, ext3, ext4 */
	0x58465342, /* XFS */
	0x9123683E, /* btrfs */
	0x2FC12FC1, /* ZFS */
	0xCA451A4E, /* bcachefs */
	0xF2F52010, /* F2FS */
	0x3153464A, /* JFS */
	0x52654973, /* ReiserFS */
	0x3434,	    /* NILFS */
	0x24051905, /* UBIFS */
	0x01021994, /* tmpfs */
	0x858458F6, /* ramfs */
	0x794C7630, /* overlayfs, whose upper layer is a local one */
};

static const uint32_t nfs_magic = 0x6969;

static uint32_t
magic_of(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 ? (uint32_t)fs.f_type : 0;
}

bool
filesystem_is_local(int fd)
{
	uint32_t magic = magic_of(fd);

	for (size_t i = 0; i < sizeof(local_magic) / sizeof(*local_magic); i++)
		if (local_magic[i] == magic)
			return true;
	return false;
}

bool
filesystem_is_nfs(int fd)
{
	return magic_of(fd) == nfs_magic;
}
