/* Traffic between the hosts of a lab, through their TUN devices: a TCP connection a
 * device, with bytes both ways that are checked, and numbered UDP datagrams that are
 * sent 16 at a time (UDP_SEGMENT).
 *
 * One thread's. */
#pragma once

#include "base/base.h"
#include "lab.h"

#define TRAFFIC_DATAGRAMS 65536

/* One end of a connection, and of the datagrams' way. */
struct traffic_end {
	int tcp, udp;
	uint64_t sent, taken; /* bytes of TCP */
	uint32_t next;        /* number of the next datagram to send */
	uint32_t came;        /* datagrams */
	struct wr_instant next_burst;
	uint8_t seen[TRAFFIC_DATAGRAMS / 8];
};

struct traffic {
	uint64_t stop; /* bytes of each direction of a connection, for now */
	struct traffic_end ends[LAB_DEVICES][2];
};

/* Begins the connections; nothing is sent yet. */
void traffic_open(struct traffic *traffic, const struct lab *lab);
void traffic_close(struct traffic *traffic);

/* Goes on until each direction of each connection has carried `bytes` in all; the
 * test fails if that takes too long. */
void traffic_run(struct traffic *traffic, uint64_t bytes);
/* Goes on for a moment: some events, or 10 ms. */
void traffic_step(struct traffic *traffic);
/* Datagrams that came, of all. */
uint64_t traffic_datagrams(const struct traffic *traffic);
