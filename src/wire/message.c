#include "wire/message.h"

#include "base/reader.h"

static_assert(WR_COOKIE_LEN >= WR_DATA_OVERHEAD, "no message is shorter than a keepalive");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data headers are read in place");

/* Asked of every datagram, so the type and the three zeros after it are read in
 * place, as the one little-endian number that they are. */
enum wr_message_type wr_message_type(struct wr_bytes datagram)
{
	uint32_t first;

	if (datagram.len < WR_DATA_OVERHEAD)
		return WR_MESSAGE_NONE;
	memcpy(&first, datagram.data, sizeof(first));
	if (first == WR_MESSAGE_DATA)
		return WR_MESSAGE_DATA;
	if (first == WR_MESSAGE_INITIATION && datagram.len == WR_INITIATION_LEN)
		return WR_MESSAGE_INITIATION;
	if (first == WR_MESSAGE_RESPONSE && datagram.len == WR_RESPONSE_LEN)
		return WR_MESSAGE_RESPONSE;
	if (first == WR_MESSAGE_COOKIE && datagram.len == WR_COOKIE_LEN)
		return WR_MESSAGE_COOKIE;
	return WR_MESSAGE_NONE;
}

enum wr_verdict wr_message_refuse(struct wr_bytes datagram)
{
	const uint8_t *data = datagram.data;
	bool has_type = datagram.len >= 4 && data[0] >= WR_MESSAGE_INITIATION &&
			data[0] <= WR_MESSAGE_DATA && !data[1] && !data[2] && !data[3];

	return has_type || datagram.len < 4 ? WR_DROP_SHORT : WR_DROP_TYPE;
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
