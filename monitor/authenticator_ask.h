/* The authenticator, as the monitor starts it, asks it and ends it. */
#ifndef AUTHENTICATOR_ASK_H
#define AUTHENTICATOR_ASK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/options.h"
#include "monitor/authenticator.h"

struct authenticator_link {
	pid_t pid; /* 0: none */
	int fd;	   /* -1: nothing can be asked any more */
	bool open; /* PAM has let someone in, and may have a session open */
	struct question question; /* the next one */
};

/* Forks it. False, logged, where that cannot be done. */
bool authenticator_start(struct authenticator_link *l, const struct options *o,
			 const char *rhost);

/* The next question; what belongs to its type is to be filled in. */
struct question *authenticator_question(struct authenticator_link *l,
					enum question_type type,
					uint32_t method);

/*
 * Asks it, and wipes it; a stranger's time is not counted meanwhile.
 * LOGIN_TEMPORARY, logged, where there is no answer: there is no authenticator,
 * it died, it takes too long, or a signal says that it is time to go.
 */
enum login_result authenticator_ask(struct authenticator_link *l,
				    struct answer *answer);

/* Ends PAM's session and transaction, if there are any; another may follow. */
void authenticator_close(struct authenticator_link *l);

/*
 * Ends the process, which ends them too. It is killed, logged, where that takes
 * more than a minute, or ten seconds where there is nothing to be closed.
 */
void authenticator_end(struct authenticator_link *l);

#endif
