#include "networks.h"

#include "mesh/prefixes.h"

struct wr_prefix networks_prefix(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

struct wr_ip networks_ip(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static void *must(void *memory)
{
	assert_non_null(memory);
	return memory;
}

static struct wr_ip address(enum wr_family family, unsigned number)
{
	char text[64];

	snprintf(text, sizeof(text), family == WR_IPV4 ? "10.77.%u.%u" : "fd77::%x:%x", number >> 8,
		 number & 255);
	return networks_ip(text);
}

static struct wr_key key_of(unsigned number)
{
	struct wr_key key = { 0 };

	/* Spread, so that the order of keys is not that of uids. */
	key.bytes[0] = (uint8_t)(number * 37);
	memcpy(key.bytes + 4, &number, sizeof(number));
	key.bytes[31] = 0x11;
	return key;
}

struct wr_netmap *networks_empty(void)
{
	struct wr_netmap *map = must(calloc(1, sizeof(*map)));

	strcpy(map->epoch, "epoch1");
	strcpy(map->version, "v1");
	map->generation = 7;
	strcpy(map->uid, "m00001");
	strcpy(map->name, "self");
	map->public_key = key_of(1);
	map->v4 = address(WR_IPV4, 2);
	map->v6 = address(WR_IPV6, 2);
	strcpy(map->network, "acme");
	strcpy(map->suffix, "acme.warren");
	map->range4 = networks_prefix("10.77.0.0/16");
	map->range6 = networks_prefix("fd77::/64");
	map->hub_key = key_of(0xffff);
	map->hub_v4 = address(WR_IPV4, 1);
	map->hub_v6 = address(WR_IPV6, 1);
	map->hub_endpoints[0] = (struct wr_endpoint){ networks_ip("203.0.113.1"), 51820, 0 };
	map->policy = must(strdup("default allow\n"));
	return map;
}

void networks_forget_hub(struct wr_netmap *map)
{
	map->hub_key = (struct wr_key){ 0 };
	map->hub_v4 = map->hub_v6 = (struct wr_ip){ 0 };
	memset(map->hub_endpoints, 0, sizeof(map->hub_endpoints));
	map->stun_port = 0;
}

struct wr_netmap_peer *networks_add(struct wr_netmap *map, unsigned number, enum wr_way way)
{
	struct wr_netmap_peer *peer = must(calloc(1, sizeof(*peer)));

	map->peers =
		must(realloc(map->peers, (map->peer_count + 1) * sizeof(struct wr_netmap_peer *)));
	map->peers[map->peer_count++] = peer;
	snprintf(peer->uid, sizeof(peer->uid), "m%05u", number);
	snprintf(peer->name, sizeof(peer->name), "host-%u", number);
	peer->public_key = key_of(number);
	peer->v4 = address(WR_IPV4, number + 1);
	peer->v6 = address(WR_IPV6, number + 1);
	peer->candidates = must(calloc(WR_PATH_CANDIDATES, sizeof(*peer->candidates)));
	peer->way = way;
	return peer;
}

void networks_add_route(struct wr_netmap_peer *peer, const char *prefix)
{
	peer->routes = must(realloc(peer->routes, (peer->route_count + 1) * sizeof(*peer->routes)));
	peer->routes[peer->route_count++] = networks_prefix(prefix);
}

/* --- At random. --- */

static void add_routes(struct unit_random *random, struct wr_netmap_peer *peer, unsigned number)
{
	char text[64];

	for (size_t i = 0, count = unit_random_below(random, 3); i < count; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/2%zu", 128 + (number >> 8), number & 255,
			 4 + i);
		networks_add_route(peer, text);
	}
	if (unit_random_below(random, 4) == 0) {
		snprintf(text, sizeof(text), "fd80:%x::/48", number);
		networks_add_route(peer, text);
	}
}

static void add_marks(struct unit_random *random, struct wr_netmap_peer *peer)
{
	uint32_t mark = 0;

	peer->mark_count = unit_random_below(random, 4);
	if (peer->mark_count)
		peer->marks = must(calloc(peer->mark_count, sizeof(*peer->marks)));
	for (size_t i = 0; i < peer->mark_count; i++)
		peer->marks[i] = mark += 1 + (uint32_t)unit_random_below(random, 1000000);
}

static void add_candidates(struct unit_random *random, struct wr_netmap_peer *peer)
{
	peer->candidate_count = unit_random_below(random, WR_PATH_CANDIDATES + 1);
	for (size_t i = 0; i < peer->candidate_count; i++) {
		struct wr_candidate *candidate = &peer->candidates[i];
		bool is_v6 = unit_random_below(random, 2);

		candidate->kind = (enum wr_candidate_kind)unit_random_below(random,
									    WR_CANDIDATE_KINDS);
		candidate->endpoint.ip = networks_ip(is_v6 ? "2001:db8::1" : "198.51.100.1");
		candidate->endpoint.ip.bytes[3] = (uint8_t)unit_random_next(random);
		candidate->endpoint.port = (uint16_t)(1 + unit_random_below(random, 65535));
	}
}

static void add_any(struct unit_random *random, struct wr_netmap *map, unsigned number)
{
	struct wr_netmap_peer *peer = networks_add(map, number,
						   (enum wr_way)unit_random_below(random, 3));

	peer->is_online = unit_random_below(random, 2);
	if (unit_random_below(random, 4) == 0)
		peer->v6 = (struct wr_ip){ 0 };
	add_routes(random, peer, number);
	add_marks(random, peer);
	add_candidates(random, peer);
}

static void set_records(struct unit_random *random, struct wr_netmap *map)
{
	free(map->records);
	map->record_count = unit_random_below(random, 5);
	map->records = must(calloc(map->record_count + 1, sizeof(*map->records)));
	for (size_t i = 0; i < map->record_count; i++) {
		snprintf(map->records[i].name, sizeof(map->records[i].name), "r%zu.acme.warren",
			 unit_random_below(random, 100));
		map->records[i].ip = address(unit_random_below(random, 2) ? WR_IPV4 : WR_IPV6,
					     (unsigned)unit_random_below(random, 60000));
	}
}

struct wr_netmap *networks_new(struct unit_random *random, size_t peer_count)
{
	struct wr_netmap *map = networks_empty();

	for (unsigned i = 0; i < peer_count; i++)
		add_any(random, map, 2 + i);
	set_records(random, map);
	map->stun_port = (uint16_t)unit_random_next(random);
	return map;
}

static void change_head(struct unit_random *random, struct wr_netmap *map)
{
	if (unit_random_below(random, 2))
		set_records(random, map);
	if (unit_random_below(random, 3) == 0)
		strcpy(map->name, "another");
	if (unit_random_below(random, 3) == 0)
		strcpy(map->suffix, "acme.example");
	if (unit_random_below(random, 3) == 0)
		map->hub_key = (struct wr_key){ 0 };
	if (unit_random_below(random, 3) == 0) {
		free(map->policy);
		map->policy = must(strdup("default deny\n"));
	}
	if (wr_key_is_zero(&map->hub_key)) {
		map->hub_v4 = map->hub_v6 = (struct wr_ip){ 0 };
		memset(map->hub_endpoints, 0, sizeof(map->hub_endpoints));
		map->stun_port = 0;
	}
}

static void copy_peer(struct wr_netmap *map, const struct wr_netmap_peer *peer)
{
	struct wr_netmap_peer *copy = networks_add(map, 0, peer->way);
	struct wr_candidate *candidates = copy->candidates;
	struct wr_prefix *routes = NULL;

	*copy = *peer;
	copy->candidates = candidates;
	memcpy(candidates, peer->candidates, peer->candidate_count * sizeof(*candidates));
	copy->sharers = 0;
	if (peer->route_count) {
		routes = must(calloc(peer->route_count, sizeof(*routes)));
		memcpy(routes, peer->routes, peer->route_count * sizeof(*routes));
	}
	copy->routes = routes;
	if (peer->mark_count) {
		copy->marks = must(calloc(peer->mark_count, sizeof(*copy->marks)));
		memcpy(copy->marks, peer->marks, peer->mark_count * sizeof(*copy->marks));
	}
}

struct wr_netmap *networks_change(struct unit_random *random, const struct wr_netmap *map)
{
	struct wr_netmap *changed = networks_empty();
	unsigned number = 1;

	free(changed->policy);
	changed->policy = must(strdup(map->policy));
	snprintf(changed->version, sizeof(changed->version), "v%llu",
		 (unsigned long long)unit_random_next(random));
	changed->generation = map->generation + 1;
	for (size_t i = 0; i < map->peer_count; i++) {
		size_t fate = unit_random_below(random, 10);

		number = (unsigned)atoi(map->peers[i]->uid + 1);
		if (fate == 0)
			continue; /* gone */
		if (fate == 1)
			add_any(random, changed, number);
		else
			copy_peer(changed, map->peers[i]);
	}
	for (size_t births = unit_random_below(random, 6); births > 0; births--)
		add_any(random, changed, ++number);
	change_head(random, changed);
	return changed;
}

/* --- Comparing: in no hurry, and with nothing of what it checks. --- */

static void assert_ips(const struct wr_ip *a, const struct wr_ip *b)
{
	assert_int_equal(a->family, b->family);
	assert_memory_equal(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool has_prefix(const struct wr_prefix *prefixes, size_t count, const struct wr_prefix *one)
{
	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].length == one->length && wr_ip_equal(&prefixes[i].ip, &one->ip))
			return true;
	}
	return false;
}

