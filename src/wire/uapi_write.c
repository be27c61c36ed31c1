#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/uapi.h"

#define FIRST_CAPACITY 1024

void wr_text_done(struct wr_text *text)
{
	if (text->data)
		wr_wipe(text->data, text->len);
	free(text->data);
	*text = (struct wr_text){ 0 };
}

/* Room for `len` more characters and a NUL.  What realloc() left behind would not
 * be wiped. */
static bool reserve(struct wr_text *text, size_t len)
{
	size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
	char *data;

	if (text->capacity - text->len > len)
		return true;
	while (capacity - text->len <= len)
		capacity *= 2;
	data = malloc(capacity);
	if (!data)
		return false;
	if (text->data) {
		memcpy(data, text->data, text->len);
		wr_wipe(text->data, text->len);
	}
	free(text->data);
	text->data = data;
	text->capacity = capacity;
	return true;
}

/* True if all of it fitted into the room there is; *ret_len is its length. */
static bool WR_PRINTF(2, 0)
	print(struct wr_text *text, const char *format, va_list arguments, size_t *ret_len)
{
	size_t room = text->capacity - text->len;
	int len = vsnprintf(text->data ? text->data + text->len : NULL, room, format, arguments);

	assert(len >= 0);
	*ret_len = (size_t)len;
	if (*ret_len >= room)
		return false;
	text->len += *ret_len;
	return true;
}

void wr_text_append(struct wr_text *text, const char *format, ...)
{
	va_list arguments, again;
	size_t len;

	if (text->is_short_of_memory)
		return;
	va_start(arguments, format);
	va_copy(again, arguments);
	if (!print(text, format, arguments, &len)) {
		if (!reserve(text, len) || !print(text, format, again, &len))
			text->is_short_of_memory = true;
	}
	va_end(again);
	va_end(arguments);
}

void wr_uapi_write_key(struct wr_text *text, const char *name, const struct wr_key *key)
{
	char hex[WR_KEY_HEX_LEN + 1];

	wr_key_to_hex(key, hex);
	wr_text_append(text, "%s=%s\n", name, hex);
	wr_wipe(hex, sizeof(hex));
}

void wr_uapi_write_number(struct wr_text *text, const char *name, uint64_t number)
{
	wr_text_append(text, "%s=%llu\n", name, (unsigned long long)number);
}

void wr_uapi_write_endpoint(struct wr_text *text, const struct wr_endpoint *endpoint)
{
	char line[WR_ENDPOINT_TEXT_LEN];

	wr_endpoint_format(endpoint, line);
	wr_text_append(text, "endpoint=%s\n", line);
}

void wr_uapi_write_allowed_ip(struct wr_text *text, const struct wr_prefix *prefix)
{
	char line[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(prefix, line);
	wr_text_append(text, "allowed_ip=%s\n", line);
}

void wr_uapi_write_errno(struct wr_text *text, int error)
{
	assert(error <= 0);
	wr_text_append(text, "errno=%d\n\n", error);
}
