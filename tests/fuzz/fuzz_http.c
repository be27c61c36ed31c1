/* The texts of HTTP that we read ourselves: what is escaped unescapes to itself, a query gives
 * what was put in, and a head keeps no more than it may. */
#include "base/ip.h"
#include "fuzz.h"
#include "http/client.h"
#include "http/head.h"
#include "http/server.h"
#include "http/text.h"

static void check_unescape(const char *text)
{
	char *copy = strdup(text), *escaped;

	if (wr_http_unescape(copy)) {
		FUZZ_CHECK(strlen(copy) <= strlen(text));
		escaped = wr_http_escape(copy);
		FUZZ_CHECK(wr_http_unescape(escaped) && strcmp(escaped, copy) == 0);
		free(escaped);
	}
	free(copy);
}

static void check_query(const char *text)
{
	char *escaped = wr_http_escape(text), *value, *found;
	char *query = malloc(strlen(escaped) + 8);

	value = wr_http_query_value(text, "a");
	free(value);
	sprintf(query, "b&a=%s&a", escaped);
	found = wr_http_query_value(query, "a");
	FUZZ_CHECK(found && strcmp(found, text) == 0);
	free(found);
	free(query);
	free(escaped);
}

static void check_forwarded(const char *text)
{
	struct wr_ip ip = { .family = WR_FAMILY_NONE };

	if (wr_http_forwarded_for(text, &ip))
		FUZZ_CHECK(ip.family != WR_FAMILY_NONE);
	wr_http_forwarded_is_secure(text);
}

/* Lines of method, target and then "name:value". */
static void check_head(const char *text)
{
	struct wr_http_head head = { 0 };
	unsigned line = 0;

	for (; *text; line++) {
		size_t len = strcspn(text, "\n"), name_len = strcspn(text, ":\n");

		if (line == 0)
			wr_head_method(&head, text, len);
		else if (line == 1)
			wr_head_target(&head, text, len);
		else if (name_len < len)
			wr_head_field(&head, text, name_len, text + name_len + 1,
				      len - name_len - 1);
		text += len + (text[len] == '\n');
	}
	wr_head_check(&head);
	FUZZ_CHECK(head.fault || (head.path && head.path[0] == '/' && head.query));
	FUZZ_CHECK(head.fault || (head.len <= WR_HEAD_LEN && head.fields <= WR_HEAD_FIELDS));
	wr_head_done(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	check_unescape(text);
	check_query(text);
	check_forwarded(text);
	check_head(text);
	free(text);
	return 0;
}
