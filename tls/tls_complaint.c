/* In the TLS relay before its sandbox, in what tries the files, in --check. */
#include "tls/tls_complaint.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls/openssl.h"

enum { FILE_SIZE = 65536, TEXT_SIZE = 2 * PATH_MAX + 512 };

static char text[TEXT_SIZE];

/* What is in the files, as far as it can be told from their lines. */
struct seen {
	bool certificate, key, passphrase, empty;
};

static bool
look(struct seen *seen, const char *path)
{
	static char data[FILE_SIZE + 1];
	size_t len = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	while (len < FILE_SIZE && n > 0) {
		n = read(fd, data + len, FILE_SIZE - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	data[len] = '\0';
	seen->empty = len == 0;
	seen->certificate = strstr(data, " CERTIFICATE-----") != NULL;
	seen->key = strstr(data, "PRIVATE KEY-----") != NULL;
	seen->passphrase = strstr(data, "ENCRYPTED") != NULL;
	explicit_bzero(data, len);
	return n == 0 || len == FILE_SIZE;
}

/* Which certificate of the file fits the key: 0 is the first; -1 for none. */
static int
find_fitting(const char *cert, const char *key)
{
	static char no_passphrase[] = "";
	int found = -1;
	X509 *x = NULL;
	BIO *keys = openssl.BIO_new_file(key, "r");
	BIO *certs = openssl.BIO_new_file(cert, "r");
	EVP_PKEY *pkey = keys == NULL ? NULL
				      : openssl.PEM_read_bio_PrivateKey(
					    keys, NULL, NULL, no_passphrase);

	for (int n = 0;
	     certs != NULL && pkey != NULL && found < 0 &&
	     (x = openssl.PEM_read_bio_X509(certs, NULL, NULL, NULL)) != NULL;
	     n++) {
		if (openssl.X509_check_private_key(x, pkey) == 1)
			found = n;
		openssl.X509_free(x);
	}
	openssl.EVP_PKEY_free(pkey);
	openssl.BIO_free(certs);
	openssl.BIO_free(keys);
	openssl.ERR_clear_error();
	return found;
}

static const char *
about_certificate(const char *cert, const struct seen *seen)
{
	if (seen->empty)
		return "the file is empty";
	if (seen->key && !seen->certificate)
		return "this is a key: are --tls-cert and --tls-key mixed up?";
	if (!seen->certificate) {
		snprintf(text, sizeof(text),
			 "not PEM, which begins with -----BEGIN CERTIFICATE"
			 "-----: if it is DER, openssl x509 -inform DER -in %s "
			 "makes PEM of it",
			 cert);
		return text;
	}
	return NULL;
}

static const char *
about_key(const char *cert, const char *key, const struct seen *seen)
{
	if (seen->empty)
		return "the file is empty";
	if (seen->passphrase)
		snprintf(text, sizeof(text),
			 "the key has a passphrase, and nobody is there to "
			 "type it: openssl pkey -in %s -out NEW stores it "
			 "without",
			 key);
	else if (seen->certificate && !seen->key)
		return "this is a certificate: are --tls-cert and --tls-key "
		       "mixed up?";
	else if (!seen->key)
		snprintf(text, sizeof(text),
			 "not PEM, which begins with -----BEGIN PRIVATE KEY"
			 "-----: if it is DER, openssl pkey -inform DER -in %s "
			 "makes PEM of it",
			 key);
	else if (find_fitting(cert, key) > 0)
		snprintf(text, sizeof(text),
			 "it fits a certificate that is not the first in %s: "
			 "put that one first, those of its issuers behind it",
			 cert);
	else
		return NULL;
	return text;
}

const char *
tls_complaint(const char *cert, const char *key,
	      enum tls_complaint_about refused, const char *words)
{
	static char whole[PATH_MAX + TEXT_SIZE];
	const char *path = refused == TLS_KEY ? key : cert;
	const char *why = NULL;
	struct seen seen;

	if (look(&seen, path))
		why = refused == TLS_KEY ? about_key(cert, key, &seen)
					 : about_certificate(cert, &seen);
	snprintf(whole, sizeof(whole), "%s: %s", path,
		 why != NULL ? why : words);
	return whole;
}
