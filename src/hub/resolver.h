/* The names of one organisation, as DNS: LABEL.ORG.warren, and back from the addresses of
 * its ranges. A server for these alone: whatever is outside of them is refused, for a
 * gateway has no way to the internet and does not answer for it.
 *
 * Floor 7.  Sans-I/O: queries in, answers out. On the loop's thread, as the look-ups that
 * it calls.
 * Source: RFC 1034, RFC 1035, RFC 2308, RFC 6891, RFC 8482; docs/hub.md. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "wire/dns.h"

/* The hub's own name in each organisation; no machine's. */
#define WR_RESOLVER_HUB "hub"

/* Seconds. A machine's addresses change with its re-creation only; a name that is not
 * there yet is asked for again soon. */
#define WR_RESOLVER_TTL 30
#define WR_RESOLVER_NEGATIVE_TTL 5

/* Most answers over TCP, too: all of ours are smaller by far. */
#define WR_RESOLVER_ANSWER_LEN WR_DNS_EDNS_LEN

/* Who knows the machines. Both leave *ret alone where they return false. */
struct wr_resolver_source {
	/* Addresses of the machine with that label (lower case); a family none where it has
	 * none. */
	bool (*find)(void *context, const char *label, struct wr_ip *ret_v4, struct wr_ip *ret_v6);
	/* The label of the machine with that address, of one of the ranges. */
	bool (*name)(void *context, const struct wr_ip *ip, char ret_label[WR_DNS_LABEL_MAX + 1]);
	void *context;
};

struct wr_resolver {
	struct wr_dns_name zone, server, mail; /* acme.warren, hub.acme.warren, hostmaster... */
	struct wr_ip hub4, hub6;               /* family none: none */
	struct wr_prefix range4, range6;
	struct wr_resolver_source source;
};

/* False if label and suffix make no name. The addresses are set by the caller. */
bool wr_resolver_init(struct wr_resolver *resolver, const char *label, const char *suffix,
		      const struct wr_resolver_source *source) WR_MUST_CHECK;
/* Writes the answer to a query of any bytes; 0 if it is to have none. Over UDP the answer
 * is as long as the client takes, and says so if that is too short. */
size_t wr_resolver_answer(const struct wr_resolver *resolver, struct wr_bytes query, bool is_udp,
			  uint8_t ret_answer[WR_RESOLVER_ANSWER_LEN]);
