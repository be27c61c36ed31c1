/* STUN: "from which address do you see me?", asked and answered in a datagram each. Only the
 * binding request and its success response, without credentials; both ends.
 *
 * Told from WireGuard's messages by its first byte, which is 0 or 1 with another after it.
 *
 * Floor 2.  No state.  Source: RFC 8489, sections 5, 6, 14.2. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_STUN_ID_LEN 12
#define WR_STUN_REQUEST_LEN 20
/* Header and XOR-MAPPED-ADDRESS of IPv6. */
#define WR_STUN_ANSWER_MAX_LEN 44

/* What tells an answer to be that of a question: random, new for each question, and secret
 * to all who are not on the way; so nobody else can make the answer up. */
struct wr_stun_id {
	uint8_t bytes[WR_STUN_ID_LEN];
};

/* True if the datagram begins as STUN does: worth one of the functions below. */
bool wr_stun_is(struct wr_bytes datagram);

/* The question, as it is sent. */
void wr_stun_request_write(const struct wr_stun_id *id, uint8_t ret[WR_STUN_REQUEST_LEN]);
/* True if the datagram is a whole binding request that asks for nothing that we do not know
 * (section 5.2, comprehension-required attributes). */
bool wr_stun_request_read(struct wr_bytes datagram, struct wr_stun_id *ret_id) WR_MUST_CHECK;

/* The answer: that the question came from `from`, of which only address and port are used.
 * Its length is returned: 32 bytes over IPv4, 44 over IPv6. With the headers of IP and UDP
 * (28, 48) that is at most 1.4 times the shortest question. */
size_t wr_stun_answer_write(const struct wr_stun_id *id, const struct wr_endpoint *from,
			    uint8_t ret[WR_STUN_ANSWER_MAX_LEN]);
/* True if the datagram is a success response to `id`, and tells an address: address and port
 * are in *ret_mapped, all else of it zero. The id is compared in constant time. */
bool wr_stun_answer_read(struct wr_bytes datagram, const struct wr_stun_id *id,
			 struct wr_endpoint *ret_mapped) WR_MUST_CHECK;
