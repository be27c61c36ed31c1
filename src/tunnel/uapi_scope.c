#include "tunnel/uapi_scope.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

/* The index of the interface that the `len` bytes name; 0 if there is none. */
static unsigned index_of(const uint8_t *name, size_t len)
{
	char terminated[IF_NAMESIZE];

	if (len == 0 || len >= sizeof(terminated))
		return 0;
	memcpy(terminated, name, len);
	terminated[len] = '\0';
	return if_nametoindex(terminated);
}

static void append(struct wr_text *text, struct wr_bytes bytes)
{
	assert(bytes.len <= INT32_MAX);
	wr_text_append(text, "%.*s", (int)bytes.len, (const char *)bytes.data);
}

/* Moves *text past what it copies: up to the next '%' and its name, or all. */
static void copy_one(struct wr_bytes *text, struct wr_text *resolved)
{
	const uint8_t *end = text->data + text->len;
	const uint8_t *percent = memchr(text->data, '%', text->len);
	const uint8_t *name = percent ? percent + 1 : end;
	const uint8_t *bracket = memchr(name, ']', (size_t)(end - name));
	unsigned index = bracket ? index_of(name, (size_t)(bracket - name)) : 0;

	append(resolved, (struct wr_bytes){ text->data, (size_t)(name - text->data) });
	if (index) {
		wr_text_append(resolved, "%u", index);
		name = bracket;
	}
	*text = (struct wr_bytes){ name, (size_t)(end - name) };
}

int wr_uapi_resolve_scopes(struct wr_bytes *text, struct wr_text *resolved)
{
	struct wr_bytes left = *text;

	/* A NUL is the parser's to refuse; it would end a copy early. */
	if (left.len == 0 || !memchr(left.data, '%', left.len) || memchr(left.data, 0, left.len))
		return 0;
	while (left.len)
		copy_one(&left, resolved);
	if (resolved->is_short_of_memory)
		return -ENOMEM;
	*text = (struct wr_bytes){ (const uint8_t *)resolved->data, resolved->len };
	return 0;
}
