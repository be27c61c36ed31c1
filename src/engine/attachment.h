/* What the packets of a device are for: a TUN, the device's other peers, or both.
 *
 * Floor 5, for this folder only: structs are open here. The control thread makes and
 * changes; workers read under RCU. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/retire.h"
#include "engine/engine.h"
#include "linux/tun.h"
#include "policy/guard.h"

struct wr_attachment;

/* A TUN that workers read and write; immutable, replaced whole. */
struct wr_binding {
	struct wr_attachment *attachment;
	struct wr_tun *tun; /* borrowed */
	uint32_t slot;
	uint32_t serial; /* from 1; never used twice */
	struct wr_retired retired;
};

/* Of a device, from its first use until it is removed: wr_device.owner. */
struct wr_attachment {
	struct wr_device *device;
	_Atomic(struct wr_binding *) binding; /* NULL: no TUN */
	_Atomic uint32_t mtu;
	bool is_hub; /* packets go on to the device's other peers, as `forwarding` says */
	struct wr_forwarding forwarding;
	_Atomic(struct wr_guard *) guard; /* borrowed; of what its TUN reads and writes; or NULL */
	_Atomic bool is_wanted;           /* a TUN was asked for, and nobody heard it yet */
	_Alignas(WR_CACHE_LINE) struct wr_forward_tally {
		_Atomic uint64_t packets, bytes, denied, lost;
	} tally;
	struct wr_retired retired;
};

/* The TUNs that workers watch, by slot. */
struct wr_bindings {
	_Atomic(struct wr_binding *) slots[WR_ENGINE_MAX_TUNS];
	_Atomic uint32_t high;       /* slots from here on were never used */
	_Atomic uint32_t generation; /* moves on with every change */
	uint32_t serial;             /* of the newest */
};

static inline struct wr_guard *wr_guard_of(const struct wr_attachment *attachment)
{
	return atomic_load_explicit(&attachment->guard, memory_order_acquire);
}

static inline struct wr_binding *wr_binding_of(const struct wr_attachment *attachment)
{
	return atomic_load_explicit(&attachment->binding, memory_order_acquire);
}
