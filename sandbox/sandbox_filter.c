/*
 * seccomp: the system calls of each role, those first that are made most often.
 * A static list, because one that is compiled for each connection takes longer
 * than the session. Whatever is not in it ends the process.
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if SANDBOX_INSTRUMENTED
#elif defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

/* ---- the words of the lists; all but the arguments' are two instructions */

#define LOAD(member)                       \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 offsetof(struct seccomp_data, member))
#define JUMP(test, value, yes, no) \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* On both architectures the lower half of an argument comes first. */
#define LOW(n) LOAD(args[n])
#define HIGH(n)                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 offsetof(struct seccomp_data, args[n]) + 4)

#define BEGIN                                  \
	LOAD(arch), JUMP(BPF_JEQ, ARCH, 1, 0), \
	    RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr)
#define END RETURN(SECCOMP_RET_KILL_PROCESS)

#define ALLOW(call) JUMP(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* For what libraries try and can do without. */
#define REFUSE(call, error) \
	JUMP(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ERRNO | (error))

/* With argument n, of which the lower half counts, equal to value. */
#define ALLOW_IF(call, n, value)                                              \
	JUMP(BPF_JEQ, __NR_##call, 0, 4), LOW(n), JUMP(BPF_JEQ, value, 0, 1), \
	    RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS)

/* With none of these bits in argument n. */
#define ALLOW_WITHOUT(call, n, bits)                                          \
	JUMP(BPF_JEQ, __NR_##call, 0, 4), LOW(n), JUMP(BPF_JSET, bits, 1, 0), \
	    RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS)

/* With argument n a null pointer. */
#define ALLOW_NULL(call, n)                                               \
	JUMP(BPF_JEQ, __NR_##call, 0, 6), LOW(n), JUMP(BPF_JEQ, 0, 0, 3), \
	    HIGH(n), JUMP(BPF_JEQ, 0, 0, 1), RETURN(SECCOMP_RET_ALLOW),   \
	    RETURN(SECCOMP_RET_KILL_PROCESS)

/* ---- the lists */

/* poll(2) of the C library is ppoll(2) where the kernel has no other. */
#ifdef __NR_poll
#define ALLOW_POLL ALLOW(ppoll), ALLOW(poll)
#else
#define ALLOW_POLL ALLOW(ppoll)
#endif

#ifdef __NR_time
#define ALLOW_TIME ALLOW(gettimeofday), ALLOW(time)
#else
#define ALLOW_TIME ALLOW(gettimeofday)
#endif

/* A connection; all there is to a process that only talks. */
#define TALK                                                              \
	ALLOW_POLL,		   /* waiting for the other side */       \
	    ALLOW(read),	   /* a pipe or a socket */               \
	    ALLOW_NULL(sendto, 4), /* send(2): to whom it is connected */ \
	    ALLOW(recvfrom),	   /* what is left of the connection */   \
	    ALLOW(clock_gettime),  /* deadlines, without the vDSO */      \
	    ALLOW(write)	   /* a pipe */

/* Of the C library and the kernel. */
#define RUN                                                             \
	ALLOW(rt_sigreturn),	    /* SIGTERM has come */              \
	    ALLOW(restart_syscall), /* SIGSTOP and SIGCONT have come */ \
	    ALLOW(exit_group),	    /* the end */                       \
	    ALLOW(exit)		    /* the same */

/* malloc(3): memory, but none that can be run. */
#define MEMORY                                                        \
	ALLOW(brk), ALLOW_WITHOUT(mmap, 2, PROT_EXEC), ALLOW(munmap), \
	    ALLOW(mremap), ALLOW(madvise),                            \
	    ALLOW_WITHOUT(mprotect, 2, PROT_EXEC)

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
	ALLOW(futex),	  /* libcrypto's locks */
	ALLOW(getrandom), /* keys */
	ALLOW(getpid),	  /* whether libcrypto's random numbers were forked */
	ALLOW_TIME,	  /* tickets, without the vDSO */
	ALLOW(shutdown),  /* close_notify */
	ALLOW(close),	  /* one end is gone */
	RUN,
	END,
};

/*
 * Files are Landlock's matter, and that of their modes. Sockets and inotify's
 * descriptor are there, or made by a call with no path of any use.
 */
static const struct sock_filter mailbox[] = {
	BEGIN,
	ALLOW(pread64), /* the mailbox, its index, a journal */
	TALK,
	ALLOW(flock),			 /* the mailbox, the session's lock */
	ALLOW_IF(fcntl, 1, F_OFD_SETLK), /* the mailbox's lock */
	ALLOW(newfstatat), /* is it still the same? fstat(3) of glibc, too */
	ALLOW(fstat),	   /* the same, of other versions */
	ALLOW(openat),	   /* mailbox, locks, index, journal */
	ALLOW(close),	   /* the same */
	ALLOW(fadvise64),  /* the mailbox is read to its end */
	ALLOW(getdents64), /* a Maildir's cur/ and new/ */
	MEMORY,
	ALLOW(pwrite64),  /* index, journal, mailbox */
	ALLOW(fsync),	  /* journal, mailbox, directory */
	ALLOW(fdatasync), /* journal */
	ALLOW(ftruncate), /* mailbox */
	ALLOW(fallocate), /* journal */
	ALLOW(unlinkat),  /* dotlock, journal, a Maildir's message */
	ALLOW(linkat),	  /* dotlock; a Maildir's message, to cur/ */
	ALLOW(renameat),  /* index, journal, a stale dotlock */
#ifdef __NR_renameat2
	ALLOW(renameat2), /* the same; a Maildir's message, to cur/ */
#endif
	ALLOW(utimensat),	  /* the mailbox's times */
	ALLOW(fchdir),		  /* the state directory */
	ALLOW(statfs),		  /* whether it is NFS */
	ALLOW(fstatfs),		  /* whether it is NFS; room for a journal */
	ALLOW(inotify_init1),	  /* a newcomer who wants the maildrop */
	ALLOW(inotify_add_watch), /* the same */
	ALLOW(clock_nanosleep),	  /* until the last session is gone */
	ALLOW(nanosleep),	  /* the same, of other versions */
	ALLOW(lseek),		  /* dprintf(3) */
	ALLOW(writev),		  /* the C library's last words */
	ALLOW(getpid),		  /* dotlock, syslog(3) */
	ALLOW(geteuid),		  /* whose mailbox it is */
	ALLOW_IF(kill, 1, 0),	  /* whether a dotlock's process lives */
	ALLOW(getrandom),	  /* names of files; malloc(3) */
	ALLOW_NULL(prlimit64, 2), /* getrlimit(2): room for a journal */
	ALLOW(sysinfo),		  /* qsort(3) */
	ALLOW(shutdown),	  /* no more is to come */
	ALLOW(uname),		  /* the host's name, in the farewell */
	ALLOW_TIME,		  /* names of files, without the vDSO */
	REFUSE(socket, EACCES),	  /* a log that was started anew */
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
	[ROLE_RECOVERY] = PROGRAM(mailbox),
};

bool
sandbox_filter(enum role role)
{
	/* not built in, or a program that stands for a kernel */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return true;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[role]) == 0;
}

#else

bool
sandbox_filter(enum role role)
{
	(void)role;
	return true;
}

#endif
