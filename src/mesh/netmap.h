/* The network map: all that a member has to know of its network, whoever says so. Every source
 * makes one, every sink reads it, and nothing else passes between who decides and who carries.
 *
 * Floor 7.  One thread.  Source: docs/architecture.md, "Intent"; docs/agents.md has the JSON. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "path/path.h"

#define WR_NETMAP_UID_LEN 20
#define WR_NETMAP_NAME_LEN 63 /* a DNS label */
#define WR_NETMAP_VERSION_LEN 63
/* More than any network has; more is refused. */
#define WR_NETMAP_PEERS 20000
#define WR_NETMAP_ROUTES 64
#define WR_NETMAP_MARKS 256
#define WR_NETMAP_RECORDS 10000

/* How a peer is reached. */
enum wr_way {
	WR_WAY_HUB,    /* the hub opens and forwards: it has no agent, or the topology says so */
	WR_WAY_RELAY,  /* a tunnel of its own, over the relay only */
	WR_WAY_DIRECT, /* a tunnel of its own, over whatever path is best */
};

struct wr_netmap_peer {
	char uid[WR_NETMAP_UID_LEN + 1];
	char name[WR_NETMAP_NAME_LEN + 1];
	struct wr_key public_key;
	struct wr_ip v4, v6;      /* family none: none */
	struct wr_prefix *routes; /* behind it, in force */
	size_t route_count;
	uint32_t *marks; /* policy/view.h */
	size_t mark_count;
	struct wr_candidate *candidates; /* wr_netmap_add_candidate() */
	size_t candidate_count;
	enum wr_way way;
	bool is_online;
	uint32_t sharers; /* maps that have it beside the first: what a delta leaves is shared */
};

struct wr_netmap_record {
	char name[256]; /* in full, without the dot at the end */
	struct wr_ip ip;
};

struct wr_netmap {
	/* Of the source's database: another one is another past. */
	char epoch[WR_NETMAP_UID_LEN + 1];
	uint64_t generation;                     /* grows with every change that is kept */
	char version[WR_NETMAP_VERSION_LEN + 1]; /* of the source; compared for equality only */

	/* Self. */
	char uid[WR_NETMAP_UID_LEN + 1];
	char name[WR_NETMAP_NAME_LEN + 1];
	struct wr_key public_key;
	struct wr_ip v4, v6;
	struct wr_prefix *routes; /* of ours, in force: we are the router */
	size_t route_count;

	/* The network. */
	char network[WR_NETMAP_NAME_LEN + 1];
	char suffix[256]; /* of names: "acme.warren" */
	struct wr_prefix range4, range6;

	/* The hub; an all zero key: there is none. */
	struct wr_key hub_key;
	struct wr_ip hub_v4, hub_v6;
	struct wr_endpoint hub_endpoints[2]; /* IPv4, IPv6; family none: none */
	uint16_t stun_port;                  /* a second one of the hub, for STUN; 0: none */

	char *policy; /* reduced text (policy/view.h) */

	struct wr_netmap_peer **peers; /* by uid */
	size_t peer_count;
	/* The same by key and by name, to be found. NULL in a map that was made by hand: then they
	 * are looked through. */
	struct wr_netmap_peer **by_key, **by_name;
	struct wr_netmap_record *records;
	size_t record_count;
};

/* From a `map` message: checked whole, however it was made. NULL, and one line in `ret_why`. */
struct wr_netmap *wr_netmap_parse(const json_t *message, char ret_why[200]) WR_MUST_CHECK;
/* A `map` message; NULL where memory is short. */
json_t *wr_netmap_json(const struct wr_netmap *map);
/* One peer, as in `peers`. */
json_t *wr_netmap_peer_json(const struct wr_netmap_peer *peer);
bool wr_netmap_peer_equal(const struct wr_netmap_peer *a, const struct wr_netmap_peer *b);
/* "192.0.2.1:51820"; null where the family is none. */
json_t *wr_netmap_endpoint_json(const struct wr_endpoint *endpoint);
/* {"kind", "endpoint"}: as in `candidates`. False if it is none that a packet can go to, or of a
 * kind that is not known. */
json_t *wr_netmap_candidate_json(const struct wr_candidate *candidate);
bool wr_netmap_candidate_parse(const json_t *json, struct wr_candidate *ret_candidate)
	WR_MUST_CHECK;
/* Adds it, where the peer has less than WR_PATH_CANDIDATES. False where memory is short. */
bool wr_netmap_add_candidate(struct wr_netmap_peer *peer, const struct wr_candidate *candidate)
	WR_MUST_CHECK;
/* The `delta` from one to the other; NULL where memory is short. */
json_t *wr_netmap_diff(const struct wr_netmap *from, const struct wr_netmap *to);
/* A new map with a `delta` applied (peers that it leaves are shared by both). NULL, and one line:
 * -ESTALE in *ret_error if the delta is from another version (ask for the whole map), -EINVAL if it
 * is none. */
struct wr_netmap *wr_netmap_patch(const struct wr_netmap *map, const json_t *delta, int *ret_error,
				  char ret_why[200]) WR_MUST_CHECK;
/* Before wr_netmap_index(): peers that are the same in another map, which has its index, are shared
 * by both from now on: of a thousand peers hardly one is new. */
void wr_netmap_share(const struct wr_netmap *from, struct wr_netmap *map);
/* Of a map that was made by hand: sorts its peers, and makes what finding needs. False where memory
 * is short. */
bool wr_netmap_index(struct wr_netmap *map) WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_netmap *wr_netmap_free(struct wr_netmap *map);
/* NULL if there is none. */
const struct wr_netmap_peer *wr_netmap_find(const struct wr_netmap *map, const char *uid);
const struct wr_netmap_peer *wr_netmap_find_key(const struct wr_netmap *map,
						const struct wr_key *public_key);
const struct wr_netmap_peer *wr_netmap_find_name(const struct wr_netmap *map, const char *name);

/* The last map, on disk (mode 0600, replaced whole): a restart needs no server. 0 or a negative
 * errno; loading: -ENOENT, -EINVAL with a line. */
int wr_netmap_save(const struct wr_netmap *map, const char *path) WR_MUST_CHECK;
/* The two halves of it, for whom the disk is too slow: the text (a new string; NULL where memory is
 * short), and to write it, on any thread. */
char *wr_netmap_dump(const struct wr_netmap *map) WR_MUST_CHECK;
int wr_netmap_write(const char *text, const char *path) WR_MUST_CHECK;
int wr_netmap_load(const char *path, struct wr_netmap **ret_map, char ret_why[200]) WR_MUST_CHECK;
