/* What the monitor can check, for the greeter to offer. */
#ifndef OFFERS_H
#define OFFERS_H

#include <stdbool.h>

enum { APOP_TIMESTAMP_SIZE = 320 };

/* Ways to log in, beside passwords, that this host is set up for. */
struct offers {
	bool scram;
	bool oauth;
	bool stls;  /* TLS, where it is not there yet */
	bool bound; /* SCRAM that is bound to TLS, once that is there */
	char apop[APOP_TIMESTAMP_SIZE]; /* the greeting's timestamp; "": none */
};

#endif
