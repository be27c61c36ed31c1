/* One WireGuard interface as its user sees it: a device on an engine, with the
 * port and mark that were asked for, which hold when the link comes up.
 *
 * Floor 6.  The control thread.  Owns nothing.
 * Source: kernel device.c (wg_open, wg_stop), netlink.c (set_port). */
#pragma once

#include "base/base.h"
#include "engine/engine.h"

struct wr_interface {
	struct wr_engine *engine;
	struct wr_device *device;
	uint16_t listen_port; /* as asked, or as found when it was opened; 0: any */
	uint32_t fwmark;
	bool is_up; /* the link is; the port is open unless it was in use */
};

/* The link went up or down: opens or closes the port. 0, or a negative errno of
 * wr_engine_listen(): then the port stays closed until another one is set, or the
 * link goes down and up. */
int wr_interface_set_up(struct wr_interface *interface, bool is_up) WR_MUST_CHECK;
/* While down only remembered. 0, or a negative errno: then nothing has changed. */
int wr_interface_set_port(struct wr_interface *interface, uint16_t port) WR_MUST_CHECK;
int wr_interface_set_mark(struct wr_interface *interface, uint32_t mark) WR_MUST_CHECK;
