#include "server/check_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/number.h"
#include "server/format.h"
#include "server/names.h"

#define TEXT_MAX 255
#define LONG_TEXT_MAX (64 * 1024)
#define LIST_MAX 100

int64_t wr_check_max(const struct wr_field *field)
{
	if (field->max > 0)
		return field->max;
	if (field->kind == WR_KIND_LONG_TEXT)
		return LONG_TEXT_MAX;
	return field->kind == WR_KIND_TAGS || field->kind == WR_KIND_PREFIXES ? LIST_MAX : TEXT_MAX;
}

/* --- Texts. --- */
struct text {
	const char *at;
	size_t len;
};

static void check_points(const struct wr_field *field, struct text text, const char *pointer,
			 struct wr_problem *problem)
{
	int64_t len = (int64_t)wr_format_length(text.at, text.len);

	if (!wr_format_is_text(text.at, text.len))
		wr_problem_fault(problem, pointer, "has control characters");
	else if (len < field->min)
		wr_problem_fault(problem, pointer, "is too short: at least %" PRId64 " characters",
				 field->min);
	else if (len > wr_check_max(field))
		wr_problem_fault(problem, pointer, "is too long: at most %" PRId64 " characters",
				 wr_check_max(field));
}

static void check_long(const struct wr_field *field, struct text text, const char *pointer,
		       struct wr_problem *problem)
{
	if ((int64_t)text.len < field->min)
		wr_problem_fault(problem, pointer, "is too short: at least %" PRId64 " bytes",
				 field->min);
	else if ((int64_t)text.len > wr_check_max(field))
		wr_problem_fault(problem, pointer, "is too long: at most %" PRId64 " bytes",
				 wr_check_max(field));
	else if (!wr_format_is_long_text(text.at, text.len))
		wr_problem_fault(problem, pointer,
				 "has control characters other than tabs and line ends");
}

static void check_choice(const struct wr_field *field, struct text text, const char *pointer,
			 struct wr_problem *problem)
{
	char words[300] = "";
	size_t len = 0;

	for (const char *const *at = field->choices; *at; at++) {
		if (strlen(*at) == text.len && memcmp(*at, text.at, text.len) == 0)
			return;
		if (len < sizeof(words))
			len += (size_t)snprintf(words + len, sizeof(words) - len, "%s\"%s\"",
						len ? ", " : "", *at);
	}
	wr_problem_fault(problem, pointer, "is none of %s", words);
}

static void check_span(const struct wr_field *field, struct text text, const char *pointer,
		       struct wr_problem *problem)
{
	int64_t seconds;

	if (!wr_span_parse(text.at, text.len, &seconds))
		wr_problem_fault(problem, pointer,
				 "is no span of time such as \"90s\", \"15m\", \"1h\" or \"7d\"");
	else if (seconds < field->min || (field->max > 0 && seconds > field->max))
		wr_problem_fault(problem, pointer,
				 "is out of range: %" PRId64 " to %" PRId64 " seconds", field->min,
				 field->max);
}

static void check_name(struct text text, const char *pointer, struct wr_problem *problem)
{
	const char *fault = wr_name_fault(text.at, text.len);

	if (fault)
		wr_problem_fault(problem, pointer, "%s", fault);
}

static bool is_ip(struct text text)
{
	struct wr_ip ip;

	return wr_ip_parse(text.at, text.len, &ip);
}

static bool is_prefix(struct text text)
{
	struct wr_prefix prefix;

	return wr_prefix_parse(text.at, text.len, &prefix);
}

static bool is_time(struct text text)
{
	int64_t seconds;

	return wr_time_parse(text.at, text.len, &seconds);
}

static void demand(bool is_good, const char *pointer, const char *reason,
		   struct wr_problem *problem)
{
	if (!is_good)
		wr_problem_fault(problem, pointer, "%s", reason);
}

/* Of a kind that is a text in JSON. */
static void check_text(const struct wr_field *field, struct text text, const char *pointer,
		       struct wr_problem *problem)
{
	switch (field->kind) {
	case WR_KIND_TEXT:
	case WR_KIND_PASSWORD: check_points(field, text, pointer, problem); return;
	case WR_KIND_LONG_TEXT: check_long(field, text, pointer, problem); return;
	case WR_KIND_CHOICE: check_choice(field, text, pointer, problem); return;
	case WR_KIND_SPAN: check_span(field, text, pointer, problem); return;
	case WR_KIND_NAME: check_name(text, pointer, problem); return;
	case WR_KIND_TIME:
		demand(is_time(text), pointer, "is no time in UTC such as \"2026-01-31T12:00:00Z\"",
		       problem);
		return;
	case WR_KIND_LABEL:
		demand(wr_label_is_good(text.at, text.len), pointer,
		       "is no label: 1 to 63 of a-z, 0-9 and '-', which is not at its ends",
		       problem);
		return;
	case WR_KIND_TAG:
		demand(wr_format_is_tag(text.at, text.len), pointer,
		       "is no tag: 1 to 63 of a-z, 0-9, '-' and '_'", problem);
		return;
	case WR_KIND_KEY:
		demand(wr_format_is_key(text.at, text.len), pointer,
		       "is no WireGuard key: 44 characters of base64, as `wg pubkey` prints",
		       problem);
		return;
	case WR_KIND_IP: demand(is_ip(text), pointer, "is no IP address", problem); return;
	case WR_KIND_PREFIX:
		demand(is_prefix(text), pointer, "is no range such as \"10.0.0.0/8\"", problem);
		return;
	case WR_KIND_ENDPOINT:
		demand(wr_format_is_endpoint(text.at, text.len), pointer,
		       "is no endpoint such as \"vpn.example.com:51820\"", problem);
		return;
	case WR_KIND_NUMBER:
	case WR_KIND_FLAG:
	case WR_KIND_TAGS:
	case WR_KIND_PREFIXES:
	case WR_KIND_OBJECT:
	case WR_KIND_LIST:
	case WR_KIND_ANY: break;
	}
	wr_problem_fault(problem, pointer, "is a text");
}

