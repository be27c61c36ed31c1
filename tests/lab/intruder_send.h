/* How a hostile neighbour sends: from many ports, from made-up IPv4 addresses, at a rate. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define INTRUDER_PORTS 64

struct intruder_sender {
	uint32_t interface;
	struct wr_endpoint to;  /* family none: the groups of both families */
	struct wr_prefix spoof; /* family none: addresses of its own */
	int v4[INTRUDER_PORTS], v6[INTRUDER_PORTS], raw;
	uint64_t sent, refused; /* datagrams; refused: by this host's kernel */
};

/* 0 or a negative errno. */
int intruder_sender_open(struct intruder_sender *sender) WR_MUST_CHECK;
void intruder_sender_close(struct intruder_sender *sender);
/* One after the other from another port. */
void intruder_send(struct intruder_sender *sender, struct wr_bytes datagram);
/* Of the first port, IPv4 and IPv6: where answers come. */
uint16_t intruder_sender_port(const struct intruder_sender *sender);
