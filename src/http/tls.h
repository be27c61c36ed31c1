/* TLS between bytes that came and bytes that go, without sockets: both ends of HTTP use it.
 *
 * Floor 7.  One thread a connection. OpenSSL; TLS 1.2 and 1.3. */
#pragma once

#include <openssl/ssl.h>

#include "base/base.h"
#include "http/buffer.h"

/* A server's: the certificate with its chain and key, PEM. Offers HTTP/2 and HTTP/1.1. 0, or
 * a negative errno (-EINVAL: no certificate, no key, or not of one another) after a line
 * in the log. */
int wr_tls_server_context(const char *cert_file, const char *key_file, SSL_CTX **ret_context)
	WR_MUST_CHECK;
/* A client's: HTTP/1.1. The system's authorities, some hundred certificates, are read only where no
 * pin says who the other is. NULL where memory is short. */
SSL_CTX *wr_tls_client_context(bool is_pinned);
/* Takes NULL. For WR_AUTO. */
void wr_tls_context_freep(SSL_CTX **context);

struct wr_tls;

/* NULL where memory is short. `name`: who is asked, for a client (a DNS name or an address);
 * NULL for a server. */
struct wr_tls *wr_tls_new(SSL_CTX *context, const char *name);
/* NULL is fine; returns NULL. */
struct wr_tls *wr_tls_free(struct wr_tls *tls);

/* Bytes from the other side. False where memory is short. */
bool wr_tls_feed(struct wr_tls *tls, const uint8_t *data, size_t len) WR_MUST_CHECK;
enum wr_tls_result {
	WR_TLS_MORE,  /* nothing now: feed it more */
	WR_TLS_SOME,  /* `ret_len` bytes */
	WR_TLS_END,   /* the other side has said all */
	WR_TLS_BROKEN /* no TLS, or not authentic */
};
/* What the other side said; goes on with the handshake too. */
enum wr_tls_result wr_tls_read(struct wr_tls *tls, uint8_t *data, size_t room, size_t *ret_len);
/* To the other side. False if the handshake is not done, or memory is short. */
bool wr_tls_write(struct wr_tls *tls, const uint8_t *data, size_t len) WR_MUST_CHECK;
/* Says goodbye: nothing more follows. */
void wr_tls_end(struct wr_tls *tls);
/* Bytes for the other side: how many were taken, at most `room`; 0: none wait. */
size_t wr_tls_take(struct wr_tls *tls, uint8_t *data, size_t room);

bool wr_tls_is_ready(const struct wr_tls *tls); /* the handshake is done */
bool wr_tls_has_h2(const struct wr_tls *tls);   /* they agreed on HTTP/2 */
/* What the other side showed: NULL if nothing. The caller frees it. */
X509 *wr_tls_certificate(const struct wr_tls *tls);
/* Why its certificate is not to be trusted; NULL if it is. */
const char *wr_tls_distrust(const struct wr_tls *tls);