/* --- Others. --- */
static void check_number(const struct wr_field *field, json_t *value, const char *pointer,
			 struct wr_problem *problem)
{
	bool is_bounded = field->min != 0 || field->max != 0;
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value))
		wr_problem_fault(problem, pointer, "is no whole number");
	else if (is_bounded && (number < field->min || number > field->max))
		wr_problem_fault(problem, pointer, "is out of range: %" PRId64 " to %" PRId64,
				 field->min, field->max);
}

static bool is_twice(json_t *list, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (json_equal(json_array_get(list, i), json_array_get(list, at)))
			return true;
	}
	return false;
}

static void check_item(const struct wr_field *item, json_t *list, size_t at, const char *pointer,
		       struct wr_problem *problem)
{
	char place[24], where[WR_POINTER_LEN];

	snprintf(place, sizeof(place), "%zu", at);
	wr_pointer_make(pointer, place, strlen(place), where);
	if (is_twice(list, at))
		wr_problem_fault(problem, where, "is there twice");
	else
		wr_check_value(item, json_array_get(list, at), where, problem);
}

static void check_list(const struct wr_field *field, json_t *list, const char *pointer,
		       struct wr_problem *problem)
{
	struct wr_field item = {
		.kind = field->kind == WR_KIND_TAGS ? WR_KIND_TAG : WR_KIND_PREFIX,
	};

	if (!json_is_array(list)) {
		wr_problem_fault(problem, pointer, "is no list");
		return;
	}
	if ((int64_t)json_array_size(list) > wr_check_max(field)) {
		wr_problem_fault(problem, pointer, "has too many: at most %" PRId64,
				 wr_check_max(field));
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		check_item(&item, list, i, pointer, problem);
}

void wr_check_value(const struct wr_field *field, json_t *value, const char *pointer,
		    struct wr_problem *problem)
{
	struct text text = { json_string_value(value), json_string_length(value) };

	if (field->kind == WR_KIND_NUMBER)
		check_number(field, value, pointer, problem);
	else if (field->kind == WR_KIND_FLAG)
		demand(json_is_boolean(value), pointer, "is neither true nor false", problem);
	else if (field->kind == WR_KIND_TAGS || field->kind == WR_KIND_PREFIXES)
		check_list(field, value, pointer, problem);
	else if (field->kind == WR_KIND_OBJECT)
		wr_problem_fault(problem, pointer, "is no object");
	else if (!text.at)
		wr_problem_fault(problem, pointer, "is no text");
	else
		check_text(field, text, pointer, problem);
}

/* --- Queries. --- */
static json_t *list_from_text(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == ',');
	}
	return list;
}

static json_t *number_from_text(const char *text)
{
	bool is_negative = *text == '-';
	uint64_t number;

	if (!wr_number_parse(text + is_negative, strlen(text + is_negative), INT64_MAX, &number))
		return json_string(text);
	return json_integer(is_negative ? -(int64_t)number : (int64_t)number);
}

static json_t *flag_from_text(const char *text)
{
	if (strcmp(text, "true") == 0)
		return json_true();
	return strcmp(text, "false") == 0 ? json_false() : json_string(text);
}

static json_t *from_text(const struct wr_field *field, const char *text)
{
	if (field->kind == WR_KIND_NUMBER)
		return number_from_text(text);
	if (field->kind == WR_KIND_FLAG)
		return flag_from_text(text);
	if (field->kind == WR_KIND_TAGS || field->kind == WR_KIND_PREFIXES)
		return list_from_text(text);
	return json_string(text);
}

json_t *wr_check_from_text(const struct wr_field *field, const char *text, const char *pointer,
			   struct wr_problem *problem)
{
	json_t *value = from_text(field, text);
	unsigned had = problem->status ? (unsigned)json_array_size(problem->faults) : 0;

	wr_check_value(field, value, pointer, problem);
	if (problem->status == 0 || json_array_size(problem->faults) == had)
		return value;
	json_decref(value);
	return NULL;
}