static void assert_prefixes(const struct wr_prefix *a, size_t a_count, const struct wr_prefix *b,
			    size_t b_count)
{
	assert_int_equal(a_count, b_count);
	for (size_t i = 0; i < a_count; i++)
		assert_true(has_prefix(b, b_count, &a[i]));
}

static void assert_endpoints(const struct wr_endpoint *a, const struct wr_endpoint *b)
{
	assert_ips(&a->ip, &b->ip);
	assert_int_equal(a->port, b->port);
}

static void assert_peers(const struct wr_netmap_peer *a, const struct wr_netmap_peer *b)
{
	assert_string_equal(a->uid, b->uid);
	assert_string_equal(a->name, b->name);
	assert_memory_equal(&a->public_key, &b->public_key, sizeof(a->public_key));
	assert_ips(&a->v4, &b->v4);
	assert_ips(&a->v6, &b->v6);
	assert_prefixes(a->routes, a->route_count, b->routes, b->route_count);
	assert_int_equal(a->mark_count, b->mark_count);
	for (size_t i = 0; i < a->mark_count; i++)
		assert_int_equal(a->marks[i], b->marks[i]);
	assert_int_equal(a->candidate_count, b->candidate_count);
	for (size_t i = 0; i < a->candidate_count; i++) {
		assert_int_equal(a->candidates[i].kind, b->candidates[i].kind);
		assert_endpoints(&a->candidates[i].endpoint, &b->candidates[i].endpoint);
	}
	assert_int_equal(a->way, b->way);
	assert_int_equal(a->is_online, b->is_online);
}

