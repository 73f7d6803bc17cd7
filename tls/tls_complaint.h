/*
 * What is wrong with a certificate or its key, in an administrator's words and
 * with what mends it; OpenSSL's own words are of no help with the faults that
 * are made most. Called when OpenSSL has refused the files, with the
 * privileges that they were read with.
 */
#ifndef TLS_COMPLAINT_H
#define TLS_COMPLAINT_H

enum tls_complaint_about { TLS_CERTIFICATE, TLS_KEY };

/*
 * Begins with the name of the file that was refused; words are OpenSSL's, for
 * what nothing better is known of. Good until the next call.
 */
const char *tls_complaint(const char *cert, const char *key,
			  enum tls_complaint_about refused, const char *words);

#endif
