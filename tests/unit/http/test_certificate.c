#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/certificate.h"

struct folder {
	char path[40], cert[64], key[64];
};

static int set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/warren-cert-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->cert, sizeof(folder->cert), "%s/cert.pem", folder->path);
	snprintf(folder->key, sizeof(folder->key), "%s/key.pem", folder->path);
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *folder = *state;

	unlink(folder->cert);
	unlink(folder->key);
	/* Nothing else may be left. */
	assert_int_equal(rmdir(folder->path), 0);
	free(folder);
	return 0;
}

/* What the command prints, a new text; "$FILE" is the file. */
static char *run(const char *command, const char *file)
{
	char *text = calloc(1, 65536);
	FILE *pipe;

	setenv("FILE", file, 1);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_true(fread(text, 1, 65535, pipe) > 0);
	pclose(pipe);
	return text;
}

static void test_certificate_is_what_openssl_reads(void **state)
{
	static const char *const names[] = { "warren.example", "192.0.2.1", "2001:db8::1",
					     "localhost" };
	const struct folder *folder = *state;
	struct stat about;
	int64_t expires;
	char pin[WR_PIN_LEN + 1];
	char *text;

	assert_int_equal(wr_certificate_make(folder->cert, folder->key, names, 4), 0);
	assert_int_equal(stat(folder->key, &about), 0);
	assert_int_equal(about.st_mode, S_IFREG | 0600);
	text = run("openssl x509 -in $FILE -noout -text", folder->cert);
	assert_non_null(strstr(text, "ASN1 OID: prime256v1"));
	assert_non_null(strstr(text, "DNS:warren.example, IP Address:192.0.2.1, "
				     "IP Address:2001:DB8:0:0:0:0:0:1, DNS:localhost"));
	assert_non_null(strstr(text, "CA:FALSE"));
	assert_non_null(strstr(text, "TLS Web Server Authentication"));
	free(text);
	text = run("openssl ec -in $FILE -noout 2>&1", folder->key);
	free(text);
	text = run("openssl x509 -in $FILE -noout -pubkey | openssl pkey -pubin -outform der | "
		   "openssl dgst -sha256 -binary | base64",
		   folder->cert);
	assert_int_equal(wr_certificate_pin(folder->cert, pin), 0);
	assert_memory_equal(text, pin, WR_PIN_LEN);
	free(text);
	assert_int_equal(wr_certificate_expires(folder->cert, &expires), 0);
	assert_true(expires > time(NULL) + 3600 * 24 * 3600LL &&
		    expires < time(NULL) + 3660 * 24 * 3600LL);
}

static void test_certificate_is_new_each_time(void **state)
{
	static const char *const names[] = { "a" };
	const struct folder *folder = *state;
	char first[WR_PIN_LEN + 1], second[WR_PIN_LEN + 1];

	assert_int_equal(wr_certificate_make(folder->cert, folder->key, names, 1), 0);
	assert_int_equal(wr_certificate_pin(folder->cert, first), 0);
	assert_int_equal(wr_certificate_make(folder->cert, folder->key, names, 1), 0);
	assert_int_equal(wr_certificate_pin(folder->cert, second), 0);
	assert_string_not_equal(first, second);
}

static void test_certificate_refuses_bad_names(void **state)
{
	static char long_name[300];
	static const char *const bad[] = { "",         "a,DNS:b", "a b",    "a\nb",
					   "\xc3\xa4", "a=b",     long_name };
	const struct folder *folder = *state;

	memset(long_name, 'a', 254);
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++)
		assert_int_equal(wr_certificate_make(folder->cert, folder->key, &bad[i], 1),
				 -EINVAL);
	assert_int_equal(wr_certificate_make(folder->cert, folder->key, bad, 0), -EINVAL);
	assert_int_equal(access(folder->key, F_OK), -1);
}

static void test_certificate_reads_files_or_says_why_not(void **state)
{
	static const char *const names[] = { "a" };
	const struct folder *folder = *state;
	char pin[WR_PIN_LEN + 1] = "untouched";
	FILE *file = fopen(folder->cert, "w");

	assert_non_null(file);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
	fclose(file);
	assert_int_equal(wr_certificate_pin(folder->cert, pin), -EINVAL);
	assert_int_equal(wr_certificate_pin(folder->key, pin), -ENOENT);
	assert_string_equal(pin, "untouched");
	assert_int_equal(wr_certificate_make("/nonexistent/cert", folder->key, names, 1), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_certificate_is_what_openssl_reads, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_certificate_is_new_each_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_certificate_refuses_bad_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_certificate_reads_files_or_says_why_not,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
