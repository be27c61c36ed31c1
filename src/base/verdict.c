#include "base/verdict.h"

static const char *const names[WR_VERDICTS] = {
	[WR_TAKEN] = "taken",
	[WR_DROP_SHORT] = "short",
	[WR_DROP_TYPE] = "type",
	[WR_DROP_MAC1] = "mac1",
	[WR_DROP_BUDGET] = "budget",
	[WR_DROP_COOKIE] = "cookie",
	[WR_DROP_RATE] = "rate",
	[WR_DROP_PEER] = "peer",
	[WR_DROP_FORGED] = "forged",
	[WR_DROP_REPLAY] = "replay",
	[WR_DROP_INDEX] = "index",
	[WR_DROP_EXPIRED] = "expired",
	[WR_DROP_INNER] = "inner",
	[WR_DROP_SOURCE] = "source",
	[WR_DROP_ECN] = "ecn",
	[WR_DROP_NO_ROUTE] = "no-route",
	[WR_DROP_POLICY] = "policy",
	[WR_DROP_FRAGMENT] = "fragment",
	[WR_DROP_NO_ENDPOINT] = "no-endpoint",
	[WR_DROP_STAGED] = "staged",
	[WR_DROP_QUEUE] = "queue",
	[WR_DROP_TUN] = "tun",
	[WR_DROP_UDP] = "udp",
};

const char *wr_verdict_name(enum wr_verdict verdict)
{
	assert((unsigned)verdict < WR_VERDICTS);
	return names[verdict];
}
