/* The whole table of operations with what no program should send: a clear refusal each
 * time, never a failure of the server, and nothing changed. */
#include "live.h"
#include "server/check.h"
#include "server/router.h"
#include "unit.h"

/* Who is let in by what agents call. */
static char agent_head[160];

static int start(void **state)
{
	static struct live live;

	live_start(&live);
	live_join(&live, "agent", agent_head);
	*state = &live;
	return 0;
}

static int stop(void **state)
{
	live_stop(*state, false);
	return 0;
}

/* With braces filled in: an organisation that is there, else what is not. */
static void fill_path(const char *path, const char *query, char *text, size_t room)
{
	size_t len = (size_t)snprintf(text, room, WR_API_PREFIX);

	while (*path) {
		if (*path != '{') {
			text[len++] = *path++;
			continue;
		}
		len += (size_t)snprintf(text + len, room - len, "%s",
					strncmp(path, "{org}", 5) == 0 ? "acme" : "nobody");
		path = strchr(path, '}') + 1;
	}
	snprintf(text + len, room - len, "%s", query);
}

static struct live_answer ask(const struct live *live, const struct wr_operation *operation,
			      const char *query, const char *body)
{
	char path[300];

	fill_path(operation->path, query, path, sizeof(path));
	return live_ask(live, wr_method_text(operation->method), path,
			operation->access == WR_ACCESS_MACHINE ? agent_head : NULL, body);
}

static bool has_fault_at(const struct live_answer *answer, const char *pointer)
{
	json_t *faults = json_object_get(answer->json, "faults"), *fault;
	size_t i, len = strlen(pointer);

	json_array_foreach(faults, i, fault)
	{
		const char *at = json_string_value(json_object_get(fault, "pointer"));

		if (strncmp(at, pointer, len) == 0)
			return true;
	}
	return false;
}

/* A problem document with a status of the caller's fault. */
static void expect(const struct wr_operation *operation, const char *what,
		   struct live_answer *answer, unsigned status, const char *pointer)
{
	if (answer->status != status || !strcasestr(answer->head, "application/problem+json") ||
	    (pointer && !has_fault_at(answer, pointer)))
		fail_msg("%s with %s: %u %s", operation->id, what, answer->status, answer->body);
	live_answer_done(answer);
}

/* Calls `check` with each operation. */
static void for_each(const struct live *live,
		     void (*check)(const struct live *live, const struct wr_operation *operation))
{
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++)
			check(live, at);
	}
}

/* What organisations and users there are. */
static void count_all(const struct live *live, size_t *ret_orgs, size_t *ret_users)
{
	struct live_answer orgs = live_ask(live, "GET", "/api/v1/orgs", NULL, NULL);
	struct live_answer users = live_ask(live, "GET", "/api/v1/users", NULL, NULL);

	*ret_orgs = json_array_size(json_object_get(orgs.json, "items"));
	*ret_users = json_array_size(json_object_get(users.json, "items"));
	assert_int_equal(orgs.status, 200);
	live_answer_done(&orgs);
	live_answer_done(&users);
}

static void test_each(const struct live *live,
		      void (*check)(const struct live *live, const struct wr_operation *operation))
{
	size_t orgs, users, orgs_after, users_after;

	count_all(live, &orgs, &users);
	for_each(live, check);
	count_all(live, &orgs_after, &users_after);
	assert_int_equal(orgs, orgs_after);
	assert_int_equal(users, users_after);
}

/* --- Values of wrong types. --- */
static void check_field(const struct live *live, const struct wr_operation *operation,
			const struct wr_field *field)
{
	/* No field of any kind takes one of these. */
	static const char *const values[] = { "1.5", "{\"no\": 1}", "[[1]]", "\"\\u0007\"" };
	char body[200], pointer[80];

	snprintf(pointer, sizeof(pointer), "/%s", field->name);
	for (size_t i = 0; i < WR_ARRAY_LEN(values); i++) {
		struct live_answer answer;

		snprintf(body, sizeof(body), "{\"%s\": %s}", field->name, values[i]);
		answer = ask(live, operation, "", body);
		expect(operation, body, &answer, 422, pointer);
	}
	if (!field->can_be_null) {
		struct live_answer answer;

		snprintf(body, sizeof(body), "{\"%s\": null}", field->name);
		answer = ask(live, operation, "", body);
		expect(operation, body, &answer, 422, pointer);
	}
}

static void check_fields(const struct live *live, const struct wr_operation *operation)
{
	for (const struct wr_field *at = operation->body; at && at->name; at++)
		check_field(live, operation, at);
}

static void test_abuse_by_wrong_types_names_each_field(void **state)
{
	test_each(*state, check_fields);
}

/* --- Sizes. --- */
static void check_large_texts(const struct live *live, const struct wr_operation *operation)
{
	static char body[WR_CHECK_BODY_MAX / 2];

	for (const struct wr_field *at = operation->body; at && at->name; at++) {
		size_t len = (size_t)snprintf(body, sizeof(body), "{\"%s\": \"", at->name);
		struct live_answer answer;
		char pointer[80];

		if (at->kind == WR_KIND_LONG_TEXT)
			continue;
		memset(body + len, 'a', sizeof(body) - len);
		snprintf(body + sizeof(body) - 3, 3, "\"}");
		snprintf(pointer, sizeof(pointer), "/%s", at->name);
		answer = ask(live, operation, "", body);
		expect(operation, "a large text", &answer, 422, pointer);
	}
}

