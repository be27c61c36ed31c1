/* Each operation by each kind of caller: allowed, or refused as the table says. */
#include "live.h"
#include "server/operation.h"
#include "server/router.h"
#include "unit.h"

enum caller {
	NOBODY,
	STRANGER, /* signed in, no member of the organisation */
	OTHER_OWNER,
	VIEWER,
	OPERATOR,
	ADMIN,
	OWNER,
	SITE,
	READER,  /* an owner's token that may only read */
	LIMITED, /* a site administrator's token for another organisation */
	CALLERS
};

static const char *const names[CALLERS] = { "nobody",   "stranger", "other-owner", "viewer",
					    "operator", "an-admin", "owner",       "site",
					    "reader",   "limited" };
static const char *const roles[CALLERS] = {
	[OTHER_OWNER] = "owner", [VIEWER] = "viewer", [OPERATOR] = "operator",
	[ADMIN] = "admin",       [OWNER] = "owner",   [READER] = "owner",
};

struct fixture {
	struct live live;
	char *heads[CALLERS]; /* Authorization */
};

static struct live_answer must(const struct live *live, const char *method, const char *path,
			       const char *head, unsigned status, const char *format, ...)
	WR_PRINTF(6, 7);

static struct live_answer must(const struct live *live, const char *method, const char *path,
			       const char *head, unsigned status, const char *format, ...)
{
	struct live_answer answer;
	char body[512];
	va_list values;

	va_start(values, format);
	vsnprintf(body, sizeof(body), format, values);
	va_end(values);
	answer = live_ask(live, method, path, head, body);
	if (answer.status != status)
		fail_msg("%s %s: %u %s", method, path, answer.status, answer.body);
	return answer;
}

static char *head_of(struct live_answer *answer)
{
	char *token = live_text(answer, "token"), *head;

	assert_true(asprintf(&head, "Authorization: Bearer %s\r\n", token) > 0);
	free(token);
	live_answer_done(answer);
	return head;
}

/* A user with a role, and a token of that user's, made by the local administrator. */
static void add_caller(struct fixture *fixture, enum caller caller)
{
	const struct live *live = &fixture->live;
	const char *org = caller == OTHER_OWNER ? "other" : "acme";
	bool is_site = caller == SITE || caller == LIMITED;
	struct live_answer answer;
	char path[200];

	answer = must(live, "POST", "/api/v1/users", NULL, 201,
		      "{\"login\": \"%s\", \"name\": \"%s\", \"is_site_admin\": %s}", names[caller],
		      names[caller], is_site ? "true" : "false");
	live_answer_done(&answer);
	if (roles[caller]) {
		snprintf(path, sizeof(path), "/api/v1/orgs/%s/members/%s", org, names[caller]);
		answer = must(live, "PUT", path, NULL, 200, "{\"role\": \"%s\"}", roles[caller]);
		live_answer_done(&answer);
	}
	answer = must(live, "POST", "/api/v1/tokens", NULL, 201,
		      "{\"name\": \"t\", \"user\": \"%s\", \"may_write\": %s%s}", names[caller],
		      caller == READER ? "false" : "true",
		      caller == LIMITED ? ", \"org\": \"other\", \"role\": \"owner\"" : "");
	fixture->heads[caller] = head_of(&answer);
}

static int start(void **state)
{
	static struct fixture fixture;
	struct live_answer answer;

	live_start(&fixture.live);
	answer = must(&fixture.live, "POST", "/api/v1/orgs", NULL, 201, "{\"name\": \"Other\"}");
	live_answer_done(&answer);
	/* A wrong token is nobody, over the Unix socket too. */
	fixture.heads[NOBODY] = strdup("Authorization: Bearer warren_t_wrong\r\n");
	for (enum caller caller = STRANGER; caller < CALLERS; caller++)
		add_caller(&fixture, caller);
	*state = &fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < CALLERS; i++)
		free(fixture->heads[i]);
	live_stop(&fixture->live, false);
	return 0;
}

