/*
 * OpenSSL, loaded where TLS is spoken and nowhere else: it takes milliseconds
 * that other sessions need not pay, and most processes must not hold its code.
 *
 * What is used of it is in the list; call openssl.SSL_read() and so on after
 * openssl_load(). OpenSSL's macros would name functions to link with: the list
 * has SSL_ctrl and SSL_CTX_ctrl for them.
 */
#ifndef OPENSSL_H
#define OPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

#define OPENSSL_FUNCTIONS(F)                  \
	F(ASN1_STRING_get0_data)              \
	F(ASN1_STRING_length)                 \
	F(ASN1_TIME_diff)                     \
	F(BIO_ctrl)                           \
	F(BIO_ctrl_get_write_guarantee)       \
	F(BIO_ctrl_pending)                   \
	F(BIO_free)                           \
	F(BIO_new_bio_pair)                   \
	F(BIO_new_file)                       \
	F(BIO_nread)                          \
	F(BIO_nread0)                         \
	F(BIO_nwrite)                         \
	F(BIO_nwrite0)                        \
	F(ERR_clear_error)                    \
	F(ERR_peek_error)                     \
	F(ERR_reason_error_string)            \
	F(EVP_PKEY_free)                      \
	F(GENERAL_NAMES_free)                 \
	F(OPENSSL_sk_num)                     \
	F(OPENSSL_sk_value)                   \
	F(PEM_read_bio_PrivateKey)            \
	F(PEM_read_bio_X509)                  \
	F(SSL_CIPHER_get_name)                \
	F(SSL_CTX_check_private_key)          \
	F(SSL_CTX_ctrl)                       \
	F(SSL_CTX_free)                       \
	F(SSL_CTX_get0_certificate)           \
	F(SSL_CTX_new)                        \
	F(SSL_CTX_set_default_passwd_cb)      \
	F(SSL_CTX_set_num_tickets)            \
	F(SSL_CTX_set_options)                \
	F(SSL_CTX_use_PrivateKey_file)        \
	F(SSL_CTX_use_certificate_chain_file) \
	F(SSL_ctrl)                           \
	F(SSL_do_handshake)                   \
	F(SSL_export_keying_material)         \
	F(SSL_get_current_cipher)             \
	F(SSL_get_error)                      \
	F(SSL_get_version)                    \
	F(SSL_new)                            \
	F(SSL_read)                           \
	F(SSL_session_reused)                 \
	F(SSL_set_accept_state)               \
	F(SSL_set_bio)                        \
	F(SSL_shutdown)                       \
	F(SSL_version)                        \
	F(SSL_write)                          \
	F(TLS_server_method)                  \
	F(X509_STORE_CTX_free)                \
	F(X509_STORE_CTX_get_current_cert)    \
	F(X509_STORE_CTX_get_error)           \
	F(X509_STORE_CTX_init)                \
	F(X509_STORE_CTX_new)                 \
	F(X509_STORE_free)                    \
	F(X509_STORE_new)                     \
	F(X509_STORE_set_default_paths)       \
	F(X509_NAME_oneline)                  \
	F(X509_check_host)                    \
	F(X509_check_private_key)             \
	F(X509_free)                          \
	F(X509_get0_notAfter)                 \
	F(X509_get_ext_d2i)                   \
	F(X509_get_issuer_name)               \
	F(X509_verify_cert)

#define OPENSSL_POINTER(name) __typeof__(name) *(name);
extern struct openssl {
	OPENSSL_FUNCTIONS(OPENSSL_POINTER)
} openssl;
#undef OPENSSL_POINTER

/* False where the library is missing, or lacks one of them. */
bool openssl_load(void);

/*
 * What went wrong first since the last call, in the library's words or the
 * system's, and forgets it.
 */
const char *openssl_error(void);

#endif
