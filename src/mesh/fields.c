#include "mesh/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Words. --- */

static const char *const backend_words[] = {
	[WR_BACKEND_AUTO] = "auto",
	[WR_BACKEND_KERNEL] = "kernel",
	[WR_BACKEND_ENGINE] = "engine",
};
static const char *const names_words[] = {
	[WR_NAMES_OFF] = "off",
	[WR_NAMES_AUTO] = "auto",
	[WR_NAMES_RESOLVED] = "resolved",
	[WR_NAMES_HOSTS] = "hosts",
};

/* Its place among the words, or -1. */
static int find_word(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; word && i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

bool wr_backend_kind_parse(const char *word, enum wr_backend_kind *ret_kind)
{
	int place = find_word(backend_words, WR_ARRAY_LEN(backend_words), word);

	if (place < 0)
		return false;
	*ret_kind = (enum wr_backend_kind)place;
	return true;
}

bool wr_names_kind_parse(const char *word, enum wr_names_kind *ret_kind)
{
	int place = find_word(names_words, WR_ARRAY_LEN(names_words), word);

	if (place < 0)
		return false;
	*ret_kind = (enum wr_names_kind)place;
	return true;
}

const char *wr_backend_kind_word(enum wr_backend_kind kind)
{
	return backend_words[kind];
}

const char *wr_names_kind_word(enum wr_names_kind kind)
{
	return names_words[kind];
}

/* --- Reading. --- */

bool wr_field_text(const json_t *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text || strlen(text) >= size)
		return false;
	memcpy(ret_text, text, strlen(text) + 1);
	return true;
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool wr_field_bytes(const json_t *object, const char *name, uint8_t *ret_bytes, size_t len)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text || strlen(text) != 2 * len || strspn(text, "0123456789abcdef") != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		ret_bytes[i] = (uint8_t)(digit_value(text[2 * i]) << 4 |
					 digit_value(text[2 * i + 1]));
	return true;
}

bool wr_field_key(const json_t *object, const char *name, struct wr_key *ret_key)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	if (!value) {
		*ret_key = (struct wr_key){ 0 };
		return true;
	}
	return text && wr_key_from_hex(text, strlen(text), ret_key);
}

bool wr_field_number(const json_t *object, const char *name, uint64_t max, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_integer_value(value);

	if ((value && !json_is_integer(value)) || number < 0 || (uint64_t)number > max)
		return false;
	*ret_number = (uint64_t)number;
	return true;
}

bool wr_field_port(const json_t *object, const char *name, uint16_t *ret_port)
{
	uint64_t number;

	if (!wr_field_number(object, name, UINT16_MAX, &number))
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

bool wr_field_prefixes(const json_t *object, const char *name, size_t max,
		       struct wr_prefix *ret_prefixes, size_t *ret_count)
{
	const json_t *array = json_object_get(object, name);
	size_t count = json_array_size(array);

	if (count > max)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text || !wr_prefix_parse(text, strlen(text), &ret_prefixes[i]))
			return false;
	}
	*ret_count = count;
	return true;
}

bool wr_field_is(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* --- Writing. --- */

void wr_field_set_bytes(json_t *object, const char *name, const uint8_t *bytes, size_t len)
{
	char *text = malloc(2 * len + 1);

	if (!text)
		abort();
	text[0] = '\0';
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	json_object_set_new(object, name, json_string(text));
	wr_wipe(text, 2 * len);
	free(text);
}

void wr_field_set_key(json_t *object, const char *name, const struct wr_key *key)
{
	char text[WR_KEY_HEX_LEN + 1];

	if (wr_key_is_zero(key))
		return;
	wr_key_to_hex(key, text);
	json_object_set_new(object, name, json_string(text));
	wr_wipe(text, sizeof(text));
}

void wr_field_set_number(json_t *object, const char *name, uint64_t number)
{
	json_object_set_new(object, name, json_integer((json_int_t)number));
}

void wr_field_set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

void wr_field_set_flag(json_t *object, const char *name, bool is_set)
{
	json_object_set_new(object, name, json_boolean(is_set));
}

void wr_field_set_prefixes(json_t *object, const char *name, const struct wr_prefix *prefixes,
			   size_t count)
{
	json_t *array = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < count; i++) {
		wr_prefix_format(&prefixes[i], text);
		json_array_append_new(array, json_string(text));
	}
	json_object_set_new(object, name, array);
}
