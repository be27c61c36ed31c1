#include "server/router.h"
#include "unit.h"

static const struct wr_operation first[] = {
	{ .id = "list", .method = WR_HTTP_GET, .path = "/orgs" },
	{ .id = "add", .method = WR_HTTP_POST, .path = "/orgs" },
	{ .id = "show", .method = WR_HTTP_GET, .path = "/orgs/{org}" },
	{ .id = "remove", .method = WR_HTTP_DELETE, .path = "/orgs/{org}" },
	{ 0 },
};
static const struct wr_operation second[] = {
	{ .id = "word", .method = WR_HTTP_GET, .path = "/orgs/{org}/policy/diff" },
	{ .id = "value", .method = WR_HTTP_GET, .path = "/orgs/{org}/policy/{version}" },
	{ .id = "change", .method = WR_HTTP_PATCH, .path = "/orgs/{org}/policy/{version}" },
	{ .id = "two", .method = WR_HTTP_GET, .path = "/orgs/{org}/machines/{machine}" },
	{ 0 },
};
static const struct wr_operation *const tables[] = { first, second, NULL };

static void test_router_finds(void **state)
{
	static const struct {
		enum wr_http_method method;
		const char *path;
		enum wr_route_kind kind;
		const char *id, *values[2], *allow;
	} cases[] = {
		{ WR_HTTP_GET, "/api/v1/orgs", WR_ROUTE_FOUND, "list", { NULL }, NULL },
		{ WR_HTTP_HEAD, "/api/v1/orgs", WR_ROUTE_FOUND, "list", { NULL }, NULL },
		{ WR_HTTP_POST, "/api/v1/orgs", WR_ROUTE_FOUND, "add", { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/a", WR_ROUTE_FOUND, "show", { "a" }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/a%20b", WR_ROUTE_FOUND, "show", { "a b" }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/a%2Fb", WR_ROUTE_FOUND, "show", { "a/b" }, NULL },
		{ WR_HTTP_GET,
		  "/api/v1/orgs/%c3%a4",
		  WR_ROUTE_FOUND,
		  "show",
		  { "\xc3\xa4" },
		  NULL },
		{ WR_HTTP_GET,
		  "/api/v1/orgs/a/policy/diff",
		  WR_ROUTE_FOUND,
		  "word",
		  { "a" },
		  NULL },
		{ WR_HTTP_GET,
		  "/api/v1/orgs/a/policy/7",
		  WR_ROUTE_FOUND,
		  "value",
		  { "a", "7" },
		  NULL },
		{ WR_HTTP_GET,
		  "/api/v1/orgs/a/machines/b",
		  WR_ROUTE_FOUND,
		  "two",
		  { "a", "b" },
		  NULL },
		/* A word keeps values away from its place. */
		{ WR_HTTP_PATCH,
		  "/api/v1/orgs/a/policy/diff",
		  WR_ROUTE_OTHER_METHOD,
		  NULL,
		  { NULL },
		  "GET, HEAD" },
		{ WR_HTTP_DELETE,
		  "/api/v1/orgs",
		  WR_ROUTE_OTHER_METHOD,
		  NULL,
		  { NULL },
		  "GET, HEAD, POST" },
		{ WR_HTTP_OTHER,
		  "/api/v1/orgs/a",
		  WR_ROUTE_OTHER_METHOD,
		  NULL,
		  { NULL },
		  "GET, HEAD, DELETE" },
		{ WR_HTTP_GET, "/api/v1/orgs/", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/a/", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1//orgs", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1orgs", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/orgs", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/../orgs", WR_ROUTE_NOWHERE, NULL, { NULL }, NULL },
		{ WR_HTTP_GET,
		  "/api/v1/a/b/c/d/e/f/g/h/i/j/k",
		  WR_ROUTE_NOWHERE,
		  NULL,
		  { NULL },
		  NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/%", WR_ROUTE_BAD_PATH, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/%00", WR_ROUTE_BAD_PATH, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/%0a", WR_ROUTE_BAD_PATH, NULL, { NULL }, NULL },
		{ WR_HTTP_GET, "/api/v1/orgs/%ff", WR_ROUTE_BAD_PATH, NULL, { NULL }, NULL },
	};
	struct wr_router *router = wr_router_new(tables);
	struct wr_route route;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		wr_router_find(router, cases[i].method, cases[i].path, &route);
		if (route.kind != cases[i].kind)
			fail_msg("%s: %d, not %d", cases[i].path, (int)route.kind,
				 (int)cases[i].kind);
		if (cases[i].id)
			assert_string_equal(route.operation->id, cases[i].id);
		if (cases[i].allow)
			assert_string_equal(route.allow, cases[i].allow);
		for (size_t v = 0; cases[i].id && v < 2; v++) {
			if (cases[i].values[v])
				assert_string_equal(route.values[v], cases[i].values[v]);
			else
				assert_null(route.values[v]);
		}
	}
	wr_router_free(router);
}

static void test_router_bounds_a_path(void **state)
{
	static const char prefix[] = "/api/v1/orgs/";
	struct wr_router *router = wr_router_new(tables);
	char path[5000];
	struct wr_route route;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, prefix, sizeof(prefix) - 1);
	path[sizeof(prefix) - 1 + WR_PATH_VALUE_LEN] = '\0';
	wr_router_find(router, WR_HTTP_GET, path, &route);
	assert_int_equal(route.kind, WR_ROUTE_FOUND);
	path[sizeof(prefix) - 1 + WR_PATH_VALUE_LEN] = 'a';
	path[sizeof(path) - 1] = '\0';
	wr_router_find(router, WR_HTTP_GET, path, &route);
	assert_int_equal(route.kind, WR_ROUTE_NOWHERE);
	wr_router_free(router);
}

static void test_router_names_values(void **state)
{
	const char *names[WR_PATH_VALUES];
	size_t lens[WR_PATH_VALUES];

	(void)state;
	assert_int_equal(wr_router_names("/orgs", names, lens), 0);
	assert_int_equal(wr_router_names("/orgs/{org}/machines/{machine}/rotate", names, lens), 2);
	assert_int_equal(lens[1], strlen("machine"));
	assert_memory_equal(names[1], "machine", lens[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_router_finds),
		cmocka_unit_test(test_router_bounds_a_path),
		cmocka_unit_test(test_router_names_values),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
