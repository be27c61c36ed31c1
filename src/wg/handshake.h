/* Noise_IKpsk2 between two static keys: makes and reads initiations and
 * responses, and derives transport keys. Knows nothing of devices' tables,
 * timers or MACs.
 *
 * Floor 3.  Randomness and time come in as arguments; state is one peer's.
 * Source: WireGuard paper, sections 5.4.2 to 5.4.5. */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "crypto/noise.h"
#include "wg/index.h"
#include "wire/message.h"

#define WR_TAI64N_LEN 12

enum wr_handshake_state {
	WR_HANDSHAKE_IDLE,
	WR_HANDSHAKE_INITIATED
};

/* A device's own key and what is computed from it once. */
struct wr_identity {
	struct wr_key private_key; /* all zero: none, no handshake is possible */
	struct wr_key public_key;
};

void wr_identity_set(struct wr_identity *identity, const struct wr_key *private_key);

/* One peer's handshake as far as it lasts longer than a message. */
struct wr_handshake {
	struct wr_index_entry index; /* entered while INITIATED */
	enum wr_handshake_state state;
	struct wr_key static_static;     /* DH of the two static keys */
	struct wr_key ephemeral_private; /* while INITIATED; as the next two */
	struct wr_key chaining_key;
	struct wr_hash hash;
	uint8_t latest_timestamp[WR_TAI64N_LEN]; /* newest seen from the peer */
	uint8_t sent_timestamp[WR_TAI64N_LEN];   /* newest that we sent */
	struct wr_mac sent_mac1;                 /* of our last message, for a cookie reply */
	bool has_sent_mac1;
	struct wr_instant sent;     /* our last initiation; for the rate and retries */
	struct wr_instant started;  /* first initiation of this attempt */
	struct wr_instant retry;    /* when to send again; WR_NEVER if not waiting */
	struct wr_instant consumed; /* last initiation accepted from the peer */
	bool is_hasty; /* the last initiation went to where nobody is: the next need not wait */
};

struct wr_transport_keys {
	struct wr_key send, receive;
};

/* What an initiation says once it is decrypted, before the peer is known. */
struct wr_initiation_opened {
	struct wr_key peer_public;
	struct wr_key chaining_key;
	struct wr_hash hash;
	uint8_t sealed_timestamp[28];
	uint32_t sender;
	struct wr_key ephemeral;
};

/* The last 12 bytes of the wall clock as TAI64N, nanoseconds cut to 2^24 so that
 * they tell nothing about load, and made greater than `previous`. */
void wr_tai64n(struct wr_wall wall, const uint8_t previous[WR_TAI64N_LEN],
	       uint8_t ret[WR_TAI64N_LEN]);

/* Fills all but the MACs of an initiation; state becomes INITIATED. False if
 * the keys do not work together (low order). */
bool wr_handshake_initiate(struct wr_handshake *handshake, const struct wr_identity *self,
			   const struct wr_key *peer_public, const struct wr_key *ephemeral_private,
			   const uint8_t timestamp[WR_TAI64N_LEN], struct wr_initiation *ret)
	WR_MUST_CHECK;

/* Step one of two on the responder's side: who is it from? False: forged. */
bool wr_handshake_open_initiation(const struct wr_identity *self,
				  const struct wr_initiation *message,
				  struct wr_initiation_opened *ret) WR_MUST_CHECK;
/* Step two, when the peer is known: its timestamp. False: forged. */
bool wr_handshake_open_timestamp(const struct wr_key *static_static,
				 struct wr_initiation_opened *opened,
				 uint8_t ret_timestamp[WR_TAI64N_LEN]) WR_MUST_CHECK;
/* Answers, and derives the keys. Fills all but the MACs and ret->sender. */
bool wr_handshake_respond(const struct wr_initiation_opened *opened,
			  const struct wr_key *preshared_key,
			  const struct wr_key *ephemeral_private, struct wr_response *ret,
			  struct wr_transport_keys *ret_keys) WR_MUST_CHECK;

/* The initiator's end: reads the response and derives the keys. The handshake is
 * unchanged; the caller clears it. False: forged. */
bool wr_handshake_finish(const struct wr_handshake *handshake, const struct wr_identity *self,
			 const struct wr_key *preshared_key, const struct wr_response *message,
			 struct wr_transport_keys *ret_keys) WR_MUST_CHECK;

/* Forgets the ephemeral secrets; state becomes IDLE. The index is the caller's. */
void wr_handshake_clear(struct wr_handshake *handshake);
