#include "server/pointer.h"

#include <string.h>

/* Cuts behind a whole letter. */
static void put(char *text, size_t *len, const char *letters, size_t count)
{
	if (*len + count < WR_POINTER_LEN) {
		memcpy(text + *len, letters, count);
		*len += count;
	}
}

static size_t letter_len(const char *at, size_t left)
{
	size_t len = 1;

	while (len < left && ((uint8_t)at[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Control characters of a name are not repeated. */
static void put_letter(char *text, size_t *len, const char *at, size_t count)
{
	if (*at == '~')
		put(text, len, "~0", 2);
	else if (*at == '/')
		put(text, len, "~1", 2);
	else if (count == 1 && ((uint8_t)*at < 0x20 || *at == 0x7f))
		put(text, len, "?", 1);
	else
		put(text, len, at, count);
}

void wr_pointer_make(const char *at, const char *name, size_t len, char ret_pointer[WR_POINTER_LEN])
{
	size_t used = 0;

	put(ret_pointer, &used, at, strlen(at));
	put(ret_pointer, &used, "/", 1);
	while (len > 0) {
		size_t count = letter_len(name, len);

		put_letter(ret_pointer, &used, name, count);
		name += count;
		len -= count;
	}
	ret_pointer[used] = '\0';
}

void wr_pointer_of_query(const char *name, char ret_pointer[WR_POINTER_LEN])
{
	size_t used = 1, len = strlen(name);

	ret_pointer[0] = '?';
	while (len > 0) {
		size_t count = letter_len(name, len);

		put(ret_pointer, &used, name, count);
		name += count;
		len -= count;
	}
	ret_pointer[used] = '\0';
}
