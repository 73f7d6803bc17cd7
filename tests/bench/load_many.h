/* Many connections, at once or one after the other. */
#ifndef LOAD_MANY_H
#define LOAD_MANY_H

#include <stdbool.h>

struct many {
	unsigned port;
	int clients;
	double seconds;
	const char *user, *password; /* NULL: the greeting is all */
	bool tls;
};

/*
 * Sessions, as USER0, USER1, ..., or greetings for some seconds. Prints how
 * many a second, the median and 99th percentile of their seconds, and how many
 * failed.
 */
void load_many(const struct many *m);

/*
 * count handshakes, then as many that resume a session, one at a time: at
 * once, or after STLS. Prints the median seconds of the reply to STLS, of a
 * handshake, of one that resumes.
 */
void load_handshakes(unsigned port, int count, bool stls);

#endif
