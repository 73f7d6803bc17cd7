/* SCRAM's sizes, on both sides of the boundary, in octets. */
#ifndef SCRAM_LIMITS_H
#define SCRAM_LIMITS_H

enum {
	SCRAM_KEY_SIZE = 32,
	SCRAM_SALT_SIZE = 16,
	/* limits of this server's for what a client sends, in octets */
	SCRAM_NONCE_MAX = 255,
	SCRAM_GS2_MAX = 799, /* the longest name, each octet of it escaped */
	SCRAM_BARE_MAX = 1151,
	SCRAM_EXTENSIONS_MAX = 255,
	SCRAM_SERVER_NONCE_SIZE = 25, /* 18 octets in base64, with the NUL */
	SCRAM_SERVER_FIRST_SIZE = 384
};

#endif
