/*
 * The maildrop as a session sees it: messages by number, their sizes and ids,
 * marks, and the removal at the end; which store holds them is nobody's concern
 * above. Runs in the mailbox process, as the user.
 */
#ifndef MAILDROP_H
#define MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "store.h"
#include "base/options.h"
#include "lock/lock.h"
#include "lock/session_note.h"

struct maildrop;

/*
 * Opens the maildrop at path and keeps other sessions out of it; what its store
 * remembers is in state_dir. keeper is how to ask for a dotlock where the user
 * may not make one; who is whose session it is, for the next one to know. On
 * MAILDROP_OK *m is to be freed by maildrop_close.
 */
enum maildrop_result maildrop_open(struct maildrop **m, const struct options *o,
				   const char *path, const char *state_dir,
				   const struct dotlock_keeper *keeper,
				   const struct session_note *who);

/*
 * The same beside other sessions, to look and to change nothing at all: neither
 * the mail nor what is remembered. What differs from maildrop_open: no lock is
 * taken but the one that reading takes, and a commit that was cut is
 * MAILDROP_TEMPORARY, logged. Only what there is may be asked, and texts.
 */
enum maildrop_result maildrop_look(struct maildrop **m, const struct options *o,
				   const char *path, const char *state_dir);

/*
 * Writes what maildrop_open found anew to the index. By itself because the
 * client need not wait for it.
 */
void maildrop_save_index(struct maildrop *m);

/*
 * Finishes an interrupted commit and nothing else. MAILDROP_OK where none is
 * left afterwards.
 */
enum maildrop_result maildrop_recover(const struct options *o, const char *path,
				      const char *state_dir,
				      const struct dotlock_keeper *keeper);

/* Forgets marks, gives up all locks. */
void maildrop_close(struct maildrop *m);

/* Whether there was no mailbox at all at login. */
bool maildrop_is_missing(const struct maildrop *m);

/* How many there were at login; numbers run from 1 to it. */
size_t maildrop_count(const struct maildrop *m);

/* Whether number n, of any value, is a message that is not marked deleted. */
bool maildrop_exists(const struct maildrop *m, size_t n);

/* What STAT tells: messages not marked deleted, and their octets. */
void maildrop_total(const struct maildrop *m, size_t *count, off_t *octets);

/* Of message n, which exists. */
off_t maildrop_octets(const struct maildrop *m, size_t n);
void maildrop_uidl(const struct maildrop *m, size_t n, char uidl[UIDL_SIZE]);

/* DELE, RSET, and the count of what is marked. */
void maildrop_delete(struct maildrop *m, size_t n);
void maildrop_reset(struct maildrop *m);
size_t maildrop_deleted(const struct maildrop *m);

/* RFC 1225's LAST: the highest number that was accessed; 0 for none. */
size_t maildrop_last(const struct maildrop *m);
void maildrop_accessed(struct maildrop *m, size_t n);

/*
 * Reading a message: begin, then pieces until *len is 0. *data, a piece of
 * bounded size of the text as it is stored, is good until the next call.
 * MAILDROP_GONE before the first piece: the message is not there any more.
 * Later: it cannot be continued.
 */
void maildrop_read_begin(struct maildrop *m, size_t n);
enum maildrop_result maildrop_read(struct maildrop *m, const char **data,
				   size_t *len);

/*
 * Reading a message before it is asked for: all of its text, where that is to
 * be had without waiting. *data is good until the next read of any kind.
 */
bool maildrop_read_ahead(struct maildrop *m, size_t n, const char **data,
			 size_t *len);

/* Whether that text of message n may be sent now; if so, it counts as read. */
bool maildrop_ahead_stands(struct maildrop *m, size_t n);

/*
 * From now on removed(arg, n) is called, in the middle of a commit, for each
 * message that is gone by it, and not for those that another program took away.
 */
void maildrop_tell_removed(struct maildrop *m,
			   void (*removed)(void *arg, size_t n), void *arg);

/*
 * Removes the marked messages. *removed says how many there are fewer.
 * MAILDROP_OK: all of them; else the others are all there.
 */
enum maildrop_result maildrop_commit(struct maildrop *m, size_t *removed);

/* The session lock while the client keeps us waiting; see stream.h. */
int maildrop_offer(struct maildrop *m);
bool maildrop_resume(struct maildrop *m);

#endif
