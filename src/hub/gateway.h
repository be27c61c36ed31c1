/* The gateway of one organisation: a network namespace that holds lo and one TUN, nothing
 * else. The hub's own addresses are on the TUN, and everything goes through it. There the
 * kernel answers ping, DNS answers on port 53 (UDP and TCP, both families), and from there
 * the server opens connections into the organisation. There is no other way out.
 *
 * Floor 7.  On the thread of its libuv loop, which never waits for the kernel's locks: what
 * makes, mends and takes down namespaces runs on libuv's pool.
 * Needs CAP_SYS_ADMIN and CAP_NET_ADMIN (wr_netns_missing()), /dev/net/tun, and the right to
 * write /run/netns. One of both families takes seven descriptors and 10 KiB, and some 330 KiB
 * of the kernel's. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "hub/resolver.h"
#include "linux/tun.h"

/* Of the name of its namespace: "warren-TAG-NUMBER". */
#define WR_GATEWAY_TAG_LEN 32
#define WR_GATEWAY_TUN "hub"
/* Connections that are being opened at a time. */
#define WR_GATEWAY_CONNECTS 64

struct wr_gateway;

struct wr_gateway_config {
	const char *tag;    /* of this server among those of the host: [a-z0-9-], short */
	uint64_t number;    /* of the organisation */
	const char *label;  /* its DNS label */
	const char *suffix; /* "warren" */
	struct wr_ip address4, address6; /* the hub's; family none where it has none */
	struct wr_prefix range4, range6; /* of the organisation; the same */
	uint32_t mtu;
	struct wr_resolver_source source; /* who knows the machines */
	/* Opened (0, and the TUN) or not (a negative errno, and NULL: close it). From the loop,
	 * once, and never after wr_gateway_close(). The TUN is the gateway's: nobody may use it
	 * any more when wr_gateway_close() is called. */
	void (*opened)(void *context, struct wr_gateway *gateway, int status, struct wr_tun *tun);
	/* It is not whole any more: may be NULL. From the loop, as soon as the kernel tells. */
	void (*damaged)(void *context, struct wr_gateway *gateway);
	void *context;
};

/* Begins to open it; the texts are copied. A namespace of its name that is left over gives
 * way. 0 and *ret_gateway, which is to be closed whatever becomes of it; or a negative
 * errno: -EINVAL for a tag or label that makes no name, -ENOMEM. */
int wr_gateway_open(uv_loop_t *loop, const struct wr_gateway_config *config,
		    struct wr_gateway **ret_gateway) WR_MUST_CHECK;
/* Takes all down and frees it. Connections that are being opened end with -ECANCELED before
 * it returns; after that nothing of it is called any more but, from the loop, `closed` (which
 * may be NULL), when nothing of it is left. The loop has to run until then. May be called
 * from each of its callbacks but `connected`. */
void wr_gateway_close(struct wr_gateway *gateway, void (*closed)(void *context), void *context);

/* True while it is open and nothing of it is known to be missing: name, TUN up, addresses,
 * routes. Cheap: what the kernel tells is looked into as it comes. One that is still being
 * opened or mended is whole. */
bool wr_gateway_is_whole(const struct wr_gateway *gateway);
/* Puts back what is missing and calls `mended` from the loop: 0, and then it is whole; or a
 * negative errno (the TUN is gone): then close it and open another. Sockets and the TUN stay.
 * Not while it is at it already (-EBUSY) or was not opened (-EINVAL): then nothing is called. */
int wr_gateway_mend(struct wr_gateway *gateway, void (*mended)(void *context, int status),
		    void *context) WR_MUST_CHECK;

/* Opens a TCP connection from the hub's address into the organisation, and calls `connected`
 * from the loop: with 0 and a non-blocking descriptor, which is the callee's; or a negative
 * errno and -1: -ETIMEDOUT after `patience`, -ECANCELED where the gateway was closed. 0, or
 * -EINVAL (not open, not of its families), -ENOMEM, -EAGAIN (WR_GATEWAY_CONNECTS are under
 * way); then nothing is called. */
int wr_gateway_connect(struct wr_gateway *gateway, const struct wr_ip *ip, uint16_t port,
		       struct wr_span patience,
		       void (*connected)(void *context, int status, int fd), void *context)
	WR_MUST_CHECK;

/* The name of its namespace, for `ip netns exec`. */
const char *wr_gateway_name(const struct wr_gateway *gateway);

/* Deletes the namespaces that a server of this tag left behind. Waits for the kernel: at
 * start. How many, or a negative errno. */
int wr_gateway_clear_leftovers(const char *tag);
