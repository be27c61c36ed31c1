#include "server/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "server/check_value.h"
#include "server/format.h"
#include "server/json_body.h"

const struct wr_field wr_paging_fields[] = {
	{ .name = "limit",
	  .kind = WR_KIND_NUMBER,
	  .min = 1,
	  .max = 500,
	  .help = "How many at most; 100 if not given" },
	{ .name = "cursor",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 64,
	  .help = "What `next` of the page before said" },
	{ 0 },
};

static const struct wr_field *find_field(const struct wr_field *fields, const char *name,
					 size_t len)
{
	for (; fields && fields->name; fields++) {
		if (strlen(fields->name) == len && memcmp(fields->name, name, len) == 0)
			return fields;
	}
	return NULL;
}

/* "name, label, tags" */
static void list_names(const struct wr_field *fields, char *text, size_t room)
{
	size_t len = 0;

	snprintf(text, room, "nothing");
	for (; fields && fields->name && len < room; fields++)
		len += (size_t)snprintf(text + len, room - len, "%s%s", len ? ", " : "",
					fields->name);
}

static void add_unknown(struct wr_problem *problem, const char *pointer,
			const struct wr_field *fields)
{
	char names[400];

	list_names(fields, names, sizeof(names));
	wr_problem_fault(problem, pointer, "is not known here; known are: %s", names);
}

/* --- The body. --- */
static void check_members(const struct wr_field *fields, json_t *object, const char *at,
			  struct wr_problem *problem);

static void check_member(const struct wr_field *field, json_t *value, const char *pointer,
			 struct wr_problem *problem)
{
	if (json_is_null(value) && field->can_be_null)
		return;
	if (field->kind == WR_KIND_OBJECT && json_is_object(value))
		check_members(field->fields, value, pointer, problem);
	else
		wr_check_value(field, value, pointer, problem);
}

static void check_required(const struct wr_field *fields, json_t *object, const char *at,
			   struct wr_problem *problem)
{
	char pointer[WR_POINTER_LEN];

	for (; fields && fields->name; fields++) {
		if (!fields->is_required || json_object_get(object, fields->name))
			continue;
		wr_pointer_make(at, fields->name, strlen(fields->name), pointer);
		wr_problem_fault(problem, pointer, "is missing");
	}
}

static void check_members(const struct wr_field *fields, json_t *object, const char *at,
			  struct wr_problem *problem)
{
	char pointer[WR_POINTER_LEN];
	const char *name;
	json_t *value;
	size_t len;

	json_object_keylen_foreach(object, name, len, value)
	{
		const struct wr_field *field = find_field(fields, name, len);

		wr_pointer_make(at, name, len, pointer);
		if (field)
			check_member(field, value, pointer, problem);
		else
			add_unknown(problem, pointer, fields);
	}
	check_required(fields, object, at, problem);
}

static bool has_long_text(const struct wr_field *fields)
{
	for (; fields && fields->name; fields++) {
		if (fields->kind == WR_KIND_LONG_TEXT)
			return true;
	}
	return false;
}

size_t wr_check_body_max(const struct wr_operation *operation)
{
	return has_long_text(operation->body) ? WR_CHECK_LONG_BODY_MAX : WR_CHECK_BODY_MAX;
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	return content_type && strncasecmp(content_type, json, len) == 0 &&
	       (content_type[len] == '\0' || content_type[len] == ';' || content_type[len] == ' ');
}

/* Refuses before it is read as JSON. */
static bool is_refused(const struct wr_operation *operation, const char *content_type,
		       struct wr_bytes body, struct wr_problem *problem)
{
	if (!operation->body)
		wr_problem_say(problem, 422, "invalid", "This operation takes no body.");
	else if (body.len > wr_check_body_max(operation))
		wr_problem_say(problem, 413, "too-large", "The body is larger than %zu bytes.",
			       wr_check_body_max(operation));
	else if (!is_json(content_type))
		wr_problem_say(problem, 415, "not-json",
			       "The body has to be JSON, and Content-Type application/json.");
	return problem->status != 0;
}

