#include "http/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/client.h"
#include "http/server.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte behind a '%', or -1. */
static int escaped_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high * 16 + low;
}

bool wr_http_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int byte = (unsigned char)*from;

		if (*from == '%') {
			byte = escaped_byte(from + 1);
			if (byte <= 0)
				return false;
			from += 2;
		}
		*to++ = (char)byte;
	}
	*to = '\0';
	return true;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

char *wr_http_escape(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *escaped = malloc(3 * strlen(text) + 1);
	char *to = escaped;

	if (!escaped)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (is_unreserved(c)) {
			*to++ = (char)c;
		} else {
			*to++ = '%';
			*to++ = digits[c >> 4];
			*to++ = digits[c & 15];
		}
	}
	*to = '\0';
	return escaped;
}

/* In a query, a plus is a space (WHATWG URL, application/x-www-form-urlencoded). */
static char *decode_query(const char *text, size_t len)
{
	char *decoded = strndup(text, len);

	if (!decoded)
		return NULL;
	for (char *c = decoded; *c; c++) {
		if (*c == '+')
			*c = ' ';
	}
	if (!wr_http_unescape(decoded)) {
		free(decoded);
		return NULL;
	}
	return decoded;
}

static bool is_name(const char *part, size_t len, const char *name)
{
	char *decoded = decode_query(part, len);
	bool is_it = decoded && strcmp(decoded, name) == 0;

	free(decoded);
	return is_it;
}

char *wr_http_query_value(const char *query, const char *name)
{
	while (*query) {
		size_t len = strcspn(query, "&");
		const char *equals = memchr(query, '=', len);
		size_t name_len = equals ? (size_t)(equals - query) : len;

		if (is_name(query, name_len, name))
			return equals ? decode_query(equals + 1, len - name_len - 1) : strdup("");
		query += len;
		if (*query)
			query++;
	}
	return NULL;
}

bool wr_http_is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!is_unreserved(c) && (!c || !strchr("!#$%&'*+^`|", c)))
			return false;
	}
	return len;
}

bool wr_http_is_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* --- What a proxy says. --- */

/* The last part of a list that commas separate, without the blanks around it. */
static struct wr_bytes last_part(const char *value)
{
	const char *comma = strrchr(value, ',');
	const char *start = comma ? comma + 1 : value;
	size_t len;

	start += strspn(start, " \t");
	len = strlen(start);
	while (len && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	return (struct wr_bytes){ (const uint8_t *)start, len };
}

bool wr_http_forwarded_for(const char *value, struct wr_ip *ret_ip)
{
	struct wr_bytes part = last_part(value);
	const char *text = (const char *)part.data;
	struct wr_endpoint endpoint;

	if (wr_ip_parse(text, part.len, ret_ip))
		return true;
	if (part.len > 2 && text[0] == '[' && text[part.len - 1] == ']')
		return wr_ip_parse(text + 1, part.len - 2, ret_ip);
	if (!wr_endpoint_parse(text, part.len, &endpoint))
		return false;
	*ret_ip = endpoint.ip;
	return true;
}

bool wr_http_forwarded_is_secure(const char *value)
{
	struct wr_bytes part = last_part(value);

	return part.len == 5 && strncasecmp((const char *)part.data, "https", 5) == 0;
}

const char *wr_http_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Status";
}
