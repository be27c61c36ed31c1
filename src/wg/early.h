/* Initiations of strangers that may be peers soon: somebody who already knows us wrote before we
 * know him, and would write again only after rekey_timeout. What is kept here is taken when the
 * peer has come, as if the network had been slower.
 *
 * Floor 3.  The port's thread. Of fixed size: a newcomer takes the place of the oldest. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "wire/message.h"

/* As many as may begin at the same time on a LAN, and are not all known yet. */
#define WR_EARLY_ENTRIES 64

struct wr_early_message {
	struct wr_key from_key; /* which is not proved */
	struct wr_endpoint from;
	struct wr_instant until; /* it has been sent anew, or is of no use any more */
	bool is_called;          /* the key is a peer's now */
	uint8_t datagram[WR_INITIATION_LEN];
};

/* All zero: nothing is kept. */
struct wr_early {
	struct wr_early_message *messages; /* WR_EARLY_ENTRIES; NULL before the first one */
	size_t called;
};

void wr_early_done(struct wr_early *early);
/* Keeps a copy until then, in place of an older one of the same key. Where memory is short it is
 * not kept. */
void wr_early_keep(struct wr_early *early, const struct wr_key *from_key, struct wr_bytes datagram,
		   const struct wr_endpoint *from, struct wr_instant until);
/* The key is a peer's from now on. */
void wr_early_call(struct wr_early *early, const struct wr_key *key);
/* One that is called and not too old, which is not kept any longer; false if there is none. */
bool wr_early_take(struct wr_early *early, struct wr_instant now, struct wr_early_message *ret)
	WR_MUST_CHECK;
