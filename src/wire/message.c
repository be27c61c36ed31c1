#include "wire/message.h"

#include "base/reader.h"

/* The type and the three bytes after it, which are zero, read as one number. */
static enum wr_message_type type_of(uint32_t first)
{
	return first <= WR_MESSAGE_DATA ? (enum wr_message_type)first : WR_MESSAGE_NONE;
}

static bool has_length_of(enum wr_message_type type, size_t len)
{
	switch (type) {
	case WR_MESSAGE_INITIATION: return len == WR_INITIATION_LEN;
	case WR_MESSAGE_RESPONSE: return len == WR_RESPONSE_LEN;
	case WR_MESSAGE_COOKIE: return len == WR_COOKIE_LEN;
	case WR_MESSAGE_DATA: return len >= WR_DATA_OVERHEAD;
	case WR_MESSAGE_NONE: break;
	}
	return false;
}

enum wr_message_type wr_message_type(struct wr_bytes datagram)
{
	struct wr_reader reader = wr_reader_of(datagram);
	enum wr_message_type type = type_of(wr_read_le32(&reader));

	return has_length_of(type, datagram.len) ? type : WR_MESSAGE_NONE;
}

bool wr_initiation_read(struct wr_bytes datagram, struct wr_initiation *ret)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_initiation message;
	uint32_t type = wr_read_le32(&reader);

	message.sender = wr_read_le32(&reader);
	wr_read_into(&reader, message.ephemeral, sizeof(message.ephemeral));
	wr_read_into(&reader, message.static_sealed, sizeof(message.static_sealed));
	wr_read_into(&reader, message.timestamp_sealed, sizeof(message.timestamp_sealed));
	wr_read_into(&reader, message.mac1, sizeof(message.mac1));
	wr_read_into(&reader, message.mac2, sizeof(message.mac2));
	if (!wr_reader_done(&reader) || type != WR_MESSAGE_INITIATION)
		return false;
	*ret = message;
	return true;
}

bool wr_response_read(struct wr_bytes datagram, struct wr_response *ret)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_response message;
	uint32_t type = wr_read_le32(&reader);

	message.sender = wr_read_le32(&reader);
	message.receiver = wr_read_le32(&reader);
	wr_read_into(&reader, message.ephemeral, sizeof(message.ephemeral));
	wr_read_into(&reader, message.empty_sealed, sizeof(message.empty_sealed));
	wr_read_into(&reader, message.mac1, sizeof(message.mac1));
	wr_read_into(&reader, message.mac2, sizeof(message.mac2));
	if (!wr_reader_done(&reader) || type != WR_MESSAGE_RESPONSE)
		return false;
	*ret = message;
	return true;
}

bool wr_cookie_reply_read(struct wr_bytes datagram, struct wr_cookie_reply *ret)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_cookie_reply message;
	uint32_t type = wr_read_le32(&reader);

	message.receiver = wr_read_le32(&reader);
	wr_read_into(&reader, message.nonce, sizeof(message.nonce));
	wr_read_into(&reader, message.cookie_sealed, sizeof(message.cookie_sealed));
	if (!wr_reader_done(&reader) || type != WR_MESSAGE_COOKIE)
		return false;
	*ret = message;
	return true;
}

/* Where the next field goes: the mirror of the reader.  The caller's array has
 * the message's length, and the end is asserted. */
static uint8_t *write_le32(uint8_t *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (8 * i));
	return at + 4;
}

static uint8_t *write_bytes(uint8_t *at, const uint8_t *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

void wr_initiation_write(const struct wr_initiation *message, uint8_t ret[WR_INITIATION_LEN])
{
	uint8_t *at = write_le32(ret, WR_MESSAGE_INITIATION);

	at = write_le32(at, message->sender);
	at = write_bytes(at, message->ephemeral, sizeof(message->ephemeral));
	at = write_bytes(at, message->static_sealed, sizeof(message->static_sealed));
	at = write_bytes(at, message->timestamp_sealed, sizeof(message->timestamp_sealed));
	at = write_bytes(at, message->mac1, sizeof(message->mac1));
	at = write_bytes(at, message->mac2, sizeof(message->mac2));
	assert(at == ret + WR_INITIATION_LEN);
}

void wr_response_write(const struct wr_response *message, uint8_t ret[WR_RESPONSE_LEN])
{
	uint8_t *at = write_le32(ret, WR_MESSAGE_RESPONSE);

	at = write_le32(at, message->sender);
	at = write_le32(at, message->receiver);
	at = write_bytes(at, message->ephemeral, sizeof(message->ephemeral));
	at = write_bytes(at, message->empty_sealed, sizeof(message->empty_sealed));
	at = write_bytes(at, message->mac1, sizeof(message->mac1));
	at = write_bytes(at, message->mac2, sizeof(message->mac2));
	assert(at == ret + WR_RESPONSE_LEN);
}

void wr_cookie_reply_write(const struct wr_cookie_reply *message, uint8_t ret[WR_COOKIE_LEN])
{
	uint8_t *at = write_le32(ret, WR_MESSAGE_COOKIE);

	at = write_le32(at, message->receiver);
	at = write_bytes(at, message->nonce, sizeof(message->nonce));
	at = write_bytes(at, message->cookie_sealed, sizeof(message->cookie_sealed));
	assert(at == ret + WR_COOKIE_LEN);
}
