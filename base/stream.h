/*
 * The connection as the protocol sees it: lines come in, replies go out, and
 * nobody waits for ever. Output is buffered and leaves when the client has
 * nothing more to say, so that a batch of commands costs one write.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* RFC 2449 section 4: a command line, its CRLF counted */
	STREAM_LINE_MAX = 255,
	/* one that stream.long_prefix allows to be longer, and read ahead */
	STREAM_INPUT_SIZE = 18 * 1024,
	STREAM_OUTPUT_SIZE = 128 * 1024,
	/* replies that a login hands on unsent instead of flushing them */
	STREAM_PENDING_MAX = 4096,
	/* of a text that may fit as a reply made ready */
	STREAM_AHEAD_MAX = STREAM_OUTPUT_SIZE - STREAM_PENDING_MAX - 64
};

enum stream_result {
	STREAM_OK,
	STREAM_TOO_LONG,  /* a line over the limit, skipped to its end */
	STREAM_OVERLONG,  /* the same, of a line that may be long */
	STREAM_CLOSED,	  /* the client is gone */
	STREAM_TIMEOUT,	  /* it ended no line, or took nothing, for too long */
	STREAM_OVERDUE,	  /* the deadline has passed, whatever it did */
	STREAM_PREEMPTED, /* the idle hook said that it is over */
	STREAM_TLS,	  /* TLS begins, where a line is expected */
	STREAM_TERMINATED /* SIGTERM or SIGHUP came while waiting */
};

/*
 * Called when the client has been waited for idle_after seconds. Returns a
 * descriptor to watch beside the connection, or -1 for none.
 */
typedef int (*stream_idle_fn)(void *arg);
/*
 * Called when the client is back, or when the watched descriptor is readable,
 * after the idle hook was. Returns false when the session is over.
 */
typedef bool (*stream_back_fn)(void *arg);
/* Called once, when the client has all replies and has sent nothing more. */
typedef void (*stream_leisure_fn)(void *arg);

struct stream {
	int in, out;
	unsigned timeout;    /* seconds for a line, and for any progress out */
	long long deadline;  /* of all waits, in ms; 0: there is none */
	unsigned idle_after; /* seconds until the idle hook; 0: no hook */
	stream_idle_fn idle;
	stream_back_fn back;
	stream_leisure_fn leisure; /* NULL: there is nothing to do */
	void *hook_arg;
	enum stream_result error; /* what broke the output, else STREAM_OK */
	/*
	 * Lines that begin with it, in any case, may have STREAM_INPUT_SIZE
	 * octets; NULL: no line may.
	 */
	const char *long_prefix;
	bool expects_no_tls; /* where TLS begins, STREAM_TLS is the result */
	/* inside a line that is too long: its result */
	enum stream_result skipping;
	size_t in_start, in_end; /* unread input */
	size_t out_start, out_end;
	bool ahead;	  /* what is written is kept, not sent */
	bool overflow;	  /* it does not fit */
	size_t ahead_end; /* of what is kept; 0: nothing is */
	char input[STREAM_INPUT_SIZE];
	char output[STREAM_OUTPUT_SIZE];
};

/* Sets s up on two descriptors, which may be the same; it does not own them. */
void stream_init(struct stream *s, int in, int out, unsigned timeout);

/* No wait from now on ends later than in so many seconds. */
void stream_set_deadline(struct stream *s, unsigned seconds);

/*
 * The next line without its CRLF or LF, NUL-terminated in place; *line and
 * *len are good until the next call. A NUL inside it is counted in *len.
 * Flushes what is buffered before it waits. A last line without an end is
 * not a line: STREAM_CLOSED. Once output has failed there are no lines any
 * more: who cannot have heard the replies is not to be taken at his word.
 */
enum stream_result stream_getline(struct stream *s, char **line, size_t *len);

/* Buffers len bytes; flushes as the buffer fills. Errors show at the flush. */
void stream_write(struct stream *s, const void *data, size_t len);

/* Buffers a formatted line of at most 510 octets and its CRLF. */
void stream_printf(struct stream *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Buffers a line "N VALUE": what LIST and UIDL send, hundreds of thousands at
 * a time. The text of stream_listing_text has 70 octets at most (RFC 1939
 * section 7, UIDL).
 */
void stream_listing(struct stream *s, size_t n, off_t value);
void stream_listing_text(struct stream *s, size_t n, const char *text);

/*
 * How far a message's text has been sent by stream_text. All zero at its
 * beginning.
 */
struct text_state {
	bool started;	    /* anything was sent */
	bool after_newline; /* the last byte was LF */
	bool after_cr;	    /* the last byte was CR */
	bool in_body;	    /* the header's empty line was sent */
	bool full;	    /* the limit is reached */
	bool limited;	    /* TOP: lines counts */
	size_t lines;	    /* of the body, still to be sent */
	size_t line_len;    /* bytes of the line so far, without CR */
	uint64_t octets;    /* of the text as sent, without dot-stuffing */
};

/*
 * Buffers a piece of a message's text: LF goes out as CRLF, CRLF as it is, a
 * line that begins with a dot gets another one (RFC 1939 section 3). With
 * limited, the body ends after `lines` lines (section 7, TOP).
 */
void stream_text(struct stream *s, struct text_state *t, const char *text,
		 size_t len);

/* Ends the text with a CRLF where it lacks one, and the final dot. */
void stream_text_end(struct stream *s, struct text_state *t);

/*
 * A reply made ready before it is asked for, while nothing is buffered: what
 * is written between begin and end is kept behind STREAM_PENDING_MAX octets of
 * the buffer, which short replies leave alone. stream_ahead_end returns whether
 * it did fit; stream_ahead_send sends it behind what is buffered, once, and
 * returns false where it had to make room for other replies.
 */
void stream_ahead_begin(struct stream *s);
bool stream_ahead_end(struct stream *s);
bool stream_ahead_send(struct stream *s);

/* "+OK Pop server at HOST signing off." */
void stream_sign_off(struct stream *s);

/*
 * Takes what is buffered out of the stream, for another process to go on with:
 * unread input, and output not yet sent, of which there is no more than size.
 * Return the number of bytes.
 */
size_t stream_take_input(struct stream *s, char *buf, size_t size);
size_t stream_take_output(struct stream *s, char *buf, size_t size);

/* Puts back what another process took; len is within STREAM_INPUT_SIZE. */
void stream_give_input(struct stream *s, const char *buf, size_t len);

/*
 * Drops what was read ahead, and what the client has sent by now: nothing said
 * before TLS may be heard after it.
 */
void stream_drop_input(struct stream *s);

/* Goes on over other descriptors; what was buffered is gone. */
void stream_restart(struct stream *s, int in, int out);

/* Sends what is buffered. */
enum stream_result stream_flush(struct stream *s);

/*
 * Ends the sending side, then reads and drops what the client still sends,
 * for two seconds at most: a socket closed with unread input would be reset,
 * and the last reply with it.
 */
void stream_linger(struct stream *s);

#endif
