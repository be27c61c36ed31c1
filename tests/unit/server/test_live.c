/* The server as a whole: signing in, forged requests, what answers carry, the end and a new
 * start. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "unit.h"

#define BACKUP "{\"path\": \"one.db\"}"

static int start(void **state)
{
	static struct live live;

	live_start(&live);
	*state = &live;
	return 0;
}

static int stop(void **state)
{
	live_stop(*state, false);
	return 0;
}

/* --- Sessions. --- */
struct session {
	char cookie[300], csrf[100]; /* lines of a request's head */
};

static void take_session(const struct live_answer *answer, struct session *session)
{
	const char *cookie = strstr(answer->head, "warren_session=");
	char *csrf = live_text(answer, "csrf");

	assert_non_null(cookie);
	assert_non_null(strstr(cookie, "HttpOnly"));
	assert_non_null(strstr(cookie, "SameSite=Strict"));
	snprintf(session->cookie, sizeof(session->cookie), "Cookie: a=b; %.*s\r\n",
		 (int)strcspn(cookie, ";"), cookie);
	snprintf(session->csrf, sizeof(session->csrf), "X-CSRF-Token: %s\r\n", csrf);
	free(csrf);
}

static void sign_in(const struct live *live, struct session *session)
{
	struct live_answer answer;
	char body[200];

	snprintf(body, sizeof(body), "{\"login\": \"%s\", \"password\": \"%s\"}",
		 live->first.admin_login, live->first.admin_password);
	answer = live_ask(live, "POST", "/api/v1/session", NULL, body);
	if (answer.status != 201)
		fail_msg("%u %s", answer.status, answer.body);
	take_session(&answer, session);
	live_answer_done(&answer);
}

static void test_live_refuses_forged_changes(void **state)
{
	static const struct {
		const char *head;
		bool has_csrf;
		unsigned status;
	} cases[] = {
		{ "", true, 201 },
		{ "", false, 403 },
		{ "X-CSRF-Token: \r\n", false, 403 },
		{ "X-CSRF-Token: 0000000000000000000000000000000000000000000000000000000000000000"
		  "\r\n",
		  false, 403 },
		{ "Origin: http://warren.test\r\n", true, 201 },
		{ "Origin: http://evil.test\r\n", true, 403 },
		{ "Origin: http://warren.test.evil.test\r\n", true, 403 },
		{ "Origin: null\r\n", true, 403 },
		{ "Sec-Fetch-Site: same-origin\r\n", true, 201 },
		{ "Sec-Fetch-Site: none\r\n", true, 201 },
		{ "Sec-Fetch-Site: same-site\r\n", true, 403 },
		{ "Sec-Fetch-Site: cross-site\r\n", true, 403 },
	};
	struct session session;

	sign_in(*state, &session);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char head[600], body[64];
		unsigned status;

		snprintf(head, sizeof(head), "%s%s%s", session.cookie,
			 cases[i].has_csrf ? session.csrf : "", cases[i].head);
		snprintf(body, sizeof(body), "{\"name\": \"forged %zu\"}", i);
		status = live_status(*state, "POST", "/api/v1/orgs", head, body);
		if (status != cases[i].status)
			fail_msg("%s: %u, not %u", cases[i].head, status, cases[i].status);
	}
}

static void test_live_signs_out(void **state)
{
	struct session session;
	char head[500];

	sign_in(*state, &session);
	snprintf(head, sizeof(head), "%s%s", session.cookie, session.csrf);
	assert_int_equal(live_status(*state, "GET", "/api/v1/session", session.cookie, NULL), 200);
	assert_int_equal(live_status(*state, "DELETE", "/api/v1/session", session.cookie, NULL),
			 403);
	assert_int_equal(live_status(*state, "DELETE", "/api/v1/session", head, NULL), 204);
	assert_int_equal(live_status(*state, "GET", "/api/v1/session", session.cookie, NULL), 401);
}

static void test_live_ends_sessions_of_a_disabled_user(void **state)
{
	struct live_answer answer = live_ask(*state, "POST", "/api/v1/users", NULL,
					     "{\"login\": \"gone\", \"name\": \"Gone\"}");
	struct live_answer token = live_ask(*state, "POST", "/api/v1/tokens", NULL,
					    "{\"name\": \"t\", \"user\": \"gone\"}");
	char *text = live_text(&token, "token"), head[200];

	snprintf(head, sizeof(head), "Authorization: Bearer %s\r\n", text);
	assert_int_equal(live_status(*state, "GET", "/api/v1/orgs", head, NULL), 200);
	assert_int_equal(live_status(*state, "PATCH", "/api/v1/users/gone", NULL,
				     "{\"is_disabled\": true}"),
			 200);
	assert_int_equal(live_status(*state, "GET", "/api/v1/orgs", head, NULL), 401);
	free(text);
	live_answer_done(&answer);
	live_answer_done(&token);
}

