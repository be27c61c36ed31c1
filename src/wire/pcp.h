/* The Port Control Protocol, as far as a host asks its router for one UDP port: the MAP request
 * and its answer.
 *
 * Floor 2.  No state.  Source: RFC 6887, sections 7, 11. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_PCP_PORT 5351
#define WR_PCP_MAP_LEN 60
#define WR_PCP_NONCE_LEN 12

struct wr_pcp_map {
	struct wr_ip client;             /* this host, as it writes to the router */
	uint8_t nonce[WR_PCP_NONCE_LEN]; /* of the mapping: who has it may change it */
	uint16_t port;                   /* of this host */
	uint16_t external_port;          /* that is wished for; 0: any */
	struct wr_ip external;           /* the same; family none: any */
	uint32_t seconds;                /* 0: the mapping is given back */
};

void wr_pcp_map_write(const struct wr_pcp_map *map, uint8_t ret[WR_PCP_MAP_LEN]);

struct wr_pcp_answer {
	uint8_t result; /* 0: it is mapped; else section 7.4 */
	uint32_t seconds;
	struct wr_endpoint external;
};

/* Results that mean: it does not speak PCP. */
#define WR_PCP_UNSUPPORTED_VERSION 1

/* True if the datagram is an answer to `map`: a mapping, or a refusal. An answer of NAT-PMP
 * (RFC 6886, version 0) is one: of an unsupported version. */
bool wr_pcp_answer_read(struct wr_bytes datagram, const struct wr_pcp_map *map,
			struct wr_pcp_answer *ret_answer) WR_MUST_CHECK;
