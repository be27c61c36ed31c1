/* Spoken to by curl, who knows nothing of us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/certificate.h"
#include "serving_thread.h"

/* Runs curl with the arguments behind those that name certificate and time; "@" stands for the
 * server's URL. What it printed, a new text. */
static char *curl(const struct serving *serving, const char *arguments)
{
	char command[2048], url[64], *text = calloc(1, 1 << 20);
	size_t at = (size_t)snprintf(command, sizeof(command), "curl -sS -m 20 --cacert %s ",
				     serving->cert_file);
	FILE *pipe;

	assert_non_null(text);
	snprintf(url, sizeof(url), "%s://localhost:%u",
		 serving->config.cert_file ? "https" : "http", serving->port);
	for (const char *c = arguments; *c; c++)
		at += (size_t)snprintf(command + at, sizeof(command) - at,
				       *c == '@' ? "%s" : "%.1s", *c == '@' ? url : c);
	snprintf(command + at, sizeof(command) - at, " 2>&1");
	pipe = popen(command, "re");
	assert_non_null(pipe);
	text[fread(text, 1, (1 << 20) - 1, pipe)] = '\0';
	pclose(pipe);
	return text;
}

struct run {
	const char *name, *arguments, *expected[4];
};

static void make_big_file(const struct serving *serving)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/big", serving->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), 4000000), 0);
	fclose(file);
	setenv("BIG", path, 1);
}

static void assert_has(const char *name, const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	print_error("%s: no \"%s\" in: %s\n", name, part, text);
	fail();
}

static void run_all(const struct serving *serving, const struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = curl(serving, runs[i].arguments);

		for (size_t j = 0; j < 4 && runs[i].expected[j]; j++)
			assert_has(runs[i].name, text, runs[i].expected[j]);
		free(text);
	}
}

/* Whatever the version. */
#define WRITE " -o /dev/null -w 'v%{http_version} s%{http_code} n%{size_download}\\n'"
/* $BIG is a file of 4 MB. */
static const struct run same_for_both[] = {
	{ "get",
	  "@/a%2Fb?x=%20",
	  { "method=GET path=/a%2Fb query=x=%20 remote=127.0.0.1 secure=1" } },
	{ "headers",
	  "-H 'X-CSRF-Token: t' -H 'Cookie: a=1; b=2' -X PATCH -d abc @/",
	  { "method=PATCH", "host=localhost:", "cookie=a=1; b=2 csrf=t body=3:abc" } },
	{ "delete", "-X DELETE @/", { "method=DELETE" } },
	{ "other", "-X PROPFIND @/", { "method=OTHER" } },
	{ "head", "-I '@/big?1234'", { "200", "content-length: 1234" } },
	{ "no content", "-i @/none", { "204", "X-Test: yes" } },
	{ "big", "'@/big?3000000'" WRITE, { "s200 n3000000" } },
	{ "empty", "'@/big?0'" WRITE, { "s200 n0" } },
	{ "empty post", "-X POST -d '' @/", { "method=POST", "body=0:" } },
	{ "put", "-T /etc/hostname @/", { "method=PUT" } },
	{ "without length", "-H 'Transfer-Encoding: chunked' -d abc @/", { "body=3:abc" } },
	{ "at the limit", "-d \"$(head -c 65536 /dev/zero | tr '\\0' x)\" @/" WRITE, { "s200" } },
	{ "beyond the limit",
	  "-d \"$(head -c 66000 /dev/zero | tr '\\0' x)\" @/" WRITE,
	  { "s413" } },
	{ "far beyond the limit", "-H Expect: -T $BIG @/" WRITE, { "s413" } },
	{ "expecting", "-H 'Expect: 100-continue' -d abc @/", { "body=3:abc" } },
	{ "expecting too much", "-H 'Expect: 100-continue' -T $BIG @/" WRITE, { "s413" } },
	{ "expecting miracles", "-H 'Expect: miracles' @/" WRITE, { "s417" } },
	{ "a long path", "@/$(head -c 9000 /dev/zero | tr '\\0' x)" WRITE, { "s414" } },
	{ "a long header",
	  "-H \"X: $(head -c 17000 /dev/zero | tr '\\0' x)\" @/" WRITE,
	  { "s431" } },
	{ "twice the same", "-H 'Authorization: a' -H 'Authorization: b' @/" WRITE, { "s400" } },
	{ "two on one connection", "@/one @/two", { "path=/one", "path=/two" } },
	{ "many", "'@/many[1-40]'", { "path=/many1 ", "path=/many40 " } },
};

