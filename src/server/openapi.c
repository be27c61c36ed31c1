#include "server/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth.h"
#include "server/check.h"
#include "server/openapi_schema.h"
#include "server/router.h"

const char *wr_access_text(enum wr_access access)
{
	switch (access) {
	case WR_ACCESS_ANYONE: return "anyone";
	case WR_ACCESS_SIGNED_IN: return "signed in";
	case WR_ACCESS_VIEWER: return "viewer";
	case WR_ACCESS_OPERATOR: return "operator";
	case WR_ACCESS_ADMIN: return "admin";
	case WR_ACCESS_OWNER: return "owner";
	case WR_ACCESS_SITE: return "site administrator";
	case WR_ACCESS_MACHINE: return "agent";
	}
	return "nobody";
}

static void set_new(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

/* --- Parameters. --- */
static void add_parameter(json_t *list, const char *where, const struct wr_field *field)
{
	bool is_required = field->is_required;
	json_t *schema = wr_schema_of_field(field, true);
	json_t *parameter = json_pack("{s:s, s:s, s:b, s:o}", "name", field->name, "in", where,
				      "required", is_required, "schema", schema);

	if (field->help)
		set_new(parameter, "description", json_string(field->help));
	json_array_append_new(list, parameter);
}

static void add_path_parameters(json_t *list, const struct wr_operation *operation)
{
	const char *names[WR_PATH_VALUES];
	size_t lens[WR_PATH_VALUES];
	unsigned count = wr_router_names(operation->path, names, lens);

	for (unsigned i = 0; i < count; i++) {
		char name[64];
		struct wr_field field = {
			.name = name,
			.kind = WR_KIND_TEXT,
			.is_required = true,
			.min = 1,
			.max = WR_PATH_VALUE_LEN,
		};

		snprintf(name, sizeof(name), "%.*s", (int)lens[i], names[i]);
		add_parameter(list, "path", &field);
	}
}

static void add_query_parameters(json_t *list, const struct wr_field *fields)
{
	for (; fields && fields->name; fields++)
		add_parameter(list, "query", fields);
}

static json_t *parameters_of(const struct wr_operation *operation)
{
	static const struct wr_field match = {
		.name = "If-Match",
		.kind = WR_KIND_TEXT,
		.is_required = true,
		.min = 1,
		.help = "The ETag of what is replaced, or * for whatever there is",
	};
	json_t *list = json_array();

	add_path_parameters(list, operation);
	add_query_parameters(list, operation->query);
	if (operation->is_paged)
		add_query_parameters(list, wr_paging_fields);
	if (operation->needs_match)
		add_parameter(list, "header", &match);
	return list;
}

/* --- Answers. --- */
static json_t *content_of(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *page_schema(const struct wr_operation *operation)
{
	return json_pack("{s:s, s:[s, s], s:{s:{s:s, s:o}, s:{s:[s, s]}}}", "type", "object",
			 "required", "items", "next", "properties", "items", "type", "array",
			 "items", wr_schema_of_fields(operation->result, false), "next", "type",
			 "string", "null");
}

static json_t *success_of(const struct wr_operation *operation)
{
	json_t *response = json_pack("{s:s}", "description", wr_status_phrase(operation->status));

	if (operation->status == 204)
		return response;
	if (operation->is_paged)
		set_new(response, "content",
			content_of("application/json", page_schema(operation)));
	else if (operation->result)
		set_new(response, "content",
			content_of("application/json",
				   wr_schema_of_fields(operation->result, false)));
	else if (operation->serve)
		set_new(response, "content",
			content_of(strstr(operation->path, "events") ? "text/event-stream"
								     : "application/json",
				   json_object()));
	return response;
}

static json_t *responses_of(const struct wr_operation *operation)
{
	char status[12];

	snprintf(status, sizeof(status), "%u", operation->status);
	return json_pack("{s:o, s:{s:s}}", status, success_of(operation), "default", "$ref",
			 "#/components/responses/Problem");
}

/* --- Operations. --- */
static json_t *security_of(const struct wr_operation *operation)
{
	if (operation->access == WR_ACCESS_ANYONE)
		return json_array();
	if (operation->is_change)
		return json_pack("[{s:[]}, {s:[], s:[]}]", "token", "session", "csrf");
	return json_pack("[{s:[]}, {s:[]}]", "token", "session");
}

static json_t *tag_of(const struct wr_operation *operation)
{
	return json_pack("[o]", json_stringn(operation->id, strcspn(operation->id, ".")));
}

static json_t *describe(const struct wr_operation *operation)
{
	json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "operationId",
				   operation->id, "summary", operation->summary, "tags",
				   tag_of(operation), "parameters", parameters_of(operation),
				   "responses", responses_of(operation), "security",
				   security_of(operation), "x-access",
				   wr_access_text(operation->access));

	if (operation->about)
		set_new(object, "description", json_string(operation->about));
	if (operation->body)
		set_new(object, "requestBody",
			json_pack("{s:b, s:o}", "required", true, "content",
				  content_of("application/json",
					     wr_schema_of_fields(operation->body, true))));
	return object;
}

static void add_operation(json_t *paths, const struct wr_operation *operation)
{
	json_t *path = json_object_get(paths, operation->path);
	const char *method = wr_method_text(operation->method);
	char name[16] = "";

	if (!path) {
		path = json_object();
		set_new(paths, operation->path, path);
	}
	for (size_t i = 0; method[i]; i++)
		name[i] = (char)tolower((unsigned char)method[i]);
	set_new(path, name, describe(operation));
}

static json_t *paths_of(const struct wr_operation *const *tables)
{
	json_t *paths = json_object();

	for (; *tables; tables++) {
		for (const struct wr_operation *at = *tables; at->id; at++)
			add_operation(paths, at);
	}
	return paths;
}

/* --- The rest. --- */
static json_t *problem_schema(void)
{
	static const struct wr_field fault[] = {
		{ .name = "pointer",
		  .kind = WR_KIND_TEXT,
		  .is_required = true,
		  .help = "JSON pointer into the body (RFC 6901), or ?name of the query" },
		{ .name = "reason", .kind = WR_KIND_TEXT, .is_required = true },
		{ 0 },
	};
	static const struct wr_field problem[] = {
		{ .name = "type", .kind = WR_KIND_TEXT, .is_required = true },
		{ .name = "title", .kind = WR_KIND_TEXT, .is_required = true },
		{ .name = "status", .kind = WR_KIND_NUMBER, .is_required = true },
		{ .name = "detail", .kind = WR_KIND_TEXT },
		{ .name = "request_id",
		  .kind = WR_KIND_TEXT,
		  .is_required = true,
		  .help = "Also in the answer's X-Request-Id, and in the audit log" },
		{ .name = "faults", .kind = WR_KIND_LIST, .fields = fault },
		{ 0 },
	};

	return wr_schema_of_fields(problem, false);
}

static json_t *security_schemes(void)
{
	return json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "token", "type",
			 "http", "scheme", "bearer", "session", "type", "apiKey", "in", "cookie",
			 "name", WR_SESSION_COOKIE, "csrf", "type", "apiKey", "in", "header",
			 "name", "X-CSRF-Token");
}

static json_t *components(void)
{
	json_t *reference = json_pack("{s:s}", "$ref", "#/components/schemas/Problem");
	json_t *response = json_pack("{s:s, s:o}", "description",
				     "Refused: problem details (RFC 9457)", "content",
				     content_of(WR_PROBLEM_TYPE, reference));

	return json_pack("{s:{s:o}, s:{s:o}, s:o}", "schemas", "Problem", problem_schema(),
			 "responses", "Problem", response, "securitySchemes", security_schemes());
}

json_t *wr_openapi_document(const struct wr_operation *const *tables, const char *version)
{
	return json_pack("{s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:o}", "openapi",
			 "3.1.0", "info", "title", "Warren", "version", version, "license", "name",
			 "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", WR_API_PREFIX,
			 "paths", paths_of(tables), "components", components());
}
