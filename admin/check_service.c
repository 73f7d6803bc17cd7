/*
 * pop3d --check: whether clients reach pop3d: which program listens on the
 * ports of POP3.
 */
#include "admin/check_parts.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/systemctl.h"
#include "admin/units.h"

enum { NAME_SIZE = 32, LISTENING = 0x0a };

/* The inode of a socket that listens on the port, 0 for none. */
static unsigned long
find_listener(const char *table, unsigned port)
{
	char line[512];
	unsigned long found = 0;
	FILE *f = fopen(table, "re");

	while (f != NULL && found == 0 && fgets(line, sizeof(line), f)) {
		unsigned local, state;
		unsigned long inode;

		/* sl local:port remote:port st tx:rx tr:when retr uid timeout
		 * inode; the kernel's numbers fit. */
		/* NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line,
			   " %*[^:]: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x "
			   "%*x:%*x %*x:%*x %*x %*u %*u %lu",
			   &local, &state, &inode) == 3 &&
		    local == port && state == LISTENING)
			found = inode;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
has_socket(const char *pid, unsigned long inode)
{
	char path[PATH_MAX], want[64], target[64];
	const struct dirent *entry;
	bool found = false;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			found = strcmp(target, want) == 0;
		}
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* The name of a process that holds the socket; "" where none is seen. */
static void
find_owner(unsigned long inode, char name[NAME_SIZE])
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir = opendir("/proc");

	name[0] = '\0';
	while (dir != NULL && name[0] == '\0' &&
	       (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !has_socket(entry->d_name, inode))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		FILE *f = fopen(path, "re");
		if (f != NULL && fgets(name, NAME_SIZE, f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		if (f != NULL)
			fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
}

/* Programs that start another one for each connection. */
static bool
is_superserver(const char *name)
{
	static const char *const names[] = { "xinetd",	       "inetd",
					     "tcpserver",      "stunnel",
					     "stunnel4",       "pop3d",
					     "systemd-socket-" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static unsigned long
find_any_listener(unsigned port)
{
	unsigned long inode = find_listener("/proc/net/tcp", port);

	return inode != 0 ? inode : find_listener("/proc/net/tcp6", port);
}

static void
check_port(struct check *c, const struct unit_socket *s, bool wanted)
{
	const char *unit = s->name;
	unsigned port = s->port;
	char owner[NAME_SIZE];
	unsigned long inode = find_any_listener(port);

	if (inode == 0) {
		if (wanted)
			check_say(c, CHECK_WARNING,
				  "port %u: nobody listens: systemctl enable "
				  "--now %s",
				  port, unit);
		return;
	}
	find_owner(inode, owner);
	if (strcmp(owner, "systemd") == 0 && systemctl_says("is-active", unit))
		check_say(c, CHECK_OK, "port %u: systemd listens for %s", port,
			  unit);
	else if (is_superserver(owner) || owner[0] == '\0')
		check_say(c, CHECK_OK,
			  "port %u: %s listens; see to it that it starts "
			  "pop3d",
			  port, owner[0] != '\0' ? owner : "some program");
	else
		check_say(c, CHECK_ERROR,
			  "port %u: taken by %s: stop and disable that server",
			  port, owner);
}

/* Either port alone is enough, whoever listens on it. */
void
check_service(struct check *c)
{
	bool served = unit_any_serves();

	for (size_t i = 0; i < UNIT_SOCKETS; i++)
		served |= find_any_listener(unit_sockets[i].port) != 0;
	for (size_t i = 0; i < UNIT_SOCKETS; i++)
		check_port(c, &unit_sockets[i],
			   served ? unit_serves(&unit_sockets[i]) : i == 0);
}