static const struct wr_netmap_peer *same_uid(const struct wr_netmap *map, const char *uid)
{
	for (size_t i = 0; i < map->peer_count; i++) {
		if (strcmp(map->peers[i]->uid, uid) == 0)
			return map->peers[i];
	}
	fail_msg("%s is missing", uid);
	return NULL;
}

void networks_assert_equal(const struct wr_netmap *a, const struct wr_netmap *b)
{
	assert_string_equal(a->epoch, b->epoch);
	assert_int_equal(a->generation, b->generation);
	assert_string_equal(a->version, b->version);
	assert_string_equal(a->uid, b->uid);
	assert_string_equal(a->name, b->name);
	assert_memory_equal(&a->public_key, &b->public_key, sizeof(a->public_key));
	assert_ips(&a->v4, &b->v4);
	assert_ips(&a->v6, &b->v6);
	assert_prefixes(a->routes, a->route_count, b->routes, b->route_count);
	assert_string_equal(a->network, b->network);
	assert_string_equal(a->suffix, b->suffix);
	assert_prefixes(&a->range4, 1, &b->range4, 1);
	assert_prefixes(&a->range6, 1, &b->range6, 1);
	assert_memory_equal(&a->hub_key, &b->hub_key, sizeof(a->hub_key));
	assert_ips(&a->hub_v4, &b->hub_v4);
	assert_ips(&a->hub_v6, &b->hub_v6);
	for (size_t i = 0; i < 2; i++)
		assert_endpoints(&a->hub_endpoints[i], &b->hub_endpoints[i]);
	assert_int_equal(a->stun_port, b->stun_port);
	assert_string_equal(a->policy, b->policy);
	assert_int_equal(a->peer_count, b->peer_count);
	for (size_t i = 0; i < a->peer_count; i++)
		assert_peers(a->peers[i], same_uid(b, a->peers[i]->uid));
	assert_int_equal(a->record_count, b->record_count);
	for (size_t i = 0; i < a->record_count; i++) {
		assert_string_equal(a->records[i].name, b->records[i].name);
		assert_ips(&a->records[i].ip, &b->records[i].ip);
	}
}
