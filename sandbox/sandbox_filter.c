/*
 * seccomp: the system calls of each role, those first that are made most often.
 * A static list, because one that is compiled for each connection takes longer
 * than the session. Whatever is not in it ends the process, which writes down
 * first what it was: see refusal.h.
 *
 * A list holds what glibc from 2.34 on and musl make of each function that its
 * role calls; docs/platforms.md says with which of them it has been run.
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/refusal.h"

#if SANDBOX_INSTRUMENTED
#elif defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#endif

#ifdef ARCH

/* ---- the words of the lists; all but the arguments' are two instructions */

#define LOAD(member)                       \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 offsetof(struct seccomp_data, member))
#define JUMP(test, value, yes, no) \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* On all these machines the lower half of an argument comes first. */
#define LOW(n) LOAD(args[n])
#define HIGH(n)                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 offsetof(struct seccomp_data, args[n]) + 4)

#define BEGIN                                  \
	LOAD(arch), JUMP(BPF_JEQ, ARCH, 1, 0), \
	    RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr)
/* Not made, and told to the process, which has no way on: see refusal.c. */
#define STOP RETURN(SECCOMP_RET_TRAP)
#define END STOP

#define ALLOW(call) JUMP(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* For what libraries try and can do without. */
#define REFUSE(call, error) \
	JUMP(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ERRNO | (error))

