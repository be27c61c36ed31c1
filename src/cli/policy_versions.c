/* Verbs of the policy's history. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/rulebook.h"
#include "cli/simple.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_column listed[] = {
	{ "VERSION", "version", WR_LOOK_NUMBER },
	{ "SAVED", "created", WR_LOOK_TIME },
	{ "BY", "creator", WR_LOOK_TEXT },
	{ "COMMENT", "comment", WR_LOOK_TEXT },
};

static const struct wr_option options[] = { WR_POLICY_OPTIONS };

static int run_history(const struct wr_arguments *arguments)
{
	if (wr_rulebook_refuses_mesh(arguments))
		return WR_EXIT_FAILED;
	return wr_simple_list(arguments, WR_SCOPE_ORG, "/orgs/{}/policy/versions", listed,
			      WR_ARRAY_LEN(listed));
}

const struct wr_verb wr_verb_policy_history = {
	.group = "policy",
	.name = "history",
	.summary = "all versions that were saved",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_history,
};

/* --- warren policy diff --- */

static const char *line_colour(char first)
{
	switch (first) {
	case '+': return "\033[32m";
	case '-': return "\033[31m";
	case '@': return "\033[36m";
	default: return NULL;
	}
}

static void print_diff(const char *text)
{
	bool has_colour = wr_terminal_has_colour(stdout);

	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *colour = has_colour ? line_colour(*text) : NULL;

		printf("%s%.*s%s\n", colour ? colour : "", (int)len, text, colour ? "\033[0m" : "");
		text += len + (text[len] == '\n');
	}
}

/* Versions are numbered one after another. Without operands: what the last save changed. */
static int find_versions(struct wr_rulebook *book, const char **from, const char **to,
			 char before[24], char now[24])
{
	const struct wr_arguments *arguments = book->arguments;
	WR_AUTO(wr_json_freep) json_t *policy = NULL;
	json_int_t version;
	int status;

	*from = arguments->operand_count > 0 ? arguments->operands[0] : before;
	*to = arguments->operand_count > 1 ? arguments->operands[1] : now;
	if (arguments->operand_count > 1)
		return WR_EXIT_DONE;
	status = wr_rulebook_get(book, &policy);
	if (status != WR_EXIT_DONE)
		return status;
	version = json_integer_value(json_object_get(policy, "version"));
	snprintf(now, 24, "%" JSON_INTEGER_FORMAT, version);
	snprintf(before, 24, "%" JSON_INTEGER_FORMAT, version - 1);
	if (*from == before && version < 2)
		return wr_complain(arguments, "there is one version only");
	return WR_EXIT_DONE;
}

static int run_diff(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	char before[24], now[24];
	const char *from, *to, *text;
	char *path;
	int status;

	if (wr_rulebook_refuses_mesh(arguments))
		return WR_EXIT_FAILED;
	status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = find_versions(&book, &from, &to, before, now);
	if (status != WR_EXIT_DONE)
		return status;
	path = wr_api_path("/orgs/{}/policy/diff", book.api.org);
	wr_api_query(&path, "from", from);
	wr_api_query(&path, "to", to);
	status = wr_api_call(&book.api, "GET", path, NULL, &result);
	if (status != WR_EXIT_DONE)
		return status;
	text = wr_json_text(result, "text");
	if (wr_is_given(arguments, "json"))
		wr_api_print(result);
	else
		print_diff(text ? text : "");
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_policy_diff = {
	.group = "policy",
	.name = "diff",
	.summary = "what changed between versions; at the last save, if none is named",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "[FROM [TO]]",
	.max_operands = 2,
	.run = run_diff,
};

/* --- warren policy revert --- */

static int run_revert(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *saved = NULL;
	const char *text = arguments->operands[0];
	uint64_t version;
	int status;

	if (!wr_number_parse(text, strlen(text), INT32_MAX, &version))
		return wr_misuse(arguments, "a version is a number, not %s", text);
	if (wr_rulebook_refuses_mesh(arguments))
		return WR_EXIT_FAILED;
	status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = wr_api_call(&book.api, "POST",
				     wr_api_path("/orgs/{}/policy/revert", book.api.org),
				     json_pack("{s:I}", "version", (json_int_t)version), &saved);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(saved);
	else
		wr_rulebook_tell(&book, saved);
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_policy_revert = {
	.group = "policy",
	.name = "revert",
	.summary = "put an earlier version in force again",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "VERSION",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_revert,
};