json_t *wr_check_body(const struct wr_operation *operation, const char *content_type,
		      struct wr_bytes body, struct wr_problem *problem)
{
	json_t *object;

	if (body.len > 0 && is_refused(operation, content_type, body, problem))
		return NULL;
	object = body.len > 0 ? wr_json_body_read(body, problem) : json_object();
	if (object)
		check_members(operation->body, object, "", problem);
	if (!object || problem->status == 0)
		return object;
	json_decref(object);
	return NULL;
}

/* --- The query. --- */
static const struct wr_field *find_parameter(const struct wr_operation *operation, const char *name)
{
	size_t len = strlen(name);
	const struct wr_field *field = find_field(operation->query, name, len);

	return field || !operation->is_paged ? field : find_field(wr_paging_fields, name, len);
}

static void check_parameter(const struct wr_operation *operation, const char *name,
			    const char *text, json_t *object, struct wr_problem *problem)
{
	const struct wr_field *field = find_parameter(operation, name);
	char pointer[WR_POINTER_LEN];
	json_t *value;

	wr_pointer_of_query(name, pointer);
	if (!field) {
		add_unknown(problem, pointer,
			    operation->query      ? operation->query
			    : operation->is_paged ? wr_paging_fields
						  : NULL);
		return;
	}
	if (json_object_get(object, name)) {
		wr_problem_fault(problem, pointer, "is there twice");
		return;
	}
	value = wr_check_from_text(field, text, pointer, problem);
	if (value)
		json_object_set_new(object, name, value);
}

static void plus_to_space(char *text)
{
	while ((text = strchr(text, '+')) != NULL)
		*text = ' ';
}

/* One "name=value", decoded in place. */
static void check_pair(const struct wr_operation *operation, char *pair, json_t *object,
		       struct wr_problem *problem)
{
	char *value = pair + strcspn(pair, "=");

	if (*value)
		*value++ = '\0';
	plus_to_space(pair);
	plus_to_space(value);
	if (!wr_http_unescape(pair) || !wr_http_unescape(value) ||
	    !wr_format_is_text(pair, strlen(pair)) || !wr_format_is_text(value, strlen(value)))
		wr_problem_fault(problem, "?", "percent-encoding or UTF-8 is wrong");
	else
		check_parameter(operation, pair, value, object, problem);
}

static void check_pairs(const struct wr_operation *operation, char *query, json_t *object,
			struct wr_problem *problem)
{
	unsigned count = 0;
	char *pair;

	while ((pair = strsep(&query, "&")) != NULL) {
		if (++count > WR_CHECK_PARAMETERS) {
			wr_problem_fault(problem, "?", "has more than %d parameters",
					 WR_CHECK_PARAMETERS);
			return;
		}
		if (*pair)
			check_pair(operation, pair, object, problem);
	}
}

static void check_required_parameters(const struct wr_operation *operation, json_t *object,
				      struct wr_problem *problem)
{
	char pointer[WR_POINTER_LEN];

	for (const struct wr_field *at = operation->query; at && at->name; at++) {
		if (!at->is_required || json_object_get(object, at->name))
			continue;
		wr_pointer_of_query(at->name, pointer);
		wr_problem_fault(problem, pointer, "is missing");
	}
}

static void check_cursor(json_t *object, struct wr_problem *problem)
{
	const char *cursor = json_string_value(json_object_get(object, "cursor"));
	uint64_t row;

	if (cursor && !wr_number_parse(cursor, strlen(cursor), INT64_MAX, &row))
		wr_problem_fault(problem, "?cursor", "is not what `next` of a page said");
}

json_t *wr_check_query(const struct wr_operation *operation, const char *query,
		       struct wr_problem *problem)
{
	json_t *object = json_object();
	char *text = strdup(query);

	if (object && text) {
		check_pairs(operation, text, object, problem);
		check_required_parameters(operation, object, problem);
		if (operation->is_paged)
			check_cursor(object, problem);
	} else {
		wr_problem_say(problem, 503, "memory", "The server is short of memory.");
	}
	free(text);
	if (problem->status == 0)
		return object;
	json_decref(object);
	return NULL;
}