static void test_server_speaks_http1_with_curl(void **state)
{
	struct serving serving;
	static const struct run runs[] = {
		{ "version", "--http1.1 @/" WRITE, { "v1.1 s200" } },
		{ "1.0", "--http1.0 -i @/", { "connection: close", "method=GET" } },
		{ "TLS 1.2", "--http1.1 --tls-max 1.2 @/", { "method=GET" } },
		{ "TLS 1.1", "--tls-max 1.1 @/", { "curl: (35)" } },
	};

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	make_big_file(&serving);
	run_all(&serving, runs, WR_ARRAY_LEN(runs));
	for (size_t i = 0; i < WR_ARRAY_LEN(same_for_both); i++) {
		char arguments[512];
		struct run run = same_for_both[i];

		snprintf(arguments, sizeof(arguments), "--http1.1 %s", run.arguments);
		run.arguments = arguments;
		run_all(&serving, &run, 1);
	}
	serving_stop(&serving);
}

/* Names of headers are lower-case in HTTP/2. */
static void test_server_speaks_http2_with_curl(void **state)
{
	struct serving serving;
	static const struct run runs[] = {
		{ "version", "@/" WRITE, { "v2 s200" } },
		{ "at one time",
		  "-Z --parallel-max 60 '@/big?[10000-10200]'" WRITE,
		  { "v2 s200 n10000", "v2 s200 n10200" } },
		{ "large at one time",
		  "-Z --parallel-max 12 '@/big?100000[0-9]'" WRITE,
		  { "s200 n1000000", "s200 n1000009" } },
		{ "bodies at one time",
		  "-Z --parallel-max 12 -d \"$(head -c 60000 /dev/zero | tr '\\0' x)\" '@/[1-30]'" WRITE,
		  { "v2 s200" } },
	};

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	make_big_file(&serving);
	run_all(&serving, runs, WR_ARRAY_LEN(runs));
	for (size_t i = 0; i < WR_ARRAY_LEN(same_for_both); i++) {
		char arguments[512];
		struct run run = same_for_both[i];

		if (strcmp(run.name, "no content") == 0)
			run.expected[1] = "x-test: yes";
		snprintf(arguments, sizeof(arguments), "--http2 %s", run.arguments);
		run.arguments = arguments;
		run_all(&serving, &run, 1);
	}
	serving_stop(&serving);
}

static void test_server_speaks_in_the_clear_with_curl(void **state)
{
	struct serving serving;
	static const struct run runs[] = {
		{ "1.1", "@/" WRITE, { "v1.1 s200" } },
		{ "an offer of 2", "--http2 -d abc @/", { "body=3:abc" } },
		{ "2 at once", "--http2-prior-knowledge -d abc @/", { "secure=0", "body=3:abc" } },
	};

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	run_all(&serving, runs, WR_ARRAY_LEN(runs));
	serving_stop(&serving);
}

static void test_server_streams_to_curl(void **state)
{
	static const char *const versions[] = { "--http1.1", "--http2" };
	struct serving serving;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char arguments[128], *text;

		serving_start(&serving, "127.0.0.1:0", true, NULL, false);
		/* It hangs up after a second; that is seen. */
		snprintf(arguments, sizeof(arguments), "%s -m 1 -N @/events", versions[i]);
		text = curl(&serving, arguments);
		assert_non_null(strstr(text, "data: hello"));
		free(text);
		wait_until(&serving.ended, 1);
		serving_stop(&serving);
	}
}

