#include "server/problem.h"
#include "unit.h"

static json_t *document_of(struct wr_problem *problem)
{
	char *text = wr_problem_text(problem, "r123");
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(document);
	free(text);
	wr_problem_done(problem);
	return document;
}

static void test_problem_says_what_and_why(void **state)
{
	struct wr_problem problem = { 0 };
	json_t *document, *wanted;

	(void)state;
	wr_problem_say(&problem, 409, "quota", "There are %d.", 5);
	document = document_of(&problem);
	wanted = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "urn:warren:problem:quota", "title",
			   "Conflict", "status", 409, "detail", "There are 5.", "request_id",
			   "r123");
	assert_true(json_equal(document, wanted));
	json_decref(document);
	json_decref(wanted);
}

static void test_problem_keeps_all_faults(void **state)
{
	struct wr_problem problem = { 0 }, more = { 0 };
	json_t *document, *faults;

	(void)state;
	wr_problem_fault(&problem, "/a", "is %s", "bad");
	wr_problem_fault(&more, "?b", "is worse");
	wr_problem_join(&problem, &more);
	assert_int_equal(more.status, 0);
	document = document_of(&problem);
	faults = json_object_get(document, "faults");
	assert_int_equal(json_integer_value(json_object_get(document, "status")), 422);
	assert_int_equal(json_array_size(faults), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(faults, 0), "reason")),
			    "is bad");
	json_decref(document);
}

static void test_problem_puts_the_larger_one_first(void **state)
{
	struct wr_problem problem = { 0 }, more = { 0 };

	(void)state;
	wr_problem_fault(&problem, "?a", "is bad");
	wr_problem_say(&more, 415, "not-json", "No.");
	wr_problem_join(&problem, &more);
	assert_int_equal(problem.status, 415);
	wr_problem_done(&problem);
}

static void test_problem_bounds_what_it_repeats(void **state)
{
	struct wr_problem problem = { 0 };
	char long_text[2000];
	json_t *document;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "\xc3\xa4", 2);
	long_text[sizeof(long_text) - 2] = '\0';
	for (unsigned i = 0; i < 2 * WR_PROBLEM_FAULTS; i++)
		wr_problem_fault(&problem, "/a", "x%s", long_text);
	document = document_of(&problem);
	assert_int_equal(json_array_size(json_object_get(document, "faults")), WR_PROBLEM_FAULTS);
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problem_says_what_and_why),
		cmocka_unit_test(test_problem_keeps_all_faults),
		cmocka_unit_test(test_problem_puts_the_larger_one_first),
		cmocka_unit_test(test_problem_bounds_what_it_repeats),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
