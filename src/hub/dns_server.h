/* DNS over the sockets of a gateway: UDP and TCP, both families, each query answered by
 * the resolver, with limits to what its machines can ask for.
 *
 * Floor 7.  On the thread of its loop.  Source: RFC 1035, RFC 7766 (TCP). */
#pragma once

#include <uv.h>

#include "hub/resolver.h"

/* Bound sockets, listening not yet; -1 where the organisation lacks the family. */
struct wr_dns_sockets {
	int udp4, udp6, tcp4, tcp6;
};

struct wr_dns_server;

/* Takes the sockets, on failure too; the resolver is borrowed. 0 or a negative errno. */
int wr_dns_server_start(uv_loop_t *loop, const struct wr_resolver *resolver,
			struct wr_dns_sockets *sockets, struct wr_dns_server **ret_server)
	WR_MUST_CHECK;
/* Closes all and frees it, then calls `closed` from the loop. */
void wr_dns_server_close(struct wr_dns_server *server, void (*closed)(void *context),
			 void *context);
