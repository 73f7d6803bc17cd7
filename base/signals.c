/* What a signal handler touches, and nothing else. Runs in every process. */
#include "base/signals.h"

#include <string.h>

static volatile sig_atomic_t terminated;
static sigset_t while_waiting;

static void
on_terminate(int sig)
{
	(void)sig;
	terminated = 1;
}

void
signals_setup(void)
{
	struct sigaction sa = { .sa_handler = on_terminate };
	sigset_t block;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);
	sa.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &while_waiting);
	sigdelset(&while_waiting, SIGTERM);
	sigdelset(&while_waiting, SIGHUP);
}

const sigset_t *
signals_while_waiting(void)
{
	return &while_waiting;
}

bool
signals_terminated(void)
{
	return terminated != 0;
}
