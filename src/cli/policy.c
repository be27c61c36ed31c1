/* Verbs of the policy: the group, and those that read, check and replace it whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rulebook.h"
#include "cli/verbs.h"
#include "linux/files.h"
#include "policy/policy.h"

/* --- warren policy show --- */

static const struct wr_option show_options[] = {
	WR_POLICY_OPTIONS,
	{ 0, "version", "as it was then", "N" },
};

static void print_policy(const struct wr_arguments *arguments, const json_t *policy, bool is_mesh)
{
	const char *text = wr_json_text(policy, "text");
	const char *fault = wr_json_text(policy, "fault");
	size_t len = text ? strlen(text) : 0;

	if (wr_is_given(arguments, "json")) {
		wr_api_print(policy);
		return;
	}
	fputs(text ? text : "", stdout);
	if (len > 0 && text[len - 1] != '\n')
		putchar('\n');
	if (is_mesh && !json_integer_value(json_object_get(policy, "version")))
		fputs("warren policy: there is none: all members may reach all\n", stderr);
	if (fault)
		fprintf(stderr, "warren policy: not in force, an earlier one is: %s\n", fault);
}

static int get(struct wr_rulebook *book, const char *version, json_t **ret_policy)
{
	if (!version)
		return wr_rulebook_get(book, ret_policy);
	return wr_api_call(&book->api, "GET",
			   wr_api_path("/orgs/{}/policy/versions/{}", book->api.org, version), NULL,
			   ret_policy);
}

static int run_show(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *policy = NULL;
	const char *version = wr_value_of(arguments, "version");
	int status;

	if (version && wr_rulebook_refuses_mesh(arguments))
		return WR_EXIT_FAILED;
	status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = get(&book, version, &policy);
	if (status == WR_EXIT_DONE)
		print_policy(arguments, policy, book.is_mesh);
	return status;
}

static const struct wr_verb show = {
	.group = "policy",
	.name = "show",
	.summary = "print the policy",
	.options = show_options,
	.option_count = WR_ARRAY_LEN(show_options),
	.run = run_show,
};

/* --- warren policy set --- */

static const struct wr_option set_options[] = {
	WR_POLICY_OPTIONS,
	{ 'm', "comment", "what changed, for the history", "TEXT" },
	{ 0, "base", "only if this is still the version in force", "N" },
};

static int read_text(const struct wr_arguments *arguments, char **ret_text)
{
	const char *path = arguments->operands[0];
	int status = wr_file_read(path, WR_POLICY_TEXT_MAX, ret_text);

	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot read %s: %s", path, strerror(-status));
}

static int run_set(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *saved = NULL;
	WR_AUTO(wr_text_freep) char *text = NULL;
	const char *base = wr_value_of(arguments, "base");
	WR_AUTO(wr_text_freep) char *match = base ? wr_text_new("\"%s\"", base) : NULL;
	int status = read_text(arguments, &text);

	if (status == WR_EXIT_DONE && base && wr_rulebook_refuses_mesh(arguments))
		return WR_EXIT_FAILED;
	if (status == WR_EXIT_DONE)
		status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = wr_rulebook_put(&book, text, wr_value_of(arguments, "comment"), match,
					 &saved);
	if (status == WR_EXIT_DONE && book.status >= 400)
		status = wr_rulebook_refused(&book, saved);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(saved);
	else
		wr_rulebook_tell(&book, saved);
	return WR_EXIT_DONE;
}

static const struct wr_verb set = {
	.group = "policy",
	.name = "set",
	.summary = "put a file's text in force; - is standard input",
	.about =
		"It is in force when this returns. One with faults, or whose tests do not hold,\n"
		"is refused and changes nothing. Of a mesh: on the founder's machine; all members\n"
		"hear of it. `warren policy check` runs the tests there.\n",
	.options = set_options,
	.option_count = WR_ARRAY_LEN(set_options),
	.operand = "FILE|-",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_set,
};

/* --- warren policy check --- */

static const struct wr_option check_options[] = { WR_POLICY_OPTIONS };

/* "acme.policy:7: reason", as compilers say it. */
static void print_faults(const char *path, const json_t *faults)
{
	json_t *fault;
	size_t i;

	json_array_foreach(faults, i, fault)
	{
		const char *reason = wr_json_text(fault, "reason");

		printf("%s:%" JSON_INTEGER_FORMAT ": %s\n", strcmp(path, "-") == 0 ? "input" : path,
		       json_integer_value(json_object_get(fault, "line")),
		       reason ? reason : "wrong");
	}
}

static int ask_check(struct wr_rulebook *book, const char *text, json_t **ret_result)
{
	json_t *body;

	if (book->is_mesh)
		return wr_rulebook_check(book, text, ret_result);
	body = json_pack("{s:s}", "text", text);
	if (!body)
		return wr_complain(book->arguments, "the policy is no UTF-8 text");
	return wr_api_call(&book->api, "POST", wr_api_path("/orgs/{}/policy/check", book->api.org),
			   body, ret_result);
}

static int run_check(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_text_freep) char *text = NULL;
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = read_text(arguments, &text);

	if (status == WR_EXIT_DONE)
		status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = ask_check(&book, text, &result);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(result);
	else
		print_faults(arguments->operands[0], json_object_get(result, "faults"));
	if (!json_is_true(json_object_get(result, "is_good")))
		return wr_complain(arguments, "it has faults, and would be refused");
	if (!wr_is_given(arguments, "json"))
		printf("no faults\n");
	return WR_EXIT_DONE;
}

static const struct wr_verb check = {
	.group = "policy",
	.name = "check",
	.summary = "look for faults in a text, and run its tests; changes nothing",
	.options = check_options,
	.option_count = WR_ARRAY_LEN(check_options),
	.operand = "FILE|-",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_check,
};

static const struct wr_verb *const subs[] = {
	&show,
	&set,
	&wr_verb_policy_edit,
	&check,
	&wr_verb_policy_why,
	&wr_verb_policy_allow,
	&wr_verb_policy_deny,
	&wr_verb_policy_history,
	&wr_verb_policy_diff,
	&wr_verb_policy_revert,
	NULL,
};

const struct wr_verb wr_verb_policy = {
	.name = "policy",
	.summary = "who may talk to whom: show, set, edit, why, allow, deny",
	.subs = subs,
};
