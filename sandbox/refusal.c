/*
 * SIGSYS's handler, and the page that it writes to. What a signal handler must
 * touch is all the state there is.
 */
#include "sandbox/refusal.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NO_CALL = -2 }; /* in no list; -1 is what a tracer leaves */

/* One word a role: the number and 1; 0: none was refused. */
static volatile uint32_t *refused;
static volatile uint32_t *own;

static const struct {
	int number;
	char name[36];
} names[] = {
#include <syscall_names.h> /* made by syscall-names */
};

void
refusal_prepare(void)
{
	void *page;

	if (refused != NULL)
		return;
	page = mmap(NULL, ROLES * sizeof(*refused), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		refused = page;
}

/*
 * Ends the process: with SIGSYS blocked, as it is in its handler, the next one
 * is fatal.
 */
static _Noreturn void
on_refusal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (own != NULL)
		*own = (uint32_t)info->si_syscall + 1;
	for (;;)
		syscall(NO_CALL);
}

bool
refusal_watch(enum role role)
{
	struct sigaction action = { .sa_sigaction = on_refusal,
				    .sa_flags = SA_SIGINFO };

	if (refused != NULL)
		own = &refused[role];
	/* No other handler's frame on the stack while this one runs. */
	sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) == 0;
}

static const char *
name_of(uint32_t number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((uint32_t)names[i].number == number)
			return names[i].name;
	return "unknown";
}

void
refusal_text(enum role role, char text[REFUSAL_SIZE])
{
	uint32_t word = refused != NULL ? refused[role] : 0;

	if (word == 0) {
		/* of another architecture, or with that signal blocked */
		snprintf(text, REFUSAL_SIZE, "not told which");
		return;
	}
	refused[role] = 0;
	snprintf(text, REFUSAL_SIZE, "%s (%u)", name_of(word - 1), word - 1);
}
