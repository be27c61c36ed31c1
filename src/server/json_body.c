#include "server/json_body.h"

#include <stdio.h>
#include <string.h>

#include "server/check.h"
#include "server/check_value.h"

/* Counts what a parser would allocate for, before it does: levels and values. */
struct extent {
	size_t depth, values;
};

static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : end;
}

static struct extent measure(struct wr_bytes body)
{
	struct extent extent = { 0, 1 };
	const uint8_t *at = body.data, *end = body.data + body.len;
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		if ((*at == '}' || *at == ']') && depth > 0)
			depth--;
		extent.values += *at == ',' || *at == '{' || *at == '[';
		extent.depth = depth > extent.depth ? depth : extent.depth;
		at++;
	}
	return extent;
}

static const char *words_for(enum json_error_code code)
{
	switch ((int)code) {
	case json_error_duplicate_key: return "the same name is there twice";
	case json_error_invalid_utf8: return "is not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key: return "the character U+0000 is not taken";
	case json_error_numeric_overflow: return "a number is too large";
	case json_error_premature_end_of_input: return "ends too early";
	case json_error_end_of_input_expected: return "goes on behind its end";
	case json_error_stack_overflow: return "goes too deep";
	default: return "is not JSON";
	}
}

/* jansson ends its text with the key that it has just read: near '"name"'. */
static void point_to_key(const json_error_t *error, char ret_pointer[WR_POINTER_LEN])
{
	const char *begin = strstr(error->text, "near '\"");
	size_t len;

	ret_pointer[0] = '\0';
	if (!begin)
		return;
	begin += strlen("near '\"");
	len = strcspn(begin, "\"\\");
	if (begin[len] == '"')
		wr_pointer_make("", begin, len, ret_pointer);
}

static void explain(const json_error_t *error, struct wr_problem *problem)
{
	enum json_error_code code = json_error_code(error);
	char pointer[WR_POINTER_LEN] = "";

	wr_problem_say(problem, 400, "not-json", "The body cannot be read as JSON.");
	if (code == json_error_duplicate_key)
		point_to_key(error, pointer);
	wr_problem_fault(problem, pointer, "line %d, column %d: %s", error->line, error->column,
			 words_for(code));
}

/* True, and a problem, if it is too much. */
static bool is_too_much(struct wr_bytes body, struct wr_problem *problem)
{
	struct extent extent = measure(body);

	if (extent.depth <= WR_CHECK_DEPTH && extent.values <= WR_CHECK_VALUES)
		return false;
	wr_problem_say(problem, 400, "not-json", "The body cannot be read as JSON.");
	if (extent.depth > WR_CHECK_DEPTH)
		wr_problem_fault(problem, "", "goes deeper than %d levels", WR_CHECK_DEPTH);
	else
		wr_problem_fault(problem, "", "has more than %d values", WR_CHECK_VALUES);
	return true;
}

json_t *wr_json_body_read(struct wr_bytes body, struct wr_problem *problem)
{
	json_error_t error;
	json_t *document;

	if (is_too_much(body, problem))
		return NULL;
	document = json_loadb((const char *)body.data, body.len,
			      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!document) {
		explain(&error, problem);
		return NULL;
	}
	if (json_is_object(document))
		return document;
	json_decref(document);
	wr_problem_say(problem, 400, "not-json", "The body has to be a JSON object.");
	wr_problem_fault(problem, "", "is not an object");
	return NULL;
}
