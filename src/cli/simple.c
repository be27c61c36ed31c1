#include "cli/simple.h"

#include <string.h>

static int open_scope(const struct wr_arguments *arguments, enum wr_scope scope, struct wr_api *api)
{
	return scope == WR_SCOPE_ORG ? wr_api_open_org(arguments, api)
				     : wr_api_open(arguments, api);
}

static char *fill(const struct wr_api *api, enum wr_scope scope, const char *shape)
{
	const char *const *operands = api->arguments->operands;

	if (scope == WR_SCOPE_ORG)
		return wr_api_path(shape, api->org, operands[0], operands[1]);
	return wr_api_path(shape, operands[0], operands[1]);
}

int wr_simple_list(const struct wr_arguments *arguments, enum wr_scope scope, const char *shape,
		   const struct wr_column *columns, size_t count)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *items = NULL;
	struct wr_table table = wr_table_of(columns, count);
	int status = open_scope(arguments, scope, &api);

	if (status == WR_EXIT_DONE)
		status = wr_api_list(&api, fill(&api, scope, shape), 0, &items);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(items);
	else
		wr_table_print(&table, items, stdout);
	return WR_EXIT_DONE;
}

int wr_simple_ask(const struct wr_arguments *arguments, enum wr_scope scope, const char *method,
		  const char *shape, json_t *body, json_t **ret_result)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *taken = body;
	int status = open_scope(arguments, scope, &api);

	if (status != WR_EXIT_DONE)
		return status;
	return wr_api_call(&api, method, fill(&api, scope, shape), WR_TAKE(taken), ret_result);
}

int wr_simple_call(const struct wr_arguments *arguments, enum wr_scope scope, const char *method,
		   const char *shape, json_t *body)
{
	return wr_simple_ask(arguments, scope, method, shape, body, NULL);
}

int wr_simple_show(const struct wr_arguments *arguments, enum wr_scope scope, const char *shape,
		   const struct wr_column *columns, size_t count)
{
	WR_AUTO(wr_json_freep) json_t *object = NULL;
	struct wr_table table = wr_table_of(columns, count);
	int status = wr_simple_ask(arguments, scope, "GET", shape, NULL, &object);

	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(object);
	else
		wr_table_print_one(&table, object, stdout);
	return WR_EXIT_DONE;
}
