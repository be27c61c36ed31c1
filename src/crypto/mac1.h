/* Whose initiation is this?  mac1 is MAC(HASH(LABEL_MAC1 || responder's public
 * key), first 116 bytes): one port that speaks for many keys compares it with
 * that of each key, many keys at a time (vectors of 16, 8 or 4 lanes, as the
 * CPU has them) from hash states computed when the key was added.
 *
 * Floor 1.  A set belongs to one thread.
 * Source: WireGuard paper, section 5.4.4; RFC 7693; design "The port". */
#pragma once

#include "base/base.h"
#include "base/key.h"

#define WR_MAC1_INPUT_LEN 116 /* an initiation without its two MACs */
#define WR_MAC1_NONE SIZE_MAX

struct wr_mac1_set;

struct wr_mac1_set *wr_mac1_set_new(void);
struct wr_mac1_set *wr_mac1_set_free(struct wr_mac1_set *set);

/* Adds a responder's public key; returns its slot (slots of removed keys are
 * used again), or WR_MAC1_NONE where memory is short. */
size_t wr_mac1_set_add(struct wr_mac1_set *set, const struct wr_key *public_key) WR_MUST_CHECK;
void wr_mac1_set_remove(struct wr_mac1_set *set, size_t slot);
/* Number of keys in the set. */
size_t wr_mac1_set_count(const struct wr_mac1_set *set);

/* True if `mac` is that of the key at `slot`, which must be in use. */
bool wr_mac1_set_check(const struct wr_mac1_set *set, size_t slot,
		       const uint8_t input[WR_MAC1_INPUT_LEN], const uint8_t mac[16]);
/* The slot whose key made `mac`, or WR_MAC1_NONE. */
size_t wr_mac1_set_find(const struct wr_mac1_set *set, const uint8_t input[WR_MAC1_INPUT_LEN],
			const uint8_t mac[16]);
