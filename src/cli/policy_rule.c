/* Verbs of single rules: a line put into the policy, and which line decides. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/policy_text.h"
#include "cli/rulebook.h"
#include "cli/verbs.h"
#include "linux/files.h"

/* Somebody else saves at the same time: a line goes into their text as well. */
#define ATTEMPTS 10
#define HTTP_PRECONDITION_FAILED 412

static const struct wr_option rule_options[] = {
	WR_POLICY_OPTIONS,
	{ 0, "first", "before all other rules, not behind them" },
	{ 'm', "comment", "what for, for the history", "TEXT" },
};

/* Puts the changed text in force, unless somebody saved in between: then *ret_is_saved is
 * false, and nothing was done. */
static int save(struct wr_rulebook *book, const char *text, bool *ret_is_saved)
{
	const struct wr_arguments *arguments = book->arguments;
	WR_AUTO(wr_json_freep) json_t *saved = NULL;
	char etag[sizeof(book->etag)];
	int status;

	memcpy(etag, book->etag, sizeof(etag));
	status = wr_rulebook_put(book, text, wr_value_of(arguments, "comment"), *etag ? etag : NULL,
				 &saved);
	if (status != WR_EXIT_DONE)
		return status;
	*ret_is_saved = book->status != HTTP_PRECONDITION_FAILED;
	if (!*ret_is_saved)
		return WR_EXIT_DONE;
	if (book->status >= 400)
		return wr_rulebook_refused(book, saved);
	if (wr_is_given(arguments, "json"))
		wr_api_print(saved);
	else
		wr_rulebook_tell(book, saved);
	return WR_EXIT_DONE;
}

/* One attempt. */
static int insert_once(struct wr_rulebook *book, const char *action, const char *rule,
		       bool *ret_is_saved)
{
	enum wr_rule_place place = wr_is_given(book->arguments, "first") ? WR_RULE_FIRST
									 : WR_RULE_LAST;
	WR_AUTO(wr_json_freep) json_t *before = NULL;
	WR_AUTO(wr_text_freep) char *after = NULL;
	const char *text;
	int status = wr_rulebook_get(book, &before);

	if (status != WR_EXIT_DONE)
		return status;
	text = wr_json_text(before, "text");
	after = wr_rule_insert(text ? text : "", action, rule, place);
	if (after)
		return save(book, after, ret_is_saved);
	*ret_is_saved = true;
	fprintf(stderr, "policy of %s: this line is there already\n", book->of);
	return WR_EXIT_DONE;
}

static int insert(const struct wr_arguments *arguments, const char *action)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_text_freep)
	char *rule = wr_rule_join(arguments->operands, arguments->operand_count);
	bool is_saved = false;
	int status;

	if (!rule)
		return wr_misuse(arguments,
				 "a rule is: FROM '->' TO [tcp|udp|icmp [PORTS]]; the shell "
				 "needs the quotes, or say \"to\"");
	status = wr_rulebook_open(arguments, &book);
	for (int i = 0; i < ATTEMPTS && status == WR_EXIT_DONE && !is_saved; i++)
		status = insert_once(&book, action, rule, &is_saved);
	if (status == WR_EXIT_DONE && !is_saved)
		return wr_complain(arguments, "others save all the time: try again");
	return status;
}

static int run_allow(const struct wr_arguments *arguments)
{
	return insert(arguments, "allow");
}

static int run_deny(const struct wr_arguments *arguments)
{
	return insert(arguments, "deny");
}

#define RULE_ABOUT \
	"FROM and TO are names of machines, tag:NAME, groups, ranges, or '*'. The line\n" \
	"goes behind the other rules, of which the first that fits decides; where a line\n" \
	"says the contrary of the very same rule, it takes its place.\n"