static void check_large_body(const struct live *live, const struct wr_operation *operation)
{
	static char body[WR_CHECK_BODY_MAX + 100];
	struct live_answer answer;

	if (!operation->body || wr_check_body_max(operation) > WR_CHECK_BODY_MAX)
		return;
	memset(body, ' ', sizeof(body) - 1);
	memcpy(body, "{}", 2);
	answer = ask(live, operation, "", body);
	expect(operation, "a large body", &answer, 413, NULL);
}

static void test_abuse_by_size_is_bounded(void **state)
{
	test_each(*state, check_large_texts);
	test_each(*state, check_large_body);
}

/* --- Encodings and shapes. --- */
static void check_shapes(const struct live *live, const struct wr_operation *operation)
{
	static const char *const bodies[] = {
		"{",
		"[]",
		"null",
		"\"a\"",
		"{\"a\": 1,}",
		"{'a': 1}",
		"{\"a\": \"\xff\"}",
		"{\"a\": \"\\ud800\"}",
		"{\"a\": 1e400}",
		"{\"a\": 99999999999999999999}",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"\xef\xbb\xbf{}",
		"{}{}",
		"{\"a\": 1, \"a\": 2}",
		"<xml/>",
	};
	unsigned status = operation->body ? 400 : 422;

	for (size_t i = 0; i < WR_ARRAY_LEN(bodies); i++) {
		struct live_answer answer = ask(live, operation, "", bodies[i]);

		expect(operation, bodies[i], &answer, status, NULL);
	}
}

static void check_queries(const struct live *live, const struct wr_operation *operation)
{
	static const char *const queries[] = { "?no=1", "?%zz=1",    "?a=%ff",     "?a=%00",
					       "?=",    "?limit=-1", "?cursor=%27" };

	for (size_t i = 0; i < WR_ARRAY_LEN(queries); i++) {
		struct live_answer answer = ask(live, operation, queries[i],
						operation->body ? "{}" : NULL);

		expect(operation, queries[i], &answer, 422, "?");
	}
}

static void test_abuse_by_encodings_is_refused(void **state)
{
	test_each(*state, check_shapes);
	test_each(*state, check_queries);
}

/* --- Methods. --- */
static bool is_known(const char *path, const char *method)
{
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++) {
			if (strcmp(at->path, path) == 0 &&
			    strcmp(wr_method_text(at->method), method) == 0)
				return true;
		}
	}
	return false;
}

static void check_methods(const struct live *live, const struct wr_operation *operation)
{
	static const char *const methods[] = { "GET",    "POST",    "PUT",  "PATCH",
					       "DELETE", "OPTIONS", "TRACE" };

	for (size_t i = 0; i < WR_ARRAY_LEN(methods); i++) {
		struct live_answer answer;
		char path[300];

		if (is_known(operation->path, methods[i]))
			continue;
		fill_path(operation->path, "", path, sizeof(path));
		answer = live_ask(live, methods[i], path, NULL, NULL);
		if (answer.status != 405 || !strcasestr(answer.head, "\r\nallow: "))
			fail_msg("%s %s: %s", methods[i], path, answer.head);
		live_answer_done(&answer);
	}
}

static void test_abuse_by_methods_tells_those_that_there_are(void **state)
{
	test_each(*state, check_methods);
}

/* --- Names in paths. --- */
static void test_abuse_by_paths_finds_nothing(void **state)
{
	static const struct {
		const char *path;
		unsigned status;
	} cases[] = {
		{ "/api/v1/orgs/..", 404 },
		{ "/api/v1/orgs/%2e%2e", 404 },
		{ "/api/v1/orgs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404 },
		{ "/api/v1/orgs/acme'--", 404 },
		{ "/api/v1/orgs/acme%27%20OR%201=1--", 404 },
		{ "/api/v1/orgs/ACME%00", 400 },
		{ "/api/v1/orgs/%f0%9f%98%80", 404 },
		{ "/api/v1/orgs/acme%0d%0aX-Evil:%201", 400 },
		{ "/api/v1/orgs/acme/machines/%25s%25n", 404 },
		{ "/api/v1/orgs/acme/policy/versions/99999999999999999999", 404 },
		{ "/api/v1/orgs/acme/policy/versions/-1", 404 },
		{ "/api/v1/users/1", 404 },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct live_answer answer = live_ask(*state, "GET", cases[i].path, NULL, NULL);

		if (answer.status != cases[i].status)
			fail_msg("%s: %u %s", cases[i].path, answer.status, answer.body);
		assert_null(strcasestr(answer.head, "x-evil"));
		live_answer_done(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abuse_by_wrong_types_names_each_field),
		cmocka_unit_test(test_abuse_by_size_is_bounded),
		cmocka_unit_test(test_abuse_by_encodings_is_refused),
		cmocka_unit_test(test_abuse_by_methods_tells_those_that_there_are),
		cmocka_unit_test(test_abuse_by_paths_finds_nothing),
	};

	return cmocka_run_group_tests_name("abuse", tests, start, stop);
}
