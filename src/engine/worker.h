/* A worker: a thread with its own TUN queue, UDP sockets and buffers, which takes
 * packets from one end to the other in batches and never waits for another
 * thread.
 *
 * Floor 5, for this folder only: structs are open here. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/ring.h"
#include "crypto/aead.h"
#include "engine/attachment.h"
#include "engine/coalesce.h"
#include "engine/counters.h"
#include "engine/engine.h"
#include "engine/outbox.h"
#include "engine/rcu.h"
#include "engine/segment.h"
#include "engine/stun.h"
#include "linux/tun.h"
#include "linux/udp.h"
#include "wg/port.h"

/* Handshake datagrams and endpoint changes that wait for the control thread;
 * about 250 bytes each, so some 500. A flood beyond that is dropped here. */
#define WR_MAIL_LEN (128 * 1024)
/* Packets that wait for a session on their way to be staged. */
#define WR_PACKET_MAIL_LEN (256 * 1024)

/* The sockets that workers use: immutable, replaced whole. All descriptors are -1
 * while the engine does not listen. */
struct wr_socket_set {
	struct wr_udp_sockets sockets;
	uint64_t generation; /* from 1; never used twice */
	struct wr_retired retired;
};

/* What all workers share; published by the control thread. */
struct wr_shared {
	const struct wr_aead *aead;
	struct wr_port *port;
	struct wr_rcu rcu;
	_Atomic(struct wr_socket_set *) sockets; /* never NULL */
	_Atomic bool is_stopping;
	unsigned stun_desks;  /* 0: STUN is not answered */
	unsigned knock_desks; /* workers that pass knocks on; 0: nobody is told of them */
	int control_fd;       /* eventfd: the control thread has something to do */
	unsigned worker_count;
	struct wr_bindings bindings;
};

struct wr_worker {
	/* Workers lie side by side, and count; so none shares a line with another. */
	_Alignas(WR_CACHE_LINE) struct wr_shared *shared;
	unsigned number;
	pthread_t thread;
	bool is_started;
	int epoll_fd;
	int wake_fd;             /* eventfd: look at `shared` again */
	bool wakes_control;      /* at the end of this round */
	struct wr_instant now;   /* of this round */
	uint64_t generation;     /* of the sockets that epoll_fd watches */
	uint32_t tun_generation; /* the same of the TUNs */
	uint32_t *watched;       /* serial of the TUN that is watched, by slot; 0: none */
	struct wr_ring *mail;    /* letters to the control thread */
	struct wr_ring *packet_mail;
	struct wr_tally tally;
	struct wr_aead_context *aead_context;
	struct wr_outbox outbox;
	struct wr_udp_receiver *receiver;
	struct wr_stun_desk *stun; /* NULL: not answered */
	struct wr_budget *knocks;  /* NULL: nobody is told of them */
	struct wr_coalescer *coalescer;
	struct wr_segmenter segmenter;
	uint8_t *tun_buffer; /* one packet as read from a TUN */
};

/* Packets of one queue of a TUN: until it is empty or enough is gathered. */
void wr_worker_outbound(struct wr_worker *worker, const struct wr_binding *binding);
/* Datagrams of one socket: one batch. */
void wr_worker_inbound(struct wr_worker *worker, int fd);

/* 0 or a negative errno; then wr_worker_done() is still to be called. */
int wr_worker_init(struct wr_worker *worker, struct wr_shared *shared, unsigned number)
	WR_MUST_CHECK;
int wr_worker_start(struct wr_worker *worker) WR_MUST_CHECK;
/* Makes the worker look at `shared` again. */
void wr_worker_wake(const struct wr_worker *worker);
/* Ends the thread (shared->is_stopping is set) and frees all. */
void wr_worker_done(struct wr_worker *worker);

/* The queue that this worker reads, or -1 if the TUN has too few. */
static inline int wr_worker_queue(const struct wr_worker *worker, const struct wr_tun *tun)
{
	return worker->number < tun->queue_count ? tun->queues[worker->number] : -1;
}
