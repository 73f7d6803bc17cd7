/* How the monitor answers: never waiting for who asked. */
#include "monitor/monitor_answer.h"

#include <errno.h>
#include <signal.h>

#include "base/log.h"

/* Looks at errno. */
static bool
was_taken(const struct monitor *m, bool sent)
{
	if (!sent && errno == EAGAIN) {
		log_line(LOG_CRIT, EVENT_PROTOCOL,
			 "a process does not take the answers to its requests");
		kill(m->child, SIGKILL);
	}
	return sent;
}

bool
monitor_answer(const struct monitor *m, const struct reply *reply)
{
	return was_taken(m, boundary_reply(m->boundary, reply));
}

bool
monitor_answer_with(const struct monitor *m, const struct reply *reply,
		    int descriptor)
{
	return was_taken(m,
			 boundary_reply_with(m->boundary, reply, descriptor));
}
