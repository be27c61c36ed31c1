#include "server/openapi_schema.h"

#include "server/check_value.h"

static json_t *typed(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

static json_t *formatted(const char *format)
{
	return json_pack("{s:s, s:s}", "type", "string", "format", format);
}

static json_t *patterned(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static void set_new(json_t *schema, const char *name, json_t *value)
{
	json_object_set_new(schema, name, value);
}

static json_t *text_schema(const struct wr_field *field, bool is_input)
{
	json_t *schema = typed("string");

	if (is_input) {
		set_new(schema, "minLength", json_integer(field->min));
		set_new(schema, "maxLength", json_integer(wr_check_max(field)));
	}
	if (field->kind == WR_KIND_PASSWORD) {
		set_new(schema, "format", json_string("password"));
		if (is_input)
			set_new(schema, "writeOnly", json_true());
	}
	return schema;
}

static json_t *name_schema(void)
{
	return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength", 63);
}

static json_t *number_schema(const struct wr_field *field, bool is_input)
{
	json_t *schema = typed("integer");

	set_new(schema, "format", json_string("int64"));
	if (is_input && (field->min != 0 || field->max != 0)) {
		set_new(schema, "minimum", json_integer(field->min));
		set_new(schema, "maximum", json_integer(field->max));
	}
	return schema;
}

static json_t *choice_schema(const struct wr_field *field)
{
	json_t *words = json_array();

	for (const char *const *at = field->choices; at && *at; at++)
		json_array_append_new(words, json_string(*at));
	return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

static json_t *list_schema(const struct wr_field *field, json_t *item, bool is_input)
{
	json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", item);

	if (is_input) {
		set_new(schema, "maxItems", json_integer(wr_check_max(field)));
		set_new(schema, "uniqueItems", json_true());
	}
	return schema;
}

#define LABEL "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
#define TAG "^[a-z0-9_-]{1,63}$"
#define KEY "^[A-Za-z0-9+/]{43}=$"
#define SPAN "^[0-9]+[smhd]$"

static json_t *schema_of_kind(const struct wr_field *field, bool is_input)
{
	switch (field->kind) {
	case WR_KIND_TEXT:
	case WR_KIND_PASSWORD:
	case WR_KIND_LONG_TEXT: return text_schema(field, is_input);
	case WR_KIND_NUMBER: return number_schema(field, is_input);
	case WR_KIND_FLAG: return typed("boolean");
	case WR_KIND_CHOICE: return choice_schema(field);
	case WR_KIND_TIME: return formatted("date-time");
	case WR_KIND_SPAN: return patterned(SPAN);
	case WR_KIND_NAME: return name_schema();
	case WR_KIND_LABEL: return patterned(LABEL);
	case WR_KIND_TAG: return patterned(TAG);
	case WR_KIND_KEY: return patterned(KEY);
	case WR_KIND_IP:
	case WR_KIND_PREFIX:
	case WR_KIND_ENDPOINT: return typed("string");
	case WR_KIND_TAGS: return list_schema(field, patterned(TAG), is_input);
	case WR_KIND_PREFIXES: return list_schema(field, typed("string"), is_input);
	case WR_KIND_OBJECT: return wr_schema_of_fields(field->fields, is_input);
	case WR_KIND_LIST:
		return list_schema(field, wr_schema_of_fields(field->fields, false), false);
	case WR_KIND_ANY: break;
	}
	return json_object();
}

/* In JSON Schema null is a type like others. */
static void allow_null(json_t *schema)
{
	json_t *type = json_object_get(schema, "type"), *words = json_object_get(schema, "enum");

	if (type)
		set_new(schema, "type", json_pack("[O, s]", type, "null"));
	if (words)
		json_array_append_new(words, json_null());
}

json_t *wr_schema_of_field(const struct wr_field *field, bool is_input)
{
	json_t *schema = schema_of_kind(field, is_input);

	if (field->can_be_null)
		allow_null(schema);
	if (field->help)
		set_new(schema, "description", json_string(field->help));
	return schema;
}

json_t *wr_schema_of_fields(const struct wr_field *fields, bool is_input)
{
	json_t *schema = typed("object"), *members = json_object(), *required = json_array();

	for (; fields && fields->name; fields++) {
		set_new(members, fields->name, wr_schema_of_field(fields, is_input));
		if (fields->is_required)
			json_array_append_new(required, json_string(fields->name));
	}
	set_new(schema, "properties", members);
	if (json_array_size(required) > 0)
		set_new(schema, "required", json_incref(required));
	json_decref(required);
	if (is_input)
		set_new(schema, "additionalProperties", json_false());
	return schema;
}
