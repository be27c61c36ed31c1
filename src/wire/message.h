/* WireGuard's four messages.  Handshake messages are read with a cursor into
 * plain structs and written out of them; the fixed header of data messages is
 * read in place, its length checked once.
 *
 * Floor 2.  No state.  Source: WireGuard paper, section 5.4. */
#pragma once

#include <string.h>

#include "base/base.h"
#include "base/key.h"
#include "base/verdict.h"

enum wr_message_type {
	WR_MESSAGE_NONE = 0,
	WR_MESSAGE_INITIATION = 1,
	WR_MESSAGE_RESPONSE = 2,
	WR_MESSAGE_COOKIE = 3,
	WR_MESSAGE_DATA = 4,
};

#define WR_INITIATION_LEN 148
#define WR_RESPONSE_LEN 92
#define WR_COOKIE_LEN 64
#define WR_HANDSHAKE_MAX_LEN WR_INITIATION_LEN
#define WR_DATA_HEADER_LEN 16
#define WR_DATA_OVERHEAD 32 /* header and tag */
#define WR_KEEPALIVE_LEN WR_DATA_OVERHEAD
#define WR_DATA_PADDING 16 /* plaintext is padded to a multiple of this */

struct wr_initiation {
	uint32_t sender;
	uint8_t ephemeral[32];
	uint8_t static_sealed[48];
	uint8_t timestamp_sealed[28];
	uint8_t mac1[16];
	uint8_t mac2[16];
};

struct wr_response {
	uint32_t sender;
	uint32_t receiver;
	uint8_t ephemeral[32];
	uint8_t empty_sealed[16];
	uint8_t mac1[16];
	uint8_t mac2[16];
};

struct wr_cookie_reply {
	uint32_t receiver;
	uint8_t nonce[24];
	uint8_t cookie_sealed[32];
};

/* The type, if the three reserved bytes are zero and the length is one that
 * the type can have (data: at least 32); else WR_MESSAGE_NONE. */
enum wr_message_type wr_message_type(struct wr_bytes datagram);
/* What is wrong with a datagram that is none: WR_DROP_SHORT, for its length, or
 * WR_DROP_TYPE. */
enum wr_verdict wr_message_refuse(struct wr_bytes datagram);

/* True if the datagram is exactly such a message. */
bool wr_initiation_read(struct wr_bytes datagram, struct wr_initiation *ret) WR_MUST_CHECK;
bool wr_response_read(struct wr_bytes datagram, struct wr_response *ret) WR_MUST_CHECK;
bool wr_cookie_reply_read(struct wr_bytes datagram, struct wr_cookie_reply *ret) WR_MUST_CHECK;

void wr_initiation_write(const struct wr_initiation *message, uint8_t ret[WR_INITIATION_LEN]);
void wr_response_write(const struct wr_response *message, uint8_t ret[WR_RESPONSE_LEN]);
void wr_cookie_reply_write(const struct wr_cookie_reply *message, uint8_t ret[WR_COOKIE_LEN]);

/* The data header: type, receiver index, counter, all little-endian.  The
 * caller has checked that there are WR_DATA_HEADER_LEN bytes. */
static inline uint32_t wr_data_receiver(const uint8_t *header)
{
	uint32_t le;

	memcpy(&le, header + 4, sizeof(le));
	return le;
}

static inline uint64_t wr_data_counter(const uint8_t *header)
{
	uint64_t le;

	memcpy(&le, header + 8, sizeof(le));
	return le;
}

static inline void wr_data_header_write(uint8_t *header, uint32_t receiver, uint64_t counter)
{
	static const uint8_t type[4] = { WR_MESSAGE_DATA, 0, 0, 0 };

	memcpy(header, type, sizeof(type));
	memcpy(header + 4, &receiver, sizeof(receiver));
	memcpy(header + 8, &counter, sizeof(counter));
}

/* Length of a plaintext of `len` bytes with its padding, which never makes the
 * packet larger than the tunnel's MTU (kernel: calculate_skb_padding). */
static inline size_t wr_data_padded(size_t len, size_t mtu)
{
	size_t padded = (len + WR_DATA_PADDING - 1) & ~(size_t)(WR_DATA_PADDING - 1);

	if (len > mtu)
		return len;
	return padded < mtu ? padded : mtu;
}
