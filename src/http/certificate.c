#include "http/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "base/key.h"
#include "http/pin.h"

/* Browsers take no more than 398 days of a public authority; this one is pinned, and its
 * end would be the end of every client's trust. */
#define VALID_DAYS 3650
/* Clocks of clients may be behind. */
#define VALID_BEFORE (-86400L)
#define NAME_LEN 253
#define COMMON_NAME_LEN 64 /* RFC 5280, ub-common-name */

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void certificate_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void text_freep(char **text)
{
	free(*text);
}

/* --- Making one. --- */

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_LEN)
		return false;
	/* Of what a name or an address has; commas and newlines would be OpenSSL's syntax. */
	return strspn(name,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_*") == len;
}

/* "DNS:warren.example,IP:192.0.2.1" */
static char *list_names(const char *const *names, size_t count)
{
	char *list = calloc(count, NAME_LEN + 6);
	size_t at = 0;

	if (!list)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct wr_ip ip;
		bool is_ip = wr_ip_parse(names[i], strlen(names[i]), &ip);

		at += (size_t)sprintf(list + at, "%s%s:%s", i ? "," : "", is_ip ? "IP" : "DNS",
				      names[i]);
	}
	return list;
}

static bool add_extension(X509 *certificate, int which, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool is_good;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
	is_good = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_good;
}

static bool add_extensions(X509 *certificate, const char *names)
{
	return add_extension(certificate, NID_subject_alt_name, names) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash");
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 bytes; ours are random. */
static bool set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool is_good = number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

	BN_free(number);
	return is_good;
}

static bool set_subject(X509 *certificate, const char *first)
{
	char name[COMMON_NAME_LEN + 1];
	X509_NAME *subject = X509_get_subject_name(certificate);

	snprintf(name, sizeof(name), "%s", first);
	return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
					  (const unsigned char *)"Warren", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					  -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, subject) == 1;
}

static X509 *make_certificate(EVP_PKEY *key, const char *const *names, size_t count)
{
	WR_AUTO(certificate_freep) X509 *certificate = X509_new();
	WR_AUTO(text_freep) char *list = list_names(names, count);

	if (!certificate || !list || X509_set_version(certificate, X509_VERSION_3) != 1 ||
	    !set_serial(certificate) || !set_subject(certificate, names[0]) ||
	    !X509_gmtime_adj(X509_getm_notBefore(certificate), VALID_BEFORE) ||
	    !X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL) ||
	    X509_set_pubkey(certificate, key) != 1 || !add_extensions(certificate, list) ||
	    !X509_sign(certificate, key, EVP_sha256()))
		return NULL;
	return WR_TAKE(certificate);
}

/* --- Files. --- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			data += written;
			len -= (size_t)written;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(const char *path, BIO *content)
{
	char *data;
	long len = BIO_get_mem_data(content, &data);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int status;

	if (fd < 0)
		return -errno;
	status = write_all(fd, data, (size_t)len);
	close(fd);
	return status;
}

/* Under another name first. */
static int write_file(const char *path, BIO *content)
{
	WR_AUTO(text_freep) char *aside = NULL;
	int status;

	if (asprintf(&aside, "%s.new", path) < 0) {
		aside = NULL;
		return -ENOMEM;
	}
	unlink(aside);
	status = write_new(aside, content);
	if (!status && rename(aside, path) < 0)
		status = -errno;
	if (status)
		unlink(aside);
	return status;
}

/* In memory that OpenSSL wipes. */
static int write_key(const char *path, EVP_PKEY *key)
{
	WR_AUTO(bio_freep) BIO *text = BIO_new(BIO_s_secmem());

	if (!text || PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) != 1)
		return -ENOMEM;
	return write_file(path, text);
}

static int write_certificate(const char *path, X509 *certificate)
{
	WR_AUTO(bio_freep) BIO *text = BIO_new(BIO_s_mem());

	if (!text || PEM_write_bio_X509(text, certificate) != 1)
		return -ENOMEM;
	return write_file(path, text);
}

int wr_certificate_make(const char *cert_file, const char *key_file, const char *const *names,
			size_t count)
{
	WR_AUTO(key_freep) EVP_PKEY *key = NULL;
	WR_AUTO(certificate_freep) X509 *certificate = NULL;
	int status;

	for (size_t i = 0; i < count; i++) {
		if (!is_name(names[i]))
			return -EINVAL;
	}
	if (!count)
		return -EINVAL;
	key = EVP_EC_gen("P-256");
	certificate = key ? make_certificate(key, names, count) : NULL;
	ERR_clear_error();
	if (!certificate)
		return -EINVAL;
	status = write_key(key_file, key);
	return status ? status : write_certificate(cert_file, certificate);
}

/* --- Reading one. --- */

int wr_pin_of(X509 *certificate, char ret_pin[WR_PIN_LEN + 1])
{
	unsigned char *spki = NULL;
	struct wr_key digest;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
	bool is_good = len > 0 &&
		       EVP_Digest(spki, (size_t)len, digest.bytes, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(spki);
	if (!is_good)
		return -EINVAL;
	wr_key_to_base64(&digest, ret_pin);
	return 0;
}

static int read_certificate(const char *path, X509 **ret_certificate)
{
	FILE *file = fopen(path, "re");
	X509 *certificate;

	if (!file)
		return -errno;
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ERR_clear_error();
	if (!certificate)
		return -EINVAL;
	*ret_certificate = certificate;
	return 0;
}

int wr_certificate_pin(const char *cert_file, char ret_pin[WR_PIN_LEN + 1])
{
	WR_AUTO(certificate_freep) X509 *certificate = NULL;
	int status = read_certificate(cert_file, &certificate);

	return status ? status : wr_pin_of(certificate, ret_pin);
}

int wr_certificate_expires(const char *cert_file, int64_t *ret_seconds)
{
	WR_AUTO(certificate_freep) X509 *certificate = NULL;
	int status = read_certificate(cert_file, &certificate);
	struct tm end = { 0 };

	if (status)
		return status;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return -EINVAL;
	*ret_seconds = timegm(&end);
	return 0;
}