/* More than waits to be looked at, at one time: TLS must not sit on the rest. */
static void test_server_takes_large_bodies_from_curl(void **state)
{
	static const struct wr_http_limits limits = { 8 << 20, 100, 100, 30 };
	static const struct run runs[] = {
		{ "1.1", "--http1.1 -T $BIG @/" WRITE, { "s200" } },
		{ "1.1 without Expect", "--http1.1 -H Expect: -T $BIG @/" WRITE, { "s200" } },
		{ "1.1 in chunks",
		  "--http1.1 -H 'Transfer-Encoding: chunked' -T $BIG @/" WRITE,
		  { "s200" } },
		{ "2", "--http2 -T $BIG @/" WRITE, { "s200" } },
		{ "2 at one time",
		  "-Z --http2 -T $BIG @/a -T $BIG @/b -T $BIG @/c" WRITE,
		  { "s200" } },
	};
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, &limits, false);
	make_big_file(&serving);
	run_all(&serving, runs, WR_ARRAY_LEN(runs));
	serving_stop(&serving);
}

struct asker {
	const struct serving *serving;
	uv_thread_t thread;
	char *text;
};

static void hold(void *context)
{
	struct asker *asker = context;

	asker->text = curl(asker->serving, "--http2 @/hold @/never" WRITE);
}

static void test_server_answers_http2_before_it_closes(void **state)
{
	struct serving serving;
	struct asker asker = { .serving = &serving };

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	uv_thread_create(&asker.thread, hold, &asker);
	wait_until(&serving.waiting, 1);
	serving_close(&serving, 5000);
	assert_false(serving.is_closed);
	serving_release(&serving);
	uv_thread_join(&asker.thread);
	assert_has("closing", asker.text, "v2 s200");
	free(asker.text);
	serving_stop(&serving);
	assert_int_equal(serving.handled, 1);
}

/* Requests that are given up while they wait, over and over: the connection ends, the server
 * does not. */
static void test_server_outlives_requests_that_are_given_up(void **state)
{
	struct serving serving;
	char *text;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	for (unsigned i = 0; i < 3; i++) {
		text = curl(&serving, "-Z --parallel-max 50 -m 1 '@/hold?[1-15]'");
		free(text);
	}
	serving_release(&serving);
	text = curl(&serving, "@/");
	assert_non_null(strstr(text, "method=GET"));
	free(text);
	serving_stop(&serving);
}

static void test_server_reloads_its_certificate(void **state)
{
	static const char *const names[] = { "localhost" };
	struct serving serving;
	char *text;
	FILE *file;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	file = fopen(serving.cert_file, "w");
	assert_non_null(file);
	fclose(file);
	assert_true(serving_reload(&serving) < 0);
	assert_int_equal(unlink(serving.cert_file), 0);
	assert_true(serving_reload(&serving) < 0);
	assert_int_equal(wr_certificate_make(serving.cert_file, serving.key_file, names, 1), 0);
	text = curl(&serving, "@/");
	assert_non_null(strstr(text, "curl: (60)")); /* still the old one */
	free(text);
	assert_int_equal(serving_reload(&serving), 0);
	text = curl(&serving, "@/");
	assert_non_null(strstr(text, "method=GET"));
	free(text);
	serving_stop(&serving);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_speaks_http1_with_curl),
		cmocka_unit_test(test_server_speaks_http2_with_curl),
		cmocka_unit_test(test_server_speaks_in_the_clear_with_curl),
		cmocka_unit_test(test_server_streams_to_curl),
		cmocka_unit_test(test_server_takes_large_bodies_from_curl),
		cmocka_unit_test(test_server_answers_http2_before_it_closes),
		cmocka_unit_test(test_server_outlives_requests_that_are_given_up),
		cmocka_unit_test(test_server_reloads_its_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
