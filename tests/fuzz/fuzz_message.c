/* WireGuard's messages: a datagram has one type or none, its reader alone takes
 * it, and what was read is written as the same bytes. */
#include "fuzz.h"
#include "wire/message.h"

static bool check_initiation(struct wr_bytes datagram)
{
	uint8_t again[WR_INITIATION_LEN];
	struct wr_initiation message;

	if (!wr_initiation_read(datagram, &message))
		return false;
	wr_initiation_write(&message, again);
	FUZZ_CHECK(datagram.len == sizeof(again));
	FUZZ_CHECK(memcmp(again, datagram.data, sizeof(again)) == 0);
	return true;
}

static bool check_response(struct wr_bytes datagram)
{
	uint8_t again[WR_RESPONSE_LEN];
	struct wr_response message;

	if (!wr_response_read(datagram, &message))
		return false;
	wr_response_write(&message, again);
	FUZZ_CHECK(datagram.len == sizeof(again));
	FUZZ_CHECK(memcmp(again, datagram.data, sizeof(again)) == 0);
	return true;
}

static bool check_cookie_reply(struct wr_bytes datagram)
{
	uint8_t again[WR_COOKIE_LEN];
	struct wr_cookie_reply message;

	if (!wr_cookie_reply_read(datagram, &message))
		return false;
	wr_cookie_reply_write(&message, again);
	FUZZ_CHECK(datagram.len == sizeof(again));
	FUZZ_CHECK(memcmp(again, datagram.data, sizeof(again)) == 0);
	return true;
}

static bool check_data(struct wr_bytes datagram)
{
	uint8_t again[WR_DATA_HEADER_LEN];

	if (wr_message_type(datagram) != WR_MESSAGE_DATA)
		return false;
	FUZZ_CHECK(datagram.len >= WR_DATA_OVERHEAD);
	wr_data_header_write(again, wr_data_receiver(datagram.data),
			     wr_data_counter(datagram.data));
	FUZZ_CHECK(memcmp(again, datagram.data, sizeof(again)) == 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes datagram = { data, size };
	enum wr_message_type type = wr_message_type(datagram);

	FUZZ_CHECK(check_initiation(datagram) == (type == WR_MESSAGE_INITIATION));
	FUZZ_CHECK(check_response(datagram) == (type == WR_MESSAGE_RESPONSE));
	FUZZ_CHECK(check_cookie_reply(datagram) == (type == WR_MESSAGE_COOKIE));
	FUZZ_CHECK(check_data(datagram) == (type == WR_MESSAGE_DATA));
	return 0;
}
