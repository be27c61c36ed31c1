#include "http/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"

#define FIRST_ROOM 512

static size_t room_for(const struct wr_buffer *buffer, size_t wanted)
{
	size_t room = buffer->room ? buffer->room : FIRST_ROOM;

	while (room < wanted)
		room += room;
	return room;
}

/* What was taken makes room for what comes. */
static void move_to_front(struct wr_buffer *buffer)
{
	if (buffer->data != buffer->memory && buffer->len)
		memmove(buffer->memory, buffer->data, buffer->len);
	buffer->data = buffer->memory;
}

/* Not by realloc(), which leaves what it moved from as it was. */
static bool grow(struct wr_buffer *buffer, size_t wanted)
{
	size_t room = room_for(buffer, wanted);
	uint8_t *memory = malloc(room);

	if (!memory)
		return false;
	if (buffer->len)
		memcpy(memory, buffer->data, buffer->len);
	if (buffer->memory)
		wr_wipe(buffer->memory, buffer->room);
	free(buffer->memory);
	buffer->memory = buffer->data = memory;
	buffer->room = room;
	return true;
}

uint8_t *wr_buffer_reserve(struct wr_buffer *buffer, size_t len)
{
	size_t wanted;

	if (__builtin_add_overflow(buffer->len, len, &wanted) || wanted > SIZE_MAX / 4)
		return NULL;
	if (wanted > buffer->room) {
		if (!grow(buffer, wanted))
			return NULL;
	} else if (wanted > buffer->room - (size_t)(buffer->data - buffer->memory)) {
		move_to_front(buffer);
	}
	return buffer->data + buffer->len;
}

bool wr_buffer_add(struct wr_buffer *buffer, const void *data, size_t len)
{
	uint8_t *end;

	if (!len)
		return true;
	end = wr_buffer_reserve(buffer, len);
	if (!end)
		return false;
	memcpy(end, data, len);
	buffer->len += len;
	return true;
}

void wr_buffer_take(struct wr_buffer *buffer, size_t len)
{
	assert(len <= buffer->len);
	buffer->len -= len;
	buffer->data = buffer->len ? buffer->data + len : buffer->memory;
}

bool wr_buffer_print(struct wr_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	uint8_t *end;
	int len;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	end = len < 0 ? NULL : wr_buffer_reserve(buffer, (size_t)len + 1);
	if (!end)
		return false;
	va_start(arguments, format);
	vsnprintf((char *)end, (size_t)len + 1, format, arguments);
	va_end(arguments);
	buffer->len += (size_t)len;
	return true;
}

void wr_buffer_done(struct wr_buffer *buffer)
{
	if (buffer->memory)
		wr_wipe(buffer->memory, buffer->room);
	free(buffer->memory);
	*buffer = (struct wr_buffer){ 0 };
}