/* What a caller is in the organisation "acme". */
static enum wr_access standing(enum caller caller)
{
	switch (caller) {
	case VIEWER: return WR_ACCESS_VIEWER;
	case OPERATOR: return WR_ACCESS_OPERATOR;
	case ADMIN: return WR_ACCESS_ADMIN;
	case OWNER:
	case READER: return WR_ACCESS_OWNER;
	case SITE: return WR_ACCESS_SITE;
	case NOBODY: return WR_ACCESS_ANYONE;
	case STRANGER:
	case OTHER_OWNER:
	case LIMITED:
	case CALLERS: break;
	}
	return WR_ACCESS_SIGNED_IN;
}

/* 0: allowed. */
static unsigned refusal(const struct wr_operation *operation, enum caller caller)
{
	enum wr_access own = standing(caller);
	bool is_org = strncmp(operation->path, "/orgs/{org}", 11) == 0;

	if (operation->access == WR_ACCESS_ANYONE)
		return 0;
	if (own == WR_ACCESS_ANYONE)
		return 401;
	if (is_org && own == WR_ACCESS_SIGNED_IN)
		return 404;
	if (caller == READER && operation->is_change)
		return 403;
	if (caller == LIMITED && operation->is_change && operation->access == WR_ACCESS_SIGNED_IN)
		return 403;
	return own < operation->access ? 403 : 0;
}

/* With "{org}" and others filled in. */
static void fill_path(const char *path, char *text, size_t room)
{
	size_t len = (size_t)snprintf(text, room, WR_API_PREFIX);

	while (*path) {
		if (strncmp(path, "{org}", 5) == 0) {
			len += (size_t)snprintf(text + len, room - len, "acme");
			path += 5;
		} else if (*path == '{') {
			len += (size_t)snprintf(text + len, room - len, "x");
			path = strchr(path, '}') + 1;
		} else {
			text[len++] = *path++;
		}
	}
	snprintf(text + len, room - len, "?no_such_parameter=1");
}

/* The fault in the query is told to those who may call, and to nobody else; so nothing runs. */
static void check(const struct fixture *fixture, const struct wr_operation *operation,
		  enum caller caller)
{
	unsigned refused = refusal(operation, caller);
	struct live_answer answer;
	char path[300];

	fill_path(operation->path, path, sizeof(path));
	answer = live_ask(&fixture->live, wr_method_text(operation->method), path,
			  fixture->heads[caller], operation->body ? "{}" : NULL);
	if (answer.status != (refused ? refused : 422))
		fail_msg("%s by %s: %u, not %u: %s", operation->id, names[caller], answer.status,
			 refused ? refused : 422, answer.body);
	assert_true((strstr(answer.body, "no_such_parameter") != NULL) == (refused == 0));
	live_answer_done(&answer);
}

static void test_roles_are_kept_by_each_operation(void **state)
{
	unsigned count = 0;

	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++) {
			for (enum caller caller = NOBODY; caller < CALLERS; caller++, count++)
				check(*state, at, caller);
		}
	}
	print_message("%u pairs of an operation and a caller\n", count);
	assert_true(count > 400);
}

/* Whether it is there or not: the same words. */
static void test_roles_hide_organisations_of_others(void **state)
{
	const struct fixture *fixture = *state;
	static const char *const paths[] = { "/api/v1/orgs/acme", "/api/v1/orgs/no-such-one" };
	char *details[2];

	for (size_t i = 0; i < 2; i++) {
		struct live_answer answer = live_ask(&fixture->live, "GET", paths[i],
						     fixture->heads[STRANGER], NULL);

		assert_int_equal(answer.status, 404);
		details[i] = live_text(&answer, "detail");
		live_answer_done(&answer);
	}
	assert_string_equal(details[0], details[1]);
	free(details[0]);
	free(details[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles_are_kept_by_each_operation),
		cmocka_unit_test(test_roles_hide_organisations_of_others),
	};

	return cmocka_run_group_tests_name("roles", tests, start, stop);
}
