/* Two machines for a test: network namespaces with a cable between them, and TUN
 * devices. Nothing has a name outside of this process: all is gone when it ends.
 *
 *     10.77.N.1/24, fd77::1/64  A wan ------- wan B  10.77.N.2/24, fd77::2/64
 *     10.88.N.1/24              A wgN         wgN B  10.88.N.2/24
 *
 * Made and used by one thread; needs root and ip(8) of iproute2. */
#pragma once

#include "linux/tun.h"

#define LAB_DEVICES 4
#define LAB_MTU 1420

struct lab_host {
	int ns;          /* its network namespace */
	unsigned number; /* 1 or 2, the last byte of its addresses */
	struct wr_tun *tuns[LAB_DEVICES];
};

struct lab {
	int home; /* the namespace that the thread came from */
	struct lab_host hosts[2];
};

/* TUN devices of host n have `queues[n]` queues. */
void lab_open(struct lab *lab, const unsigned queues[2]);
void lab_close(struct lab *lab);

/* The calling thread is on the host from now on, until lab_leave(). */
void lab_enter(const struct lab_host *host);
void lab_leave(const struct lab *lab);

/* Runs ip(8) on the host; the test fails if it does. */
void lab_ip(const struct lab *lab, const struct lab_host *host, const char *format, ...)
	WR_PRINTF(3, 4);
/* A counter of /proc/net/snmp of the host: "Tcp", "InCsumErrors". */
uint64_t lab_snmp(const struct lab *lab, const struct lab_host *host, const char *group,
		  const char *name);
