/* One message of generic netlink at a time, to the kernel's WireGuard and from it.
 *
 * Floor 4, for this folder only: structs are open here. */
#pragma once

#include <libmnl/libmnl.h>

#include "linux/wgnl.h"

/* netlink(7): the kernel divides a dump at 32 KiB. Ours may be as long. */
#define WR_WGNL_MESSAGE_MAX 32768

struct wr_wgnl {
	struct mnl_socket *socket;
	uint16_t family;
	uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t buffer[WR_WGNL_MESSAGE_MAX];
};

/* A message in the buffer; NLM_F_REQUEST is added to the flags. */
struct nlmsghdr *wr_wgnl_begin(struct wr_wgnl *wireguard, uint16_t flags, uint8_t command);
/* Sends it and reads what comes of it, to the last message of a dump or the acknowledgement; the
 * buffer is wiped. 0 or a negative errno: -EINTR where something changed during a dump. */
int wr_wgnl_ask(struct wr_wgnl *wireguard, const struct nlmsghdr *message, mnl_cb_t take,
		void *data) WR_MUST_CHECK;
