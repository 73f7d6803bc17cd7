/* In the monitor, with the privileges. */
#include "tls/tls_fit.h"

#include <string.h>
#include <sys/stat.h>

#include "tls/tls_runtime.h"

/* A good verdict only: who mends what is wrong is not to wait for anything. */
static const char name[] = "tls-fit";

static bool
look(struct tls_file_seen *seen, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*seen = (struct tls_file_seen){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.changed = st.st_ctim.tv_sec,
		.changed_nsec = st.st_ctim.tv_nsec,
	};
	return true;
}

bool
tls_fit_look(struct tls_files_seen *seen, const struct tls_files *f)
{
	memset(seen, 0, sizeof(*seen));
	for (unsigned i = 0; i < f->count; i++)
		if (!look(&seen->files[2 * i], f->pairs[i].cert) ||
		    !look(&seen->files[2 * i + 1], f->pairs[i].key))
			return false;
	return true;
}

bool
tls_fit_known(const struct tls_files_seen *seen)
{
	struct tls_files_seen fitting;

	return tls_runtime_load(name, &fitting, sizeof(fitting)) &&
	       memcmp(&fitting, seen, sizeof(fitting)) == 0;
}

void
tls_fit_remember(const struct tls_files_seen *seen)
{
	tls_runtime_save(name, seen, sizeof(*seen));
}
