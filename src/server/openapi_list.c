/* The list of operations in docs/api.md. */
#include <stdio.h>
#include <stdlib.h>

#include "server/check.h"
#include "server/openapi.h"
#include "server/router.h"

static void write_fields(FILE *to, const struct wr_field *fields, bool is_input)
{
	const char *between = "";

	for (; fields && fields->name; fields++) {
		bool is_optional = is_input && !fields->is_required;

		fprintf(to, "%s`%s`%s", between, fields->name, is_optional ? "?" : "");
		between = " ";
	}
}

static void write_input(FILE *to, const struct wr_operation *operation)
{
	if (operation->query || operation->is_paged)
		fprintf(to, "query: ");
	write_fields(to, operation->query, true);
	if (operation->is_paged) {
		fputs(operation->query ? " " : "", to);
		write_fields(to, wr_paging_fields, true);
	}
	if (operation->body && (operation->query || operation->is_paged))
		fprintf(to, "; ");
	write_fields(to, operation->body, true);
	if (operation->needs_match)
		fprintf(to, " (If-Match)");
}

/* The first operation that answers with the same fields. */
static const struct wr_operation *find_same(const struct wr_operation *const *tables,
					    const struct wr_field *result)
{
	for (; *tables; tables++) {
		for (const struct wr_operation *at = *tables; at->id; at++) {
			if (at->result == result)
				return at;
		}
	}
	return NULL;
}

static void write_result(FILE *to, const struct wr_operation *const *tables,
			 const struct wr_operation *operation)
{
	const struct wr_operation *same = find_same(tables, operation->result);

	fprintf(to, "%u%s", operation->status, operation->is_paged ? ", a page of" : "");
	if (operation->result && same != operation) {
		fprintf(to, ", as `%s %s`", wr_method_text(same->method), same->path);
		return;
	}
	fputs(operation->result ? " " : "", to);
	write_fields(to, operation->result, false);
}

static void write_row(FILE *to, const struct wr_operation *const *tables,
		      const struct wr_operation *operation)
{
	fprintf(to, "| `%s %s` | %s | %s | ", wr_method_text(operation->method), operation->path,
		wr_access_text(operation->access), operation->summary);
	write_input(to, operation);
	fprintf(to, " | ");
	write_result(to, tables, operation);
	fprintf(to, " |\n");
}

char *wr_openapi_list(const struct wr_operation *const *tables)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	fprintf(to, "| operation | who | what | takes | answers |\n|---|---|---|---|---|\n");
	for (const struct wr_operation *const *table = tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++)
			write_row(to, tables, at);
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}
