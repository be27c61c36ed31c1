/* What callers send to the API: a path finds an operation or none, a query and a body are
 * refused with a problem document, or taken and hold what the fields say.
 *
 * Input: a line "METHOD PATH?QUERY", then the body. */
#include "fuzz.h"
#include "server/check.h"
#include "server/format.h"
#include "server/router.h"

static enum wr_http_method method_of(const char *word)
{
	for (unsigned i = WR_HTTP_GET; i < WR_HTTP_OTHER; i++) {
		if (strcmp(wr_method_text((enum wr_http_method)i), word) == 0)
			return (enum wr_http_method)i;
	}
	return WR_HTTP_OTHER;
}

/* A problem is a document that can be read again, and names each fault. */
static void check_problem(struct wr_problem *problem)
{
	char *text = wr_problem_text(problem, "r");
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *faults = json_object_get(document, "faults"), *fault;
	size_t i;

	FUZZ_CHECK(json_integer_value(json_object_get(document, "status")) == problem->status);
	FUZZ_CHECK(problem->status >= 400 && problem->status < 500);
	FUZZ_CHECK(json_array_size(faults) <= WR_PROBLEM_FAULTS);
	json_array_foreach(faults, i, fault)
	{
		FUZZ_CHECK(json_string_value(json_object_get(fault, "pointer")));
		FUZZ_CHECK(json_string_length(json_object_get(fault, "reason")) > 0);
	}
	json_decref(document);
	free(text);
}

static const struct wr_field *field_named(const struct wr_field *fields, const char *name)
{
	for (; fields && fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

/* Whatever is taken is known, and its texts are clean. */
static void check_taken(const struct wr_field *fields, const struct wr_field *more, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const char *text = json_string_value(value);

		FUZZ_CHECK(field_named(fields, name) || field_named(more, name));
		FUZZ_CHECK(!text || wr_format_is_long_text(text, json_string_length(value)));
		FUZZ_CHECK(!text || strlen(text) == json_string_length(value));
	}
}

/* Either a value or a problem. */
static void check_outcome(const struct wr_field *fields, const struct wr_field *more,
			  json_t *object, struct wr_problem *problem)
{
	FUZZ_CHECK((object != NULL) == (problem->status == 0));
	if (object)
		check_taken(fields, more, object);
	else
		check_problem(problem);
	json_decref(object);
	wr_problem_done(problem);
}

static void check_input(const struct wr_operation *operation, const char *query,
			struct wr_bytes body)
{
	struct wr_problem query_problem = { 0 }, body_problem = { 0 };
	json_t *object = wr_check_query(operation, query, &query_problem);

	check_outcome(operation->query, operation->is_paged ? wr_paging_fields : NULL, object,
		      &query_problem);
	object = wr_check_body(operation, "application/json", body, &body_problem);
	check_outcome(operation->body, NULL, object, &body_problem);
}

static void check_values(const struct wr_route *route)
{
	for (unsigned i = 0; i < WR_PATH_VALUES && route->values[i]; i++) {
		size_t len = strlen(route->values[i]);

		FUZZ_CHECK(len > 0 && len <= WR_PATH_VALUE_LEN);
		FUZZ_CHECK(wr_format_is_text(route->values[i], len));
	}
}

static void check_request(const struct wr_router *router, char *line, struct wr_bytes body)
{
	char *path = strchr(line, ' '), *query;
	struct wr_route route;

	if (!path)
		return;
	*path++ = '\0';
	query = path + strcspn(path, "?");
	if (*query)
		*query++ = '\0';
	wr_router_find(router, method_of(line), path, &route);
	FUZZ_CHECK((route.kind == WR_ROUTE_FOUND) == (route.operation != NULL));
	if (!route.operation)
		return;
	check_values(&route);
	check_input(route.operation, query, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	struct wr_router *router = wr_router_new(wr_operation_tables);
	size_t len = end ? (size_t)(end - data) : size;
	char *line = strndup((const char *)data, len);
	size_t behind = end ? len + 1 : size;

	check_request(router, line, (struct wr_bytes){ data + behind, size - behind });
	free(line);
	wr_router_free(router);
	return 0;
}
