/* A host behind a router, and a server beyond: this process is the host, the others are network
 * namespaces of its own.
 *
 *     192.168.44.2 (here) ── 192.168.44.1 router 11.0.0.1 ── 11.0.0.10, .11 server */
#pragma once

#include <sys/types.h>

#include "namespace.h"

#define NAT_STUN_PORT 51820
#define NAT_STUN_SECOND 3478

struct nat {
	pid_t children[8];
	unsigned child_count;
};

/* All three, with routes but without any NAT. */
void nat_start(struct nat *nat);
/* Runs nft(8) on the router with a script. */
void nat_rules(const char *script);
/* A process that answers STUN on both addresses and ports of the server. */
void nat_answer_stun(struct nat *nat);
/* miniupnpd(8) on the router; `options` are lines of its configuration. */
void nat_start_miniupnpd(struct nat *nat, const char *options);
/* A router of the older kind: NAT-PMP only (RFC 6886), which gives port + 1 for 120 seconds, and
 * writes what it was asked to /run/nat-pmp. */
void nat_start_nat_pmp(struct nat *nat);
/* What nft says of the router's rules: a new text. */
char *nat_list_rules(void);
/* Ends the processes. */
void nat_stop(struct nat *nat);
