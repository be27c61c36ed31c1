#include "cli/answer.h"

#include <string.h>
#include <strings.h>

static struct wr_answer *answer_of(http_parser *parser)
{
	return WR_CONTAINER_OF(parser, struct wr_answer, parser);
}

/* A name follows a value: it is another header's. */
static int on_field(http_parser *parser, const char *bytes, size_t len)
{
	struct wr_answer *answer = answer_of(parser);

	if (answer->is_cookie || answer->name_len == SIZE_MAX)
		answer->name_len = 0;
	answer->is_cookie = false;
	for (size_t i = 0; i < len; i++, answer->name_len++) {
		if (answer->name_len < sizeof(answer->name))
			answer->name[answer->name_len] = bytes[i];
	}
	return 0;
}

static bool is_set_cookie(const struct wr_answer *answer)
{
	static const char name[] = "set-cookie";

	return answer->name_len == sizeof(name) - 1 &&
	       strncasecmp(answer->name, name, sizeof(name) - 1) == 0;
}

/* The cookie itself, without what is said about it behind ';'. */
static int on_value(http_parser *parser, const char *bytes, size_t len)
{
	struct wr_answer *answer = answer_of(parser);

	if (!answer->is_cookie) {
		answer->is_cookie = answer->name_len != SIZE_MAX && is_set_cookie(answer);
		if (answer->is_cookie)
			answer->cookie_len = 0;
	}
	if (!answer->is_cookie) {
		answer->name_len = SIZE_MAX;
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (answer->cookie_len == sizeof(answer->cookie) - 1)
			return 1;
		answer->cookie[answer->cookie_len++] = bytes[i];
	}
	answer->cookie[answer->cookie_len] = '\0';
	return 0;
}

static int on_body(http_parser *parser, const char *bytes, size_t len)
{
	struct wr_answer *answer = answer_of(parser);

	if (len > WR_ANSWER_BODY_MAX - answer->body_len)
		return 1;
	memcpy(answer->body + answer->body_len, bytes, len);
	answer->body_len += len;
	answer->body[answer->body_len] = '\0';
	return 0;
}

static int on_complete(http_parser *parser)
{
	struct wr_answer *answer = answer_of(parser);

	answer->status = parser->status_code;
	answer->cookie[strcspn(answer->cookie, "; ")] = '\0';
	answer->is_whole = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void wr_answer_init(struct wr_answer *answer)
{
	*answer = (struct wr_answer){ .status = 0 };
	http_parser_init(&answer->parser, HTTP_RESPONSE);
}

bool wr_answer_feed(struct wr_answer *answer, const char *bytes, size_t len)
{
	http_parser_execute(&answer->parser, &settings, bytes, len);
	return answer->is_whole || (len > 0 && HTTP_PARSER_ERRNO(&answer->parser) == HPE_OK);
}
