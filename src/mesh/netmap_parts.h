/* What the files of the network map share: reading JSON until the first fault, and checks.
 *
 * Floor 7.  For netmap*.c only. */
#pragma once

#include "mesh/netmap.h"

#define WR_NETMAP_WHY 200

/* Reads members of objects. The first fault sticks, and is told in one line that names its place
 * and nothing of what stood there. */
struct wr_netmap_reader {
	char *why; /* WR_NETMAP_WHY bytes */
	bool has_fault;
	char place[48]; /* "self", "peers[12]"; "" */
};

/* `member` may be NULL: of the place itself. */
void wr_netmap_fault(struct wr_netmap_reader *reader, const char *member, const char *format, ...)
	WR_PRINTF(3, 4);
/* NULL if it is not there, or (a fault) no object or list. */
const json_t *wr_netmap_object(struct wr_netmap_reader *reader, const json_t *object,
			       const char *member);
/* One that is not there is a fault too, if it `is_needed`. Returns how many it has, at most
 * `max`. */
size_t wr_netmap_list(struct wr_netmap_reader *reader, const json_t *object, const char *member,
		      bool is_needed, size_t max, const json_t **ret_list);
/* "" if there is a fault. */
const char *wr_netmap_text(struct wr_netmap_reader *reader, const json_t *object,
			   const char *member);
/* Copies it if `is_good`; `size` has room for the NUL. */
void wr_netmap_word(struct wr_netmap_reader *reader, const json_t *object, const char *member,
		    bool (*is_good)(const char *text), const char *what, char *ret_text,
		    size_t size);
uint64_t wr_netmap_number(struct wr_netmap_reader *reader, const json_t *object, const char *member,
			  uint64_t max);
void wr_netmap_key(struct wr_netmap_reader *reader, const json_t *object, struct wr_key *ret_key);
/* `addresses`: one of each family at most, one at least if `is_needed`. */
void wr_netmap_addresses(struct wr_netmap_reader *reader, const json_t *object, bool is_needed,
			 struct wr_ip *ret_v4, struct wr_ip *ret_v6);
/* `routes`: in ascending order, none a default route. */
void wr_netmap_routes(struct wr_netmap_reader *reader, const json_t *object,
		      struct wr_prefix **ret_routes, size_t *ret_count);
bool wr_netmap_is_uid(const char *text);
bool wr_netmap_is_label(const char *text);
bool wr_netmap_is_domain(const char *text);
bool wr_netmap_is_version(const char *text);
/* A place traffic can be sent to. */
bool wr_netmap_is_endpoint(const struct wr_endpoint *endpoint);

/* NULL if there is a fault. */
struct wr_netmap_peer *wr_netmap_peer_parse(struct wr_netmap_reader *reader, const json_t *json);
/* All of a list behind those that the map has, which has room for them; stops at the first fault.
 */
void wr_netmap_add_peers(struct wr_netmap_reader *reader, const json_t *list,
			 struct wr_netmap *map);
/* One owner less; the last one frees. NULL is fine. */
void wr_netmap_peer_release(struct wr_netmap_peer *peer);

/* Members of a map that are there; in a whole map (`is_whole`) all have to be. Peers are left
 * out. */
void wr_netmap_read_head(struct wr_netmap_reader *reader, const json_t *message, bool is_whole,
			 struct wr_netmap *map);
/* All that has to hold between the parts of an indexed map. */
void wr_netmap_check(struct wr_netmap_reader *reader, const struct wr_netmap *map);

/* Parts of a map in JSON, as in a message. NULL where memory is short. */
json_t *wr_netmap_addresses_json(const struct wr_ip *v4, const struct wr_ip *v6);
json_t *wr_netmap_routes_json(const struct wr_prefix *routes, size_t count);
json_t *wr_netmap_self_json(const struct wr_netmap *map);
json_t *wr_netmap_network_json(const struct wr_netmap *map);
json_t *wr_netmap_hub_json(const struct wr_netmap *map);
json_t *wr_netmap_records_json(const struct wr_netmap *map);
