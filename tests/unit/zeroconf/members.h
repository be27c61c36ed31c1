/* Members of meshes for tests of discovery: each is a thread in a network namespace, with a loop
 * and a discovery of its own, and a UDP port that stands for WireGuard's. */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "linux/namespace.h"
#include "linux/netns.h"
#include "zeroconf/discovery.h"

#define MEMBER_SIGHTS 4096

/* A good knock that a member was told of. */
struct sight {
	struct wr_knock knock;
	struct wr_endpoint from;
};

enum order {
	ORDER_NONE,
	ORDER_CLOSE,
	ORDER_LOOK,
	ORDER_HURRY,
	ORDER_SIZE,
	ORDER_KNOCK,
};

struct member {
	/* Set before it is started. */
	const struct wr_netns *netns;
	const struct wr_mesh_keys *keys;
	unsigned number; /* its identity, and WireGuard's port: 52000 + number */
	uint64_t epoch;
	bool has_no_lan;
	const struct member *knows; /* who needs no answer; NULL: everybody does */
	bool is_kernel;             /* WireGuard's port is deaf to knocks */
	uint16_t own_port;          /* that is wanted instead; 0: any */
	bool is_behind_nat; /* what it sends comes from another port than it says, and only there
			     * it is heard */

	struct wr_key identity;
	int open_status;
	char why[200];

	pthread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	uv_poll_t wireguard;
	int wireguard_fd;
	struct wr_discovery *discovery;
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t news;
	enum order order;
	size_t size;
	struct wr_endpoint to;
	int knock_status;
	struct wr_discovery_figures figures;
	struct sight sights[MEMBER_SIGHTS];
	size_t sight_count;
};

/* Returns when it is open, or when that failed (`open_status`, `why`). */
void member_start(struct member *member);
/* Of one that was opened. */
void member_stop(struct member *member);
struct wr_discovery_figures member_look(struct member *member);
void member_hurry(struct member *member);
void member_set_size(struct member *member, size_t members);
int member_knock(struct member *member, const char *address, uint16_t port);
/* Waits until it was told of the other one, from the address (NULL: any). The latest such sight. */
struct sight member_await(struct member *member, const struct member *other, const char *from);
/* Sights of the other one from now on. */
size_t member_count(struct member *member, const struct member *other);
