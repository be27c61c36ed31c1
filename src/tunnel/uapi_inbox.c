#include "tunnel/uapi_inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/key.h"

/* A request of a few peers; larger memory is given back after it. */
#define SMALL ((size_t)16384)

void wr_uapi_inbox_done(struct wr_uapi_inbox *inbox)
{
	if (inbox->data)
		wr_wipe(inbox->data, inbox->len);
	free(inbox->data);
	*inbox = (struct wr_uapi_inbox){ 0 };
}

/* What realloc() left behind would not be wiped. */
static bool grow(struct wr_uapi_inbox *inbox, size_t limit)
{
	size_t wanted = inbox->capacity ? 2 * inbox->capacity : SMALL;
	size_t capacity = wanted < limit ? wanted : limit;
	uint8_t *data = malloc(capacity);

	if (!data)
		return false;
	if (inbox->data) {
		memcpy(data, inbox->data, inbox->len);
		wr_wipe(inbox->data, inbox->len);
	}
	free(inbox->data);
	inbox->data = data;
	inbox->capacity = capacity;
	return true;
}

size_t wr_uapi_inbox_room(struct wr_uapi_inbox *inbox, size_t limit)
{
	assert(inbox->len <= limit);
	if (inbox->len == limit || (inbox->len == inbox->capacity && !grow(inbox, limit)))
		return 0;
	return inbox->capacity - inbox->len;
}

void wr_uapi_inbox_add(struct wr_uapi_inbox *inbox, size_t len)
{
	assert(len <= inbox->capacity - inbox->len);
	inbox->len += len;
}

bool wr_uapi_inbox_peek(struct wr_uapi_inbox *inbox, struct wr_bytes *ret_request)
{
	const uint8_t *end;

	if (inbox->len == inbox->searched)
		return false;
	end = memmem(inbox->data + inbox->searched, inbox->len - inbox->searched, "\n\n", 2);
	if (!end) {
		/* The last byte may be the first of the two. */
		inbox->searched = inbox->len - 1;
		return false;
	}
	*ret_request = (struct wr_bytes){ inbox->data, (size_t)(end + 2 - inbox->data) };
	return true;
}

void wr_uapi_inbox_drop(struct wr_uapi_inbox *inbox, size_t len)
{
	size_t left = inbox->len - len;

	assert(len <= inbox->len);
	memmove(inbox->data, inbox->data + len, left);
	wr_wipe(inbox->data + left, len);
	inbox->len = left;
	inbox->searched = 0;
	if (left == 0 && inbox->capacity > SMALL)
		wr_uapi_inbox_done(inbox);
}
