/* What a gateway is to the kernel: its namespace, TUN, addresses and sockets.
 *
 * Floor 7, for this folder only. On the pool's threads: all of it waits for the kernel;
 * one thread at a time has a place. */
#pragma once

#include "hub/dns_server.h"
#include "linux/netns.h"
#include "linux/setup.h"

struct wr_place {
	struct wr_netns netns; /* fd -1: not there */
	struct wr_tun *tun;
	struct wr_setup setup;
	struct wr_dns_sockets sockets; /* until they are taken */
	int watch;                     /* as of wr_setup_watch() */
};

/* Of a namespace of that name, with these addresses, and these ranges through the TUN. */
struct wr_place wr_place_of(const char *name, const struct wr_setup *setup);
/* Makes it, in place of what has the name. 0 or a negative errno; then nothing is left. */
int wr_place_make(struct wr_place *place, const char *tun, uint32_t mtu) WR_MUST_CHECK;
/* 0 and whether it is as it was made, or a negative errno. */
int wr_place_look(const struct wr_place *place, bool *ret_is_whole) WR_MUST_CHECK;
/* Makes it so again: 0; or a negative errno: -ENODEV, the TUN is gone. */
int wr_place_mend(const struct wr_place *place) WR_MUST_CHECK;
/* A TCP socket in it, bound to its address of that family. 0 or a negative errno. */
int wr_place_socket(const struct wr_place *place, enum wr_family family, int *ret_fd) WR_MUST_CHECK;
/* Closes what it has, and takes the name away if it still is its own. */
void wr_place_unmake(struct wr_place *place);
