/* What the files of discovery_ears share.
 *
 * Floor 9, for discovery_ears*.c only. */
#pragma once

#include <net/if.h>

#include "linux/udp.h"
#include "zeroconf/discovery_ears.h"

struct ear {
	uv_poll_t poll;
	struct wr_ears *ears;
	struct ear *next;
	int fd;
	struct wr_endpoint group; /* family none: our own port */
	struct wr_ip address;     /* of the interface, when it was opened */
};

struct wr_ears {
	struct wr_ears_config config;
	char skip[IF_NAMESIZE];
	uv_loop_t *loop;
	uv_poll_t news;
	int news_fd; /* -1: none */
	struct wr_udp_receiver *receiver;
	struct wr_udp_sockets own; /* count 0: none; its ears are among the others */
	struct ear *first;
	bool is_closed;
	unsigned users; /* handles, and whoever opened it */
};

/* Drops a user. */
void ears_release(struct wr_ears *ears);
/* Takes the descriptor, also where it fails. */
int ears_add(struct wr_ears *ears, int fd, const struct wr_endpoint *group,
	     const struct wr_ip *address) WR_MUST_CHECK;
/* The one that *at points to; that is the next one's then. */
void ears_remove(struct ear **at);
/* Makes them those of the interfaces as they are now. True if they are others than before. The
 * first error is in *ret_error; what works is there nevertheless. */
bool ears_follow(struct wr_ears *ears, int *ret_error);