/* A token of a user that is an organisation's admin, as a line of a head. */
static char *admin_of_acme(const struct live *live)
{
	struct live_answer answer;
	char *token, *head;

	assert_int_equal(live_status(live, "POST", "/api/v1/users", NULL,
				     "{\"login\": \"ann\", \"name\": \"Ann\"}"),
			 201);
	assert_int_equal(live_status(live, "PUT", "/api/v1/orgs/acme/members/ann", NULL,
				     "{\"role\": \"owner\"}"),
			 200);
	answer = live_ask(live, "POST", "/api/v1/tokens", NULL,
			  "{\"name\": \"t\", \"user\": \"ann\"}");
	token = live_text(&answer, "token");
	assert_true(asprintf(&head, "Authorization: Bearer %s\r\n", token) > 0);
	live_answer_done(&answer);
	free(token);
	return head;
}

/* Its members may look, and change nothing. */
static void test_live_stops_changes_of_a_disabled_organisation(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
	} steps[] = { { "{\"is_disabled\": true}", 403 }, { "{\"is_disabled\": false}", 201 } };
	char *head = admin_of_acme(*state);

	for (size_t i = 0; i < WR_ARRAY_LEN(steps); i++) {
		assert_int_equal(live_status(*state, "PATCH", "/api/v1/orgs/acme", NULL,
					     steps[i].body),
				 200);
		assert_int_equal(live_status(*state, "GET", "/api/v1/orgs/acme", head, NULL), 200);
		assert_int_equal(live_status(*state, "POST", "/api/v1/orgs/acme/machines", head,
					     "{\"name\": \"m\"}"),
				 steps[i].status);
	}
	free(head);
}

/* --- Answers. --- */
static void test_live_answers_as_http_wants(void **state)
{
	static const struct {
		const char *method, *path, *head, *body;
		unsigned status;
		const char *has; /* in the head */
	} cases[] = {
		{ "GET", "/api/v1/orgs/acme", "", NULL, 200, "etag: \"1\"" },
		{ "HEAD", "/api/v1/orgs/acme", "", NULL, 200, "content-type: application/json" },
		{ "GET", "/api/v1/orgs/acme", "If-None-Match: \"1\"\r\n", NULL, 304,
		  "etag: \"1\"" },
		{ "PATCH", "/api/v1/orgs/acme", "If-Match: \"9\"\r\n", "{}", 412, "problem+json" },
		{ "PUT", "/api/v1/orgs/acme/policy", "", "{\"text\": \"\"}", 428, "problem+json" },
		{ "PUT", "/api/v1/orgs", "", NULL, 405, "allow: GET, HEAD, POST" },
		{ "OPTIONS", "/api/v1/orgs", "", NULL, 405, "allow: GET, HEAD, POST" },
		{ "GET", "/api/v1/nothing", "", NULL, 404, "x-request-id: r" },
		{ "GET", "/api/v1/orgs/%ff", "", NULL, 400, "problem+json" },
		{ "GET", "/api/v1/openapi.json", "", NULL, 200, "cache-control: no-store" },
		{ "HEAD", "/api/v1/events", "", NULL, 200, "text/event-stream" },
		{ "GET", "/metrics", "", NULL, 200, "text/plain" },
		{ "POST", "/metrics", "", NULL, 405, "allow: GET, HEAD" },
		{ "GET", "/livez", "", NULL, 200, "" },
		{ "GET", "/readyz", "", NULL, 200, "" },
		{ "GET", "/healthz", "", NULL, 200, "" },
		{ "GET", "/api/v1/server", "", NULL, 200, "x-content-type-options: nosniff" },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct live_answer answer = live_ask(*state, cases[i].method, cases[i].path,
						     cases[i].head, cases[i].body);

		if (answer.status != cases[i].status || !strcasestr(answer.head, cases[i].has))
			fail_msg("%s %s: %s", cases[i].method, cases[i].path, answer.head);
		if (strcmp(cases[i].method, "HEAD") == 0)
			assert_string_equal(answer.body, "");
		assert_null(strcasestr(answer.head, "access-control"));
		live_answer_done(&answer);
	}
}

static void test_live_tells_faults_of_query_and_body_together(void **state)
{
	struct live_answer answer = live_ask(*state, "POST", "/api/v1/orgs?x=1", NULL,
					     "{\"name\": 1, \"y\": 2}");
	char *type = live_text(&answer, "type");

	assert_int_equal(answer.status, 422);
	assert_string_equal(type, "urn:warren:problem:invalid");
	assert_int_equal(json_array_size(json_object_get(answer.json, "faults")), 3);
	assert_string_equal(live_pointer(&answer), "/y");
	free(type);
	live_answer_done(&answer);
}

/* The request's identifier is the audit log's. */
static void test_live_audits_what_it_answered(void **state)
{
	struct live_answer made = live_ask(*state, "POST", "/api/v1/orgs", NULL,
					   "{\"name\": \"Audited\"}");
	struct live_answer log = live_ask(*state, "GET", "/api/v1/audit?limit=1", NULL, NULL);
	json_t *line = json_array_get(json_object_get(log.json, "items"), 0);
	const char *request = json_string_value(json_object_get(line, "request_id"));

	assert_int_equal(made.status, 201);
	assert_string_equal(json_string_value(json_object_get(line, "operation")), "org.add");
	assert_string_equal(json_string_value(json_object_get(line, "actor_kind")), "local");
	assert_non_null(request);
	assert_non_null(strstr(made.head, request));
	live_answer_done(&made);
	live_answer_done(&log);
}

