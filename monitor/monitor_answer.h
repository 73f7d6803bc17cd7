/* Answers to the processes that the monitor does not trust. */
#ifndef MONITOR_ANSWER_H
#define MONITOR_ANSWER_H

#include <stdbool.h>

#include "monitor/monitor_private.h"

/*
 * Answers m->request, with a descriptor beside the answer where one was asked
 * for. Kills a process that has left so many answers that there is no room for
 * this one; false, as handlers return it, where no one is there to take it.
 */
bool monitor_answer(const struct monitor *m, const struct reply *reply);
bool monitor_answer_with(const struct monitor *m, const struct reply *reply,
			 int descriptor);

#endif
