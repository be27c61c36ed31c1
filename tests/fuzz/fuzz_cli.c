/* What the command line reads that others wrote, chosen by the first byte: a server's answer to a
 * sign-in, a file of settings, a policy that gets a rule, a text for the terminal. */
#include <jansson.h>

#include "cli/answer.h"
#include "cli/policy_text.h"
#include "cli/settings.h"
#include "cli/tables.h"
#include "fuzz.h"

/* The same, whether it comes at once or in two pieces. */
static void check_answer(const char *text, size_t len)
{
	static struct wr_answer whole, pieces;
	size_t half = len / 2;
	bool is_good;

	wr_answer_init(&whole);
	wr_answer_init(&pieces);
	is_good = len > 0 && wr_answer_feed(&whole, text, len) && whole.is_whole;
	if (!is_good || half == 0 || !wr_answer_feed(&pieces, text, half))
		return;
	FUZZ_CHECK(pieces.is_whole || wr_answer_feed(&pieces, text + half, len - half));
	FUZZ_CHECK(pieces.is_whole && pieces.status == whole.status);
	FUZZ_CHECK(strcmp(pieces.cookie, whole.cookie) == 0);
	FUZZ_CHECK(!strpbrk(whole.cookie, "; \r\n"));
	FUZZ_CHECK(strcmp(pieces.body, whole.body) == 0);
}

static const char *take_setting(void *context, unsigned line, const char *key, const char *value)
{
	unsigned *last = context;

	FUZZ_CHECK(line > *last && !strchr(key, '=') && !strchr(value, '\n'));
	*last = line;
	return NULL;
}

static void check_settings(char *text)
{
	unsigned last = 0, line;

	if (wr_settings_parse(text, take_setting, &last, &line))
		FUZZ_CHECK(line > last);
}

/* A line that is put in is there: it is not put in again. */
static void check_rule(const char *text)
{
	static const char rule[] = "a -> b tcp 22";
	char *once = wr_rule_insert(text, "allow", rule, WR_RULE_LAST);
	char *twice = once ? wr_rule_insert(once, "allow", rule, WR_RULE_FIRST) : NULL;

	FUZZ_CHECK(!twice);
	free(once);
	once = wr_rule_join(&text, 1);
	FUZZ_CHECK(!once || (strstr(once, " -> ") && !strchr(once, '\n')));
	free(once);
}

/* Nothing of it steers a terminal. */
static void check_look(const char *text)
{
	json_t *value = json_string(text);
	char *look = value ? wr_look_text(value, WR_LOOK_TEXT, 0) : NULL;

	for (const char *c = look; c && *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f &&
			   !((unsigned char)c[0] == 0xc2 && ((unsigned char)c[1] & 0xe0) == 0x80));
	free(look);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size > 0 ? malloc(size) : NULL;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'a': check_answer(text, size - 1); break;
	case 'l': check_look(text); break;
	case 'p': check_rule(text); break;
	default: check_settings(text); break;
	}
	free(text);
	return 0;
}
