/* Network maps for tests: made at random, changed at random, compared field by field. */
#pragma once

#include "mesh/netmap.h"
#include "unit.h"

/* Machines of 10.77.0.0/16 and fd77::/64; we are number 1, the hub's address is number 0's. Peers
 * are numbered from 2. Not indexed: as a server makes one. */
struct wr_netmap *networks_new(struct unit_random *random, size_t peer_count);
/* Another one with the same past: some peers are gone, new or other, and some parts are other. */
struct wr_netmap *networks_change(struct unit_random *random, const struct wr_netmap *map);
/* Adds a peer with that number, plain: no routes or marks, and no candidates, but room for them. */
struct wr_netmap_peer *networks_add(struct wr_netmap *map, unsigned number, enum wr_way way);
void networks_add_route(struct wr_netmap_peer *peer, const char *prefix);
/* Plain self, network and hub, and no peers. */
struct wr_netmap *networks_empty(void);
/* As a mesh's map is. */
void networks_forget_hub(struct wr_netmap *map);
struct wr_prefix networks_prefix(const char *text);
struct wr_ip networks_ip(const char *text);
/* Fails the test where they are not equal, all but `sharers` and the order of peers. */
void networks_assert_equal(const struct wr_netmap *a, const struct wr_netmap *b);