/* --- From afar. --- */
static unsigned status_tcp(const struct live *live, const char *method, const char *path,
			   const char *head, const char *body)
{
	struct live_answer answer = live_ask_tcp(live, method, path, head, body);
	unsigned status = answer.status;

	live_answer_done(&answer);
	return status;
}

static void test_live_knows_nobody_from_afar(void **state)
{
	static const char unlock[] = "{\"current\": \"x\", \"new\": \"abcdefghijkl\"}";
	struct session session;
	char head[500];

	sign_in(*state, &session);
	snprintf(head, sizeof(head), "%s%s", session.cookie, session.csrf);
	assert_int_equal(status_tcp(*state, "GET", "/api/v1/orgs", NULL, NULL), 401);
	assert_int_equal(status_tcp(*state, "GET", "/api/v1/orgs", session.cookie, NULL), 200);
	assert_int_equal(status_tcp(*state, "POST", "/api/v1/server/unlock", head, unlock), 403);
	assert_int_equal(status_tcp(*state, "GET", "/metrics", NULL, NULL), 200);
}

/* Whoever shows nothing, or what is wrong, is slowed down; whoever shows a good session is not
 * as long as the address behaves. */
static void test_live_slows_strangers_down(void **state)
{
	static const char wrong[] = "Authorization: Bearer warren_t_wrong\r\n";
	struct live_answer answer = { 0 };
	unsigned tries = 0;

	do {
		live_answer_done(&answer);
		answer = live_ask_tcp(*state, "GET", "/api/v1/orgs", wrong, NULL);
		assert_true(answer.status == 401 || answer.status == 429);
	} while (answer.status == 401 && ++tries < 1000);
	assert_int_equal(answer.status, 429);
	assert_non_null(strcasestr(answer.head, "retry-after: "));
	live_answer_done(&answer);
	/* Local processes do not pay for it. */
	assert_int_equal(live_status(*state, "GET", "/api/v1/orgs", NULL, NULL), 200);
}

/* --- The server itself. --- */
static void test_live_makes_backups_by_name(void **state)
{
	const struct live *live = *state;
	struct live_answer answer;
	struct stat status;
	char path[200];

	assert_int_equal(live_status(live, "POST", "/api/v1/server/backup", NULL, BACKUP), 201);
	snprintf(path, sizeof(path), "%s/backups/one.db", live->data);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(live_status(live, "POST", "/api/v1/server/backup", NULL, BACKUP), 409);
	answer = live_ask(live, "POST", "/api/v1/server/backup", NULL, "{\"path\": \"../x.db\"}");
	assert_int_equal(answer.status, 422);
	assert_string_equal(live_pointer(&answer), "/path");
	live_answer_done(&answer);
}

static void open_with(const struct live *live, const char *unlock, int wanted)
{
	const struct wr_server_config config = {
		.data = live->data,
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.unlock = { (const uint8_t *)unlock, strlen(unlock) },
	};
	struct wr_first_start first;
	struct wr_server *server;
	uv_loop_t loop;

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_server_open(&loop, &config, &first, &server), wanted);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_live_shares_its_folder_with_no_other(void **state)
{
	open_with(*state, LIVE_UNLOCK, -EBUSY);
}

/* What was answered is there after the end; the unlock secret is asked for. */
static void test_live_starts_again_with_all_that_was(void **state)
{
	struct live *live = *state;

	assert_int_equal(live_status(live, "POST", "/api/v1/orgs", NULL, "{\"name\": \"Kept\"}"),
			 201);
	assert_int_equal(live_status(live, "POST", "/api/v1/orgs/kept/machines", NULL,
				     "{\"name\": \"one\"}"),
			 201);
	live_stop(live, true);
	open_with(live, "another secret", -EKEYREJECTED);
	live->first = (struct wr_first_start){ "", "" };
	live_start_again(live);
	assert_string_equal(live->first.admin_login, "");
	assert_int_equal(live_status(live, "GET", "/api/v1/orgs/kept/machines/one", NULL, NULL),
			 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_refuses_forged_changes),
		cmocka_unit_test(test_live_signs_out),
		cmocka_unit_test(test_live_ends_sessions_of_a_disabled_user),
		cmocka_unit_test(test_live_answers_as_http_wants),
		cmocka_unit_test(test_live_stops_changes_of_a_disabled_organisation),
		cmocka_unit_test(test_live_tells_faults_of_query_and_body_together),
		cmocka_unit_test(test_live_audits_what_it_answered),
		cmocka_unit_test(test_live_knows_nobody_from_afar),
		cmocka_unit_test(test_live_slows_strangers_down),
		cmocka_unit_test(test_live_makes_backups_by_name),
		cmocka_unit_test(test_live_shares_its_folder_with_no_other),
		/* The last: the first password is forgotten. */
		cmocka_unit_test(test_live_starts_again_with_all_that_was),
	};

	return cmocka_run_group_tests_name("live", tests, start, stop);
}
