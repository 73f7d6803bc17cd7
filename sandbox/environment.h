/*
 * What crosses a fork, and what each role keeps of it: sandbox_enter() sees to
 * all of it, once, before a byte from outside is read.
 *
 *     descriptors    those in its needs; standard error and the log's where it
 *                    writes lines (descriptors.c)
 *     memory         the monitor's: options, the peer, the account, what the
 *                    greeter had read ahead; never what PAM or the secrets
 *                    file hold, which is in the authenticator's only. Two
 *                    pages are shared: what refusal.h tells, and live.h's
 *                    counts; each holds nothing but numbers
 *     environment    none but TZ (environment.c)
 *     uid, groups,   the role's own uid and gid, no groups, no capabilities
 *     capabilities   (privilege.c)
 *     limits         no core, no processes, few descriptors; else what PAM's
 *                    session modules asked for (attributes.c)
 *     signal mask    SIGTERM and SIGHUP blocked but while it waits, SIGPIPE and
 *                    SIGXFSZ ignored (signals.c); SIGTERM when the monitor dies
 *     umask          077, from the start (pop3d.c)
 *     directory      / of the empty root, or the user's state directory
 *     timers         none; nothing sets one
 *
 * The authenticator keeps the monitor's limits and root directory, which PAM's
 * modules may look at, of the environment what they need, and nothing of the
 * connection. The certificate check lives for a moment, as a copy of the
 * monitor that reads two files of root's.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

/*
 * At the start: keeps what this program, PAM's modules, NSS and OpenSSL use of
 * the environment, and wipes the rest, in place.
 */
void environment_bound(void);

/* The monitor's, from when PAM's process is there. */
void environment_bound_monitor(void);

/* In the processes that others talk to. */
void environment_empty(void);

#endif
