/* A second port, for STUN alone: what asks two ports of one address sees whether its NAT maps
 * each target to another address (RFC 5780).
 *
 * Floor 7.  On the thread of its loop, and never more than a twentieth of it: what comes faster
 * waits in the kernel, or is lost there. */
#pragma once

#include <uv.h>

#include "base/base.h"

struct wr_stun_port;

/* Answers on UDP `port` of all addresses, both families, from the address that was asked. 0 or
 * a negative errno: -EADDRINUSE, -EACCES. */
int wr_stun_port_open(uv_loop_t *loop, uint16_t port, struct wr_stun_port **ret_port) WR_MUST_CHECK;
/* Calls back when nothing of it is left. */
void wr_stun_port_close(struct wr_stun_port *port, void (*closed)(void *context), void *context);
uint64_t wr_stun_port_answers(const struct wr_stun_port *port);