/* With argument n, of which the lower half counts, equal to value. */
#define ALLOW_IF(call, n, value)                                              \
	JUMP(BPF_JEQ, __NR_##call, 0, 4), LOW(n), JUMP(BPF_JEQ, value, 0, 1), \
	    RETURN(SECCOMP_RET_ALLOW), STOP

/* The same with one of two values. */
#define ALLOW_EITHER(call, n, one, other)                                   \
	JUMP(BPF_JEQ, __NR_##call, 0, 5), LOW(n), JUMP(BPF_JEQ, one, 1, 0), \
	    JUMP(BPF_JEQ, other, 0, 1), RETURN(SECCOMP_RET_ALLOW), STOP

/* With none of these bits in argument n. */
#define ALLOW_WITHOUT(call, n, bits)                                          \
	JUMP(BPF_JEQ, __NR_##call, 0, 4), LOW(n), JUMP(BPF_JSET, bits, 1, 0), \
	    RETURN(SECCOMP_RET_ALLOW), STOP

/* With argument n a null pointer. */
#define ALLOW_NULL(call, n)                                               \
	JUMP(BPF_JEQ, __NR_##call, 0, 6), LOW(n), JUMP(BPF_JEQ, 0, 0, 3), \
	    HIGH(n), JUMP(BPF_JEQ, 0, 0, 1), RETURN(SECCOMP_RET_ALLOW), STOP

/* ---- the lists */

/*
 * Of two names that a call has, on machines or in C libraries, those that the
 * machine knows.
 */
#ifdef __NR_poll
#define ALLOW_POLL_MS ALLOW(poll),
#else
#define ALLOW_POLL_MS
#endif
#ifdef __NR_time
#define ALLOW_TIME ALLOW(gettimeofday), ALLOW(time)
#else
#define ALLOW_TIME ALLOW(gettimeofday)
#endif

#ifdef __i386__ /* offsets and times of 64 bits have calls of their own */
#define ALLOW_POLL ALLOW_POLL_MS ALLOW(ppoll_time64), ALLOW(ppoll)
#define ALLOW_CLOCK ALLOW(clock_gettime64), ALLOW(clock_gettime)
#define ALLOW_NAP ALLOW(clock_nanosleep_time64), ALLOW(clock_nanosleep)
#define ALLOW_FUTEX ALLOW(futex_time64), ALLOW(futex)
#define ALLOW_STAT ALLOW(statx), ALLOW(fstatat64), ALLOW(fstat64)
#define ALLOW_STATFS ALLOW(statfs64), ALLOW(fstatfs64)
#define ALLOW_UTIMENS ALLOW(utimensat_time64), ALLOW(utimensat)
#define ALLOW_SEEK ALLOW(_llseek), ALLOW(lseek)
#define ALLOW_TRUNCATE ALLOW(ftruncate64)
#define ALLOW_ADVISE ALLOW(fadvise64_64)
#define ALLOW_EUID ALLOW(geteuid32)
#define ALLOW_RETURN ALLOW(rt_sigreturn), ALLOW(sigreturn)
#define ALLOW_FCNTL(one, other) ALLOW_EITHER(fcntl64, 1, one, other)
#define ALLOW_MAP ALLOW_WITHOUT(mmap2, 2, PROT_EXEC)
#else
#define ALLOW_POLL ALLOW_POLL_MS ALLOW(ppoll)
#define ALLOW_CLOCK ALLOW(clock_gettime)
#define ALLOW_NAP ALLOW(clock_nanosleep), ALLOW(nanosleep)
#define ALLOW_FUTEX ALLOW(futex)
#define ALLOW_STAT ALLOW(statx), ALLOW(newfstatat), ALLOW(fstat)
#define ALLOW_STATFS ALLOW(statfs), ALLOW(fstatfs)
#define ALLOW_UTIMENS ALLOW(utimensat)
#define ALLOW_SEEK ALLOW(lseek)
#define ALLOW_TRUNCATE ALLOW(ftruncate)
#define ALLOW_ADVISE ALLOW(fadvise64)
#define ALLOW_EUID ALLOW(geteuid)
#define ALLOW_RETURN ALLOW(rt_sigreturn)
#define ALLOW_FCNTL(one, other) ALLOW_EITHER(fcntl, 1, one, other)
#define ALLOW_MAP ALLOW_WITHOUT(mmap, 2, PROT_EXEC)
#endif

/*
 * Where glibc makes one call of all those on sockets, by a number: no
 * destination is among the arguments of send(2).
 */
#ifdef __i386__
#define SOCKETCALL(number) \
	JUMP(BPF_JEQ, number, 0, 1), RETURN(SECCOMP_RET_ALLOW)
#define ALLOW_SOCKETCALLS                                                      \
	, JUMP(BPF_JEQ, __NR_socketcall, 0, 10), LOW(0), SOCKETCALL(SYS_SEND), \
	    SOCKETCALL(SYS_RECV), SOCKETCALL(SYS_RECVMSG),                     \
	    SOCKETCALL(SYS_SHUTDOWN), STOP
#define REFUSE_SOCKET(error)                                                 \
	REFUSE(socket, error), JUMP(BPF_JEQ, __NR_socketcall, 0, 4), LOW(0), \
	    JUMP(BPF_JEQ, SYS_SOCKET, 0, 1),                                 \
	    RETURN(SECCOMP_RET_ERRNO | (error)), LOAD(nr)
#else
#define ALLOW_SOCKETCALLS
#define REFUSE_SOCKET(error) REFUSE(socket, error)
#endif

/* A connection; all there is to a process that only talks. */
#define TALK                                                              \
	ALLOW_POLL,		   /* waiting for the other side */       \
	    ALLOW(read),	   /* a pipe or a socket */               \
	    ALLOW_NULL(sendto, 4), /* send(2): to whom it is connected */ \
	    ALLOW(recvfrom),	   /* what is left of the connection */   \
	    ALLOW_CLOCK,	   /* deadlines, without the vDSO */      \
	    ALLOW(write)	   /* a pipe */                           \
	    ALLOW_SOCKETCALLS

/* Of the C library and the kernel. */
#define RUN                                                             \
	ALLOW_RETURN,		    /* SIGTERM has come */              \
	    ALLOW(restart_syscall), /* SIGSTOP and SIGCONT have come */ \
	    ALLOW(exit_group),	    /* the end */                       \
	    ALLOW(exit)		    /* the same */

/* malloc(3): memory, but none that can be run. */
#define MEMORY                                                               \
	ALLOW(brk), ALLOW_MAP, ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), \
	    ALLOW_WITHOUT(mprotect, 2, PROT_EXEC)

/*
 * getrandom(3): the call; from glibc 2.41 on a generator in the vDSO, whose
 * first use maps memory with all signals blocked. SIGTERM is so anyway but
 * while a process waits, and the monitor has SIGKILL for who does not heed it.
 */
#define RANDOM ALLOW(getrandom), ALLOW(rt_sigprocmask)

static const struct sock_filter proxy[] = {
	BEGIN,
	TALK,
	RUN,
	END,
};

static const struct sock_filter greeter[] = {
	BEGIN,
	TALK,
	ALLOW(recvmsg),	 /* the relay's plain side, by the boundary */
	ALLOW(close),	 /* what it takes the place of */
	ALLOW(shutdown), /* no more is to come */
	ALLOW(uname),	 /* the host's name, in the farewell */
	MEMORY,		 /* what the C library may take to print */
	RUN,
	END,
};

static const struct sock_filter relay[] = {
	BEGIN,
	TALK,
	MEMORY,
	ALLOW_FUTEX,	 /* libcrypto's locks */
	RANDOM,		 /* keys */
	ALLOW(getpid),	 /* whether libcrypto's random numbers were forked */
	ALLOW_TIME,	 /* tickets, without the vDSO */
	ALLOW(shutdown), /* close_notify */
	ALLOW(close),	 /* one end is gone */
	RUN,
	END,
};

/*
 * Files are Landlock's matter, and that of their modes. Sockets and inotify's
 * descriptor are there, or made by a call with no path of any use.
 */
static const struct sock_filter mailbox[] = {
	BEGIN,
	ALLOW(pread64),	       /* the mailbox, its index, a journal */
	REFUSE_SOCKET(EACCES), /* a log that was started anew */
	TALK,
	ALLOW(flock), /* the mailbox, the session's lock */
	/* the mailbox's lock; open(2) and O_CLOEXEC of musl */
	ALLOW_FCNTL(F_OFD_SETLK, F_SETFD),
	ALLOW_STAT,    /* is it still the same? fstat(3) of glibc, too */
	ALLOW(openat), /* mailbox, locks, index, journal */
#ifdef __NR_open
	ALLOW(open),
	ALLOW(stat),
	ALLOW(lstat), /* the same, of musl */
#endif
	ALLOW(close),	   /* the same */
	ALLOW_ADVISE,	   /* the mailbox is read to its end */
	ALLOW(getdents64), /* a Maildir's cur/ and new/ */
	MEMORY,
	ALLOW(pwrite64),  /* index, journal, mailbox */
	ALLOW(fsync),	  /* journal, mailbox, directory */
	ALLOW(fdatasync), /* journal */
	ALLOW_TRUNCATE,	  /* mailbox */
	ALLOW(fallocate), /* journal */
	ALLOW(unlinkat),  /* dotlock, journal, a Maildir's message */
	ALLOW(linkat),	  /* dotlock; a Maildir's message, to cur/ */
	ALLOW(renameat),  /* index, journal, a stale dotlock */
#ifdef __NR_renameat2
	ALLOW(renameat2), /* the same; a Maildir's message, to cur/ */
#endif
	ALLOW_UTIMENS,		  /* the mailbox's times */
	ALLOW(fchdir),		  /* the state directory */
	ALLOW_STATFS,		  /* whether it is NFS; room for a journal */
	ALLOW(inotify_init1),	  /* a newcomer who wants the maildrop */
	ALLOW(inotify_add_watch), /* the same */
	ALLOW_NAP,		  /* until the last session is gone */
	ALLOW_SEEK,		  /* dprintf(3) */
	ALLOW(writev),		  /* dprintf(3) of musl; last words of glibc */
	ALLOW(getpid),		  /* dotlock, syslog(3) */
	ALLOW_EUID,		  /* whose mailbox it is */
	ALLOW_IF(kill, 1, 0),	  /* whether a dotlock's process lives */
	RANDOM,			  /* names of files */
	ALLOW_NULL(prlimit64, 2), /* getrlimit(2): room for a journal */
	ALLOW(sysinfo),		  /* qsort(3) of glibc before 2.37 */
	ALLOW(shutdown),	  /* no more is to come */
	ALLOW(uname),		  /* the host's name, in the farewell */
	ALLOW_TIME,		  /* names of files, without the vDSO */
	REFUSE(ioctl, ENOTTY),	  /* isatty(3) */
	RUN,
	/* how a tracer leaves a call out: as a test of failures does */
	JUMP(BPF_JEQ, -1, 0, 1),
	RETURN(SECCOMP_RET_ALLOW),
	END,
};

#define PROGRAM(list)                                              \
	{                                                          \
		.len = sizeof(list) / sizeof((list)[0]),           \
		.filter = (struct sock_filter *)(uintptr_t)(list), \
	}

static const struct sock_fprog programs[ROLES] = {
	[ROLE_PROXY] = PROGRAM(proxy),	    [ROLE_GREETER] = PROGRAM(greeter),
	[ROLE_RELAY] = PROGRAM(relay),	    [ROLE_MAILBOX] = PROGRAM(mailbox),
	[ROLE_RECOVERY] = PROGRAM(mailbox), [ROLE_LISTING] = PROGRAM(mailbox),
};

bool
sandbox_filter(enum role role)
{
	/* not built in, or a program that stands for a kernel */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return true;
	return refusal_watch(role) &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[role]) == 0;
}

const char *
sandbox_lacks_filter(void)
{
	unsigned action = SECCOMP_RET_TRAP;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return NULL;
	return "this kernel has none";
}

#else

bool
sandbox_filter(enum role role)
{
	(void)role;
	return true;
}

const char *
sandbox_lacks_filter(void)
{
	/* what is built for tests is quiet about it */
	return SANDBOX_INSTRUMENTED ? NULL : "pop3d has none for this machine";
}

#endif
