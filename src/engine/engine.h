/* The userspace data plane of one UDP port: workers that carry packets from one
 * end to the other, and the control side that feeds the port's state machine.
 *
 *     UDP -> index -> session -> open -> replay -> allowed-IPs -> TUN
 *     TUN -> allowed-IPs -> session -> seal -> UDP
 *
 * Floor 5.  All calls come from one thread, the control thread, which owns the
 * port (wg/port.h). Workers are the engine's own threads; they share with it only
 * what is published under RCU, the peers' notes, and bounded queues.
 * Source: docs/architecture.md, "Threads and memory". */
#pragma once

#include "base/base.h"
#include "base/verdict.h"
#include "crypto/aead.h"
#include "linux/tun.h"
#include "policy/filter.h"
#include "wg/port.h"

#define WR_ENGINE_MAX_WORKERS 16
/* TUNs that are attached at a time: a hub has one for each gateway. */
#define WR_ENGINE_MAX_TUNS 4096

struct wr_engine;

struct wr_engine_config {
	unsigned workers; /* 1 to WR_ENGINE_MAX_WORKERS */
	const struct wr_aead *aead;
	struct wr_timing timing;
	/* A packet for the own address of a device that forwards and has no TUN: called from
	 * wr_engine_run(), not again for this device before wr_engine_hear(). May be NULL. */
	void (*wants_tun)(void *context, struct wr_device *device);
	void *context;
};

/* A device whose packets go from peer to peer. */
struct wr_forwarding {
	struct wr_filter *filter;        /* borrowed; NULL: all pass */
	struct wr_ip address4, address6; /* the device's own: for its TUN; family none: none */
};

/* What a device that forwards has done. */
struct wr_forwarded {
	uint64_t packets, bytes; /* handed on; of IP */
	uint64_t denied;         /* by the filter */
	uint64_t lost;           /* for nobody of this device */
};

struct wr_counters {
	uint64_t verdicts[WR_VERDICTS];  /* packets and datagrams by what became of them */
	uint64_t rx_packets, tx_packets; /* transport messages, keepalives too */
	uint64_t handshakes;             /* sessions made */
	uint64_t sent_cookies;
};

/* 0 or a negative errno. No thread runs yet. */
int wr_engine_new(const struct wr_engine_config *config, struct wr_engine **ret_engine)
	WR_MUST_CHECK;
/* Ends the workers, wipes and frees all; NULL is fine. Returns NULL. */
struct wr_engine *wr_engine_free(struct wr_engine *engine);

/* The port's state, for configuration: change it, then call wr_engine_run(). */
struct wr_port *wr_engine_port(struct wr_engine *engine);

/* Packets of `tun` belong to `device`, which has none, from now on. The TUN is
 * borrowed until wr_engine_detach(). 0, -ENOMEM or -ENOSPC. */
int wr_engine_attach(struct wr_engine *engine, struct wr_device *device, struct wr_tun *tun)
	WR_MUST_CHECK;
/* No worker uses the device's TUN any more when this returns; close it then. */
void wr_engine_detach(struct wr_engine *engine, struct wr_device *device);
/* Packets of the device's peers go on to its other peers; before it has any. */
int wr_engine_forward(struct wr_engine *engine, struct wr_device *device,
		      const struct wr_forwarding *forwarding) WR_MUST_CHECK;
void wr_engine_count_forwarded(const struct wr_device *device, struct wr_forwarded *ret_forwarded);
/* wants_tun() may be called for the device again. */
void wr_engine_hear(struct wr_device *device);
/* Removes a device with what belongs to it here. */
void wr_engine_remove(struct wr_engine *engine, struct wr_device *device);
/* The MTU that packets are padded to; as the interface has it. */
void wr_engine_set_mtu(struct wr_engine *engine, struct wr_device *device, uint32_t mtu);

/* Starts the workers. 0 or a negative errno. */
int wr_engine_start(struct wr_engine *engine) WR_MUST_CHECK;

/* Opens sockets on `port` (0: any that is free) in place of those that are
 * open; on failure those stay. 0 or a negative errno as of wr_udp_open(). */
int wr_engine_listen(struct wr_engine *engine, uint16_t port, uint32_t mark) WR_MUST_CHECK;
/* Closes the sockets. */
void wr_engine_unlisten(struct wr_engine *engine);
/* Port that is listened on, 0 if none. */
uint16_t wr_engine_listen_port(const struct wr_engine *engine);
/* False if the sockets do not work any more: unlisten, and listen again. */
bool wr_engine_is_listening(const struct wr_engine *engine);
/* SO_MARK of the open sockets. 0 or a negative errno. */
int wr_engine_set_mark(struct wr_engine *engine, uint32_t mark) WR_MUST_CHECK;

/* Readable when wr_engine_run() has something to do. */
int wr_engine_fd(const struct wr_engine *engine);
/* Does all that is due: handshakes, timers, staged packets, reclaiming memory.
 * Returns when to be called next, if wr_engine_fd() does not become readable
 * sooner. */
struct wr_instant wr_engine_run(struct wr_engine *engine);

/* Frees an object of the caller's when no worker can see it any more; and the list of
 * these, for functions that take one. */
void wr_engine_retire(struct wr_engine *engine, struct wr_retired *retired,
		      void (*free_it)(struct wr_retired *retired));
struct wr_retire_list *wr_engine_retired(struct wr_engine *engine);
/* Returns when every worker works by what was published before. */
void wr_engine_settle(struct wr_engine *engine);

/* Sums up what all threads counted. */
void wr_engine_counters(const struct wr_engine *engine, struct wr_counters *ret_counters);

/* Number of worker threads. */
unsigned wr_engine_workers(const struct wr_engine *engine);
