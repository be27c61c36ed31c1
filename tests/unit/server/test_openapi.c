/* The API's description: the whole table is in it, and it is a document by its own rules. */
#include <ctype.h>

#include "server/check.h"
#include "server/openapi.h"
#include "server/problem.h"
#include "server/router.h"
#include "unit.h"

#define BEGIN "<!-- made by script/api -->\n"
#define END "<!-- made until here -->\n"

static json_t *document;

static int make_document(void **state)
{
	(void)state;
	document = wr_openapi_document(wr_operation_tables, "1.2.3");
	return document ? 0 : -1;
}

static int free_document(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

/* What a reference inside of the document ("#/a/b") stands for. */
static json_t *resolve(const char *reference)
{
	json_t *at = document;
	char *text = strdup(reference + 1), *left = text, *word;

	assert_true(reference[0] == '#' && reference[1] == '/');
	word = strsep(&left, "/");
	while (left && at) {
		word = strsep(&left, "/");
		at = json_object_get(at, word);
	}
	free(text);
	return at;
}

static void check_references(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, member) check_references(member);
		return;
	}
	json_object_foreach(value, name, member)
	{
		if (strcmp(name, "$ref") == 0 && !resolve(json_string_value(member)))
			fail_msg("nothing is at %s", json_string_value(member));
		check_references(member);
	}
}

static void test_openapi_resolves_its_references(void **state)
{
	(void)state;
	check_references(document);
	assert_non_null(resolve("#/components/schemas/Problem/properties/faults"));
}

static json_t *described(const struct wr_operation *operation)
{
	json_t *path = json_object_get(json_object_get(document, "paths"), operation->path);
	const char *method = wr_method_text(operation->method);
	char name[16] = "";

	for (size_t i = 0; method[i]; i++)
		name[i] = (char)tolower((unsigned char)method[i]);
	return json_object_get(path, name);
}

/* Each brace of a path is a parameter that has to be there. */
static void check_path_parameters(const struct wr_operation *operation, json_t *parameters)
{
	const char *names[WR_PATH_VALUES];
	size_t lens[WR_PATH_VALUES];
	unsigned count = wr_router_names(operation->path, names, lens), found = 0;
	json_t *parameter;
	size_t i;

	json_array_foreach(parameters, i, parameter)
	{
		const char *where = json_string_value(json_object_get(parameter, "in"));

		assert_non_null(json_object_get(parameter, "schema"));
		if (strcmp(where, "path") != 0)
			continue;
		assert_true(json_is_true(json_object_get(parameter, "required")));
		found++;
	}
	assert_int_equal(found, count);
}

static void check_operation(const struct wr_operation *operation)
{
	json_t *object = described(operation), *responses;
	char status[12];

	if (!object)
		fail_msg("%s is not described", operation->id);
	assert_string_equal(json_string_value(json_object_get(object, "operationId")),
			    operation->id);
	snprintf(status, sizeof(status), "%u", operation->status);
	responses = json_object_get(object, "responses");
	assert_non_null(json_object_get(json_object_get(responses, status), "description"));
	assert_non_null(json_object_get(responses, "default"));
	assert_true(!operation->body == !json_object_get(object, "requestBody"));
	check_path_parameters(operation, json_object_get(object, "parameters"));
}

static void test_openapi_has_each_operation(void **state)
{
	size_t count = 0, described_count = 0;
	const char *path, *method;
	json_t *methods, *object;

	(void)state;
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++, count++)
			check_operation(at);
	}
	json_object_foreach(json_object_get(document, "paths"), path, methods)
		json_object_foreach(methods, method, object) described_count++;
	assert_int_equal(count, described_count);
	assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
}

/* --- The tables themselves. --- */
static void check_fields(const struct wr_operation *operation, const struct wr_field *fields,
			 bool is_input)
{
	for (const struct wr_field *at = fields; at && at->name; at++) {
		bool has_choices = at->kind == WR_KIND_CHOICE;

		if (has_choices && !at->choices)
			fail_msg("%s: %s has no choices", operation->id, at->name);
		if (is_input && (at->kind == WR_KIND_LIST || at->kind == WR_KIND_ANY))
			fail_msg("%s: %s cannot come in", operation->id, at->name);
		for (const struct wr_field *other = fields; other < at; other++) {
			if (strcmp(other->name, at->name) == 0)
				fail_msg("%s: %s is there twice", operation->id, at->name);
		}
		if (at->kind == WR_KIND_OBJECT || at->kind == WR_KIND_LIST)
			check_fields(operation, at->fields, is_input);
	}
}

static void check_entry(const struct wr_operation *operation)
{
	bool has_org = strncmp(operation->path, "/orgs/{org}", 11) == 0;
	bool has_role = operation->access >= WR_ACCESS_VIEWER &&
			operation->access <= WR_ACCESS_OWNER;

	if (!operation->summary || !operation->status || !operation->run == !operation->serve)
		fail_msg("%s lacks something", operation->id);
	if (has_role && !has_org)
		fail_msg("%s asks for a role without an organisation", operation->id);
	if (operation->method == WR_HTTP_GET && operation->is_change)
		fail_msg("%s changes something with GET", operation->id);
	if (wr_status_phrase(operation->status)[0] == 'R')
		fail_msg("%s: %u has no name", operation->id, operation->status);
	check_fields(operation, operation->query, true);
	check_fields(operation, operation->body, true);
	check_fields(operation, operation->result, false);
}

static void test_openapi_tables_are_whole(void **state)
{
	const struct wr_operation *all[200];
	size_t count = 0;

	(void)state;
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++) {
			check_entry(at);
			for (size_t i = 0; i < count; i++) {
				assert_string_not_equal(all[i]->id, at->id);
				assert_false(all[i]->method == at->method &&
					     strcmp(all[i]->path, at->path) == 0);
			}
			assert_true(count < WR_ARRAY_LEN(all));
			all[count++] = at;
		}
	}
}

/* --- docs/api.md --- */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!file)
		fail_msg("there is no %s", path);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void test_openapi_list_is_in_the_documentation(void **state)
{
	char *text = read_file(SOURCE "/docs/api.md");
	char *list = wr_openapi_list(wr_operation_tables);
	char *begin = strstr(text, BEGIN), *end = strstr(text, END);

	(void)state;
	assert_non_null(begin);
	assert_non_null(end);
	begin += strlen(BEGIN);
	*end = '\0';
	if (strcmp(begin, list) != 0)
		fail_msg("docs/api.md differs from the tables of operations: run script/api");
	free(list);
	free(text);
}

/* As script/api wants it. */
static int print_list(void)
{
	char *list = wr_openapi_list(wr_operation_tables);

	if (!list)
		return 1;
	fputs(list, stdout);
	free(list);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openapi_resolves_its_references),
		cmocka_unit_test(test_openapi_has_each_operation),
		cmocka_unit_test(test_openapi_tables_are_whole),
		cmocka_unit_test(test_openapi_list_is_in_the_documentation),
	};

	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return print_list();
	return cmocka_run_group_tests_name("openapi", tests, make_document, free_document);
}
