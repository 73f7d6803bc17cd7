/* How a commit, or its recovery, has ended. */
#ifndef COMMIT_RESULT_H
#define COMMIT_RESULT_H

enum commit_result {
	COMMIT_DONE,	/* removed, and durable, or the log says why not */
	COMMIT_NOTHING, /* recovery only: there was no journal */
	COMMIT_FAILED,	/* errno tells; the mailbox is as it was */
	COMMIT_PENDING, /* the journal is durable, recovery will finish it;
			   errno tells, but where the mailbox is missing */
	COMMIT_RESCUED	/* recovery only: the journal fits the mailbox no
			   longer; its mail is saved in a file of its own, the
			   mailbox is untouched */
};

#endif
