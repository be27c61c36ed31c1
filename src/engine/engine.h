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
#include "policy/guard.h"
#include "wg/port.h"

#define WR_ENGINE_MAX_WORKERS 16
/* TUNs that are attached at a time: a hub has one for each gateway. */
#define WR_ENGINE_MAX_TUNS 4096

/* What a knock begins with, and how long it may be: docs/mesh.md, "Knocks". */
#define WR_ENGINE_KNOCK_FIRST 0x57
#define WR_ENGINE_KNOCK_MAX_LEN 256

struct wr_engine;

struct wr_engine_config {
	unsigned workers; /* 1 to WR_ENGINE_MAX_WORKERS */
	const struct wr_aead *aead;
	struct wr_timing timing;
	struct wr_wall least_wall; /* wr_port_set_least_wall(); 0: none */
	/* A packet for the own address of a device that forwards and has no TUN: called from
	 * wr_engine_run(), not again for this device before wr_engine_hear(). May be NULL. */
	void (*wants_tun)(void *context, struct wr_device *device);
	/* A managed peer (wr_peer_manage()) was heard at an address that its traffic does not go
	 * to; a handshake with a peer is through. Called from any function that takes the engine:
	 * they remember, and do nothing with it. May be NULL. */
	void (*heard)(void *context, const struct wr_peer *peer, const struct wr_endpoint *from);
	void (*shook)(void *context, const struct wr_peer *peer);
	/* The same: an initiation went to a managed peer, with which there is no session. */
	void (*wanted)(void *context, const struct wr_peer *peer);
	/* May the port pass datagrams on, unopened, between two peers of one device? Called from
	 * wr_engine_run(), for a handshake between two that have none yet, and from
	 * wr_engine_review_relay(). NULL: it relays nothing. */
	bool (*may_relay)(void *context, const struct wr_peer *from, const struct wr_peer *to);
	bool has_stun; /* the port tells who asks by STUN what address it sees */
	/* A datagram that begins as no message of WireGuard's and no STUN does came to the port:
	 * its first byte is WR_ENGINE_KNOCK_FIRST, nothing else of it was looked at. No more than
	 * some 16 a second of one address, and 200 in all; the rest is counted (WR_DROP_BUDGET).
	 * Called from any function that takes the engine, as `heard`. NULL: they are dropped. */
	void (*knocked)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);
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
	uint64_t relayed_packets, relayed_bytes; /* passed on unopened; of UDP payload */
	uint64_t relay_refused;                  /* handshake messages between machines */
	uint64_t stun_answers;
	uint64_t knocks; /* handed to knocked() */
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
/* What goes to the device's TUN and what comes from it is judged by it (borrowed; NULL: all pass)
 * when this returns, and by none of before. The device has a TUN, or had one. */
void wr_engine_set_guard(struct wr_engine *engine, struct wr_device *device,
			 struct wr_guard *guard);
/* Packets of the device's peers go on to its other peers; before it has any. */
int wr_engine_forward(struct wr_engine *engine, struct wr_device *device,
		      const struct wr_forwarding *forwarding) WR_MUST_CHECK;
/* What was set by wr_engine_forward(); NULL: nothing. */
const struct wr_forwarding *wr_engine_forwarding(const struct wr_device *device);
void wr_engine_count_forwarded(const struct wr_device *device, struct wr_forwarded *ret_forwarded);
/* wants_tun() may be called for the device again. */
void wr_engine_hear(struct wr_device *device);
/* Removes a device with what belongs to it here. */
void wr_engine_remove(struct wr_engine *engine, struct wr_device *device);
/* The MTU that packets are padded to; as the interface has it. */
void wr_engine_set_mtu(struct wr_engine *engine, struct wr_device *device, uint32_t mtu);

/* Sends an empty packet of the peer's session to an address that its traffic does not go to, and
 * which stays as it is; nothing of the peer's timers counts it. False if there is no session. */
bool wr_engine_probe(struct wr_engine *engine, struct wr_peer *peer, const struct wr_endpoint *to);

/* Sends a knock of up to WR_ENGINE_KNOCK_MAX_LEN from the port; to.local, where it is known, is the
 * address that it leaves from. 0; -ENOTCONN while the engine does not listen (on that family);
 * or what the kernel says. */
int wr_engine_send(const struct wr_engine *engine, struct wr_bytes datagram,
		   const struct wr_endpoint *to) WR_MUST_CHECK;

/* What may_relay() says of peers of the device may be another thing by now: it is asked again,
 * and what it forbids stops, for each worker when wr_engine_settle() returns. */
void wr_engine_review_relay(struct wr_engine *engine, const struct wr_device *device);

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