const struct wr_verb wr_verb_policy_allow = {
	.group = "policy",
	.name = "allow",
	.summary = "put an allow line into the policy",
	.usage = "  warren policy allow [OPTION]... FROM to TO [tcp|udp|icmp [PORTS]]\n"
		 "  warren policy allow [OPTION]... 'FROM -> TO tcp 22,80'",
	.about = RULE_ABOUT,
	.options = rule_options,
	.option_count = WR_ARRAY_LEN(rule_options),
	.operand = "RULE",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_allow,
};

const struct wr_verb wr_verb_policy_deny = {
	.group = "policy",
	.name = "deny",
	.summary = "put a deny line into the policy",
	.usage = "  warren policy deny [OPTION]... FROM to TO [tcp|udp|icmp [PORTS]]\n"
		 "  warren policy deny [OPTION]... 'FROM -> TO tcp 22,80'",
	.about = RULE_ABOUT,
	.options = rule_options,
	.option_count = WR_ARRAY_LEN(rule_options),
	.operand = "RULE",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_deny,
};

/* --- warren policy why --- */

static const struct wr_option why_options[] = { WR_POLICY_OPTIONS };

/* FROM [->] TO [PROTOCOL [PORT]]; NULL, told, where it is something else. */
static json_t *read_question(const struct wr_arguments *arguments)
{
	const char *words[WR_MAX_OPERANDS];
	unsigned count = 0;
	uint64_t port = 0;
	json_t *question;

	for (unsigned i = 0; i < arguments->operand_count; i++) {
		const char *word = arguments->operands[i];
		bool is_arrow = i == 1 && arguments->operand_count > 2 &&
				(strcmp(word, "->") == 0 || strcmp(word, "to") == 0);

		if (!is_arrow)
			words[count++] = word;
	}
	if (count < 2 || count > 4 ||
	    (count == 4 && !wr_number_parse(words[3], strlen(words[3]), 65535, &port))) {
		wr_misuse(arguments, "a question is: FROM TO [tcp|udp|icmp [PORT]]");
		return NULL;
	}
	question = json_pack("{s:s, s:s, s:s}", "from", words[0], "to", words[1], "protocol",
			     count > 2 ? words[2] : "icmp");
	if (count == 4)
		json_object_set_new(question, "port", json_integer((json_int_t)port));
	return question;
}

static void print_answer(const json_t *answer)
{
	bool is_allowed = json_is_true(json_object_get(answer, "is_allowed"));
	json_int_t line = json_integer_value(json_object_get(answer, "line"));
	const char *rule = wr_json_text(answer, "rule");

	printf("%s", is_allowed ? "allowed" : "denied");
	if (line > 0)
		printf(" by line %" JSON_INTEGER_FORMAT "%s%s\n", line, rule && *rule ? ": " : "",
		       rule ? rule : "");
	else
		printf(" by the default: no line says otherwise\n");
}

static int ask_why(struct wr_rulebook *book, json_t *question, json_t **ret_answer)
{
	if (book->is_mesh)
		return wr_rulebook_why(book, question, ret_answer);
	return wr_api_call(&book->api, "POST", wr_api_path("/orgs/{}/policy/why", book->api.org),
			   json_incref(question), ret_answer);
}

static int run_why(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *question = read_question(arguments);
	WR_AUTO(wr_json_freep) json_t *answer = NULL;
	int status;

	if (!question)
		return WR_EXIT_USAGE;
	status = wr_rulebook_open(arguments, &book);
	if (status == WR_EXIT_DONE)
		status = ask_why(&book, question, &answer);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(answer);
	else
		print_answer(answer);
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_policy_why = {
	.group = "policy",
	.name = "why",
	.summary = "the line that decides who may open what to whom",
	.usage = "  warren policy why [OPTION]... FROM TO [tcp|udp|icmp [PORT]]",
	.about = "FROM and TO are machines. Without a protocol it is about ping.\n",
	.options = why_options,
	.option_count = WR_ARRAY_LEN(why_options),
	.operand = "FROM TO",
	.min_operands = 2,
	.max_operands = 5,
	.run = run_why,
};
