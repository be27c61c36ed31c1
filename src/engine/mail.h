/* What a worker hands to the control thread, as records of base/ring.h: a head,
 * and for most kinds a body of bytes.
 *
 * A letter may name a peer that is removed before it is read. Its memory is there
 * until the control thread, after a grace period, has read all letters that were
 * written before.
 *
 * Floor 5. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/ring.h"
#include "wg/peer.h"

enum wr_letter_kind {
	WR_LETTER_HANDSHAKE, /* body: a datagram that is no transport message */
	WR_LETTER_PACKET,    /* body: an IP packet for `peer`, which has no session */
	WR_LETTER_HEARD,     /* `peer`, which is managed, was heard at `from` */
	WR_LETTER_KNOCK,     /* body: a datagram for engine->knocked(), from `from` */
	WR_LETTER_TUN,       /* a packet for the own address of `peer`'s device, which has no TUN */
};

struct wr_letter {
	enum wr_letter_kind kind;
	struct wr_peer *peer;
	struct wr_endpoint from;
};

/* False if the ring is full: the letter is dropped. */
static inline bool wr_mail_push(struct wr_ring *ring, const struct wr_letter *letter,
				struct wr_bytes body)
{
	struct wr_bytes head = { (const uint8_t *)letter, sizeof(*letter) };

	return wr_ring_push(ring, head, body);
}

/* The oldest letter; false if there is none. Then wr_ring_pop(). */
static inline bool wr_mail_peek(struct wr_ring *ring, const struct wr_letter **ret_letter,
				struct wr_bytes *ret_body)
{
	struct wr_bytes record;

	if (!wr_ring_peek(ring, &record))
		return false;
	assert(record.len >= sizeof(struct wr_letter));
	*ret_letter = (const struct wr_letter *)(const void *)record.data;
	*ret_body = (struct wr_bytes){ record.data + sizeof(struct wr_letter),
				       record.len - sizeof(struct wr_letter) };
	return true;
}
