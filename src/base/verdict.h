/* What became of a datagram or a packet: hostile or odd input is not an error,
 * it is counted by kind and dropped, never fatal and never logged.
 *
 * Floor 0. */
#pragma once

#include "base/base.h"

enum wr_verdict {
	WR_TAKEN,
	WR_DROP_SHORT,   /* truncated, or of a length that its type cannot have */
	WR_DROP_TYPE,    /* no WireGuard message */
	WR_DROP_MAC1,    /* an initiation for no key of this port, or a wrong mac1 */
	WR_DROP_BUDGET,  /* a stranger's initiation beyond the look-up budget */
	WR_DROP_COOKIE,  /* under load and without a valid mac2: answered with a cookie */
	WR_DROP_RATE,    /* handshakes faster than allowed for one source or peer */
	WR_DROP_PEER,    /* a handshake from a static key that is no peer */
	WR_DROP_FORGED,  /* authentication failed */
	WR_DROP_REPLAY,  /* counter or timestamp seen before */
	WR_DROP_INDEX,   /* receiver index of no session or handshake */
	WR_DROP_EXPIRED, /* session past REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES */
	WR_DROP_INNER,   /* authentic, but no whole IP packet inside */
	WR_DROP_SOURCE,  /* inner source address is not in the peer's allowed-ips */
	WR_DROP_ECN, /* outer CE on an inner packet that is not ECN-capable: RFC 6040 section 4.2 */
	WR_DROP_NO_ROUTE,    /* inner destination in nobody's allowed-ips */
	WR_DROP_POLICY,      /* a flow that the policy does not allow */
	WR_DROP_FRAGMENT,    /* a fragment whose first was never seen */
	WR_DROP_NO_ENDPOINT, /* peer whose endpoint is not known */
	WR_DROP_STAGED,      /* waited for a handshake in vain, or the queue was full */
	WR_DROP_QUEUE,       /* the queue to the control thread was full */
	WR_DROP_TUN,         /* the TUN device refused the packet, or is not up */
	WR_DROP_UDP,         /* the kernel refused the datagram */
	WR_VERDICTS
};

/* A stable name, as `warren wg --stats` prints it: "short", "mac1", ...;
 * "taken" for WR_TAKEN. */
const char *wr_verdict_name(enum wr_verdict verdict);
