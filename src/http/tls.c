#include "http/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "base/log.h"

struct wr_tls {
	SSL *ssl;
	BIO *in, *out; /* the SSL's */
};

static void forget_errors(void)
{
	ERR_clear_error();
}

static const char *last_error(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "unknown";
}

void wr_tls_context_freep(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

/* Perfect forward secrecy and an AEAD for TLS 1.2 too (RFC 9325 section 4.2). */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

static SSL_CTX *new_context(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, CIPHERS_1_2);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* Resumption would need a secret that lives as long as the server. */
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return context;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned in_len, void *context)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1\x08http/1.0";
	unsigned char *chosen;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool is_readable(const char *file)
{
	if (access(file, R_OK) == 0)
		return true;
	wr_log_error("tls: file=%s error=\"%s\"", file, strerror(errno));
	return false;
}

static bool load_files(SSL_CTX *context, const char *cert_file, const char *key_file)
{
	if (SSL_CTX_use_certificate_chain_file(context, cert_file) == 1 &&
	    SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(context) == 1)
		return true;
	wr_log_error("tls: certificate=%s key=%s error=\"%s\"", cert_file, key_file, last_error());
	return false;
}

int wr_tls_server_context(const char *cert_file, const char *key_file, SSL_CTX **ret_context)
{
	WR_AUTO(wr_tls_context_freep) SSL_CTX *context = NULL;

	forget_errors();
	if (!is_readable(cert_file) || !is_readable(key_file))
		return -errno;
	context = new_context(TLS_server_method());
	if (!context)
		return -ENOMEM;
	if (!load_files(context, cert_file, key_file))
		return -EINVAL;
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	*ret_context = WR_TAKE(context);
	return 0;
}

SSL_CTX *wr_tls_client_context(bool is_pinned)
{
	SSL_CTX *context = new_context(TLS_client_method());

	if (!context)
		return NULL;
	if (!is_pinned)
		SSL_CTX_set_default_verify_paths(context);
	SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
	/* Looked at when it is done: wr_tls_distrust(). */
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	return context;
}

/* --- A connection. --- */

static bool ask_for(SSL *ssl, const char *name)
{
	struct wr_ip ip;
	char copy[256]; /* OpenSSL's macro takes no const */

	if (wr_ip_parse(name, strlen(name), &ip))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	snprintf(copy, sizeof(copy), "%s", name);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, copy) == 1;
}

static bool set_up(struct wr_tls *tls, SSL_CTX *context, const char *name)
{
	tls->ssl = SSL_new(context);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		return false;
	}
	BIO_set_mem_eof_return(tls->in, -1);
	BIO_set_mem_eof_return(tls->out, -1);
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	if (!name) {
		SSL_set_accept_state(tls->ssl);
		return true;
	}
	SSL_set_connect_state(tls->ssl);
	return ask_for(tls->ssl, name);
}

struct wr_tls *wr_tls_new(SSL_CTX *context, const char *name)
{
	struct wr_tls *tls = calloc(1, sizeof(*tls));

	if (tls && !set_up(tls, context, name))
		return wr_tls_free(tls);
	return tls;
}

struct wr_tls *wr_tls_free(struct wr_tls *tls)
{
	if (tls)
		SSL_free(tls->ssl);
	free(tls);
	return NULL;
}

bool wr_tls_feed(struct wr_tls *tls, const uint8_t *data, size_t len)
{
	return !len || BIO_write(tls->in, data, (int)len) == (int)len;
}

/* A BIO keeps the most that ever was in it; thousands of connections rest most of the time. */
static void let_go(BIO *bio)
{
	BUF_MEM *memory, *fresh;

	if (BIO_get_mem_ptr(bio, &memory) != 1 || memory->length || !memory->max)
		return;
	fresh = BUF_MEM_new();
	if (fresh) {
		BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
		BIO_set_mem_eof_return(bio, -1);
	}
}

enum wr_tls_result wr_tls_read(struct wr_tls *tls, uint8_t *data, size_t room, size_t *ret_len)
{
	int error;

	forget_errors();
	if (SSL_read_ex(tls->ssl, data, room, ret_len) == 1)
		return WR_TLS_SOME;
	error = SSL_get_error(tls->ssl, 0);
	forget_errors();
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		let_go(tls->in);
		return WR_TLS_MORE;
	}
	return error == SSL_ERROR_ZERO_RETURN ? WR_TLS_END : WR_TLS_BROKEN;
}

bool wr_tls_write(struct wr_tls *tls, const uint8_t *data, size_t len)
{
	forget_errors();
	while (len) {
		size_t written;

		if (SSL_write_ex(tls->ssl, data, len, &written) != 1)
			return false;
		data += written;
		len -= written;
	}
	return true;
}

void wr_tls_end(struct wr_tls *tls)
{
	forget_errors();
	if (SSL_is_init_finished(tls->ssl))
		SSL_shutdown(tls->ssl);
	forget_errors();
}

size_t wr_tls_take(struct wr_tls *tls, uint8_t *data, size_t room)
{
	int len = BIO_read(tls->out, data, (int)room);

	if (len > 0)
		return (size_t)len;
	let_go(tls->out);
	return 0;
}

bool wr_tls_is_ready(const struct wr_tls *tls)
{
	return SSL_is_init_finished(tls->ssl);
}

bool wr_tls_has_h2(const struct wr_tls *tls)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0;
}

X509 *wr_tls_certificate(const struct wr_tls *tls)
{
	return SSL_get1_peer_certificate(tls->ssl);
}

const char *wr_tls_distrust(const struct wr_tls *tls)
{
	long result = SSL_get_verify_result(tls->ssl);

	return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}
