/* Members of a mesh, with real engines, each in a namespace of its own on one cable: the first
 * packet where only addresses are known, and members that relay for others.
 *
 * WARREN_TEST_BACKENDS ("kernel engine") says which kinds the first two are; who relays has an
 * engine. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "linux/clock.h"
#include "linux/namespace.h"
#include "linux/netns.h"
#include "mesh/paths.h"
#include "networks.h"
#include "wire/message.h"

#define MEMBERS 4
/* Less than WireGuard's own retry after 5 s would take. */
#define PATIENCE_MS 4500
#define FLOW_PORT 7000
#define FLOW_EVERY_MS 10
/* An address of the cable that nobody has. */
#define NOBODY "192.0.2.77"

struct side {
	const char *name, *outside;
	unsigned number;
	enum wr_backend_kind kind;
	struct wr_netns netns;
	struct wr_key private_key, public_key;
	struct wr_backend *backend;
	struct wr_paths *paths;
	struct wr_netmap *map;
	unsigned time_scale;
	unsigned wanted;
	struct wr_endpoint observed;
	bool relays;
};

static uv_loop_t loop;
static struct side sides[MEMBERS] = {
	{ .name = "first", .outside = "192.0.2.1", .number = 1 },
	{ .name = "second", .outside = "192.0.2.2", .number = 2 },
	{ .name = "third", .outside = "192.0.2.3", .number = 3 },
	{ .name = "fourth", .outside = "192.0.2.4", .number = 4 },
};
static struct side *const a = &sides[0], *const b = &sides[1];
static struct side *const r1 = &sides[2], *const r2 = &sides[3];

static uint64_t now_ms(void)
{
	return wr_clock_now().ns / 1000000;
}

static struct wr_endpoint endpoint(const char *address, uint16_t port)
{
	return (struct wr_endpoint){ .ip = networks_ip(address), .port = port };
}

static const char *inside(const struct side *side)
{
	static char texts[2][20];
	static unsigned at;
	char *text = texts[at++ % 2];

	snprintf(text, sizeof(texts[0]), "10.77.0.%u", side->number + 1);
	return text;
}

static const char *uid(const struct side *side)
{
	static char texts[2][WR_NETMAP_UID_LEN + 1];
	static unsigned at;
	char *text = texts[at++ % 2];

	snprintf(text, sizeof(texts[0]), "m%05u", side->number);
	return text;
}

/* --- Members. --- */

static void on_heard(void *context, const struct wr_key *peer, const struct wr_endpoint *from)
{
	struct side *side = context;

	if (side->paths)
		wr_paths_heard(side->paths, peer, from);
}

static void on_shook(void *context, const struct wr_key *peer)
{
	struct side *side = context;

	if (side->paths)
		wr_paths_shook(side->paths, peer);
}

static void on_wanted(void *context, const struct wr_key *peer)
{
	struct side *side = context;

	side->wanted++;
	if (side->paths)
		wr_paths_wanted(side->paths, peer);
}

static bool may_relay(void *context, const struct wr_key *from, const struct wr_key *to)
{
	const struct side *side = context;

	assert_false(wr_key_equal(from, to));
	return side->relays;
}

static void on_observed(void *context, const struct wr_key *by, const struct wr_endpoint *us)
{
	struct side *side = context;

	(void)by;
	side->observed = *us;
}

static void open_backend(struct side *side)
{
	const struct wr_backend_config config = {
		.name = "wr0",
		.kind = side->kind,
		.private_key = side->private_key,
		.mtu = 1380,
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.time_scale = side->time_scale,
		.heard = on_heard,
		.shook = on_shook,
		.wanted = on_wanted,
		.may_relay = may_relay,
		.has_stun = true,
		.context = side,
	};
	char why[200];

	if (wr_backend_open(&loop, &config, &side->backend, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(wr_backend_set_up(side->backend, true), 0);
	namespace_run("/usr/sbin/ip -n %s addr add %s/16 dev wr0", side->name, inside(side));
}

static void add_candidate(struct wr_netmap_peer *peer, enum wr_candidate_kind kind,
			  struct wr_endpoint at)
{
	assert_true(wr_netmap_add_candidate(peer, &(struct wr_candidate){ kind, at }));
}

static void know(struct side *side, struct side *other)
{
	struct wr_prefix allowed = networks_prefix(inside(other));
	const struct wr_backend_peer peer = {
		.public_key = other->public_key,
		.preshared_key = { { 1, 2, 3 } },
		.allowed = &allowed,
		.allowed_count = 1,
	};
	struct wr_netmap_peer *in_map = networks_add(side->map, other->number, WR_WAY_DIRECT);

	assert_int_equal(wr_backend_set_peer(side->backend, &peer), 0);
	in_map->public_key = other->public_key;
	in_map->v4 = networks_ip(inside(other));
	in_map->v6 = (struct wr_ip){ 0 };
	add_candidate(in_map, WR_CANDIDATE_LOCAL,
		      endpoint(other->outside, wr_backend_port(other->backend)));
}

static void make_map(struct side *side)
{
	side->map = networks_empty();
	networks_forget_hub(side->map);
	side->map->public_key = side->public_key;
	side->map->v4 = networks_ip(inside(side));
	side->map->v6 = (struct wr_ip){ 0 };
	for (int i = 0; i < MEMBERS; i++)
		if (&sides[i] != side)
			know(side, &sides[i]);
	assert_true(wr_netmap_index(side->map));
}

static struct wr_netmap_peer *peer_of(struct side *side, const struct side *other)
{
	for (size_t i = 0; i < side->map->peer_count; i++)
		if (wr_key_equal(&side->map->peers[i]->public_key, &other->public_key))
			return side->map->peers[i];
	fail_msg("no such peer");
	return NULL;
}

static void start_paths(struct side *side)
{
	const struct wr_paths_config config = {
		.backend = side->backend,
		.observed = on_observed,
		.context = side,
	};

	assert_int_equal(wr_paths_new(&loop, &config, &side->paths), 0);
	wr_paths_set_map(side->paths, side->map);
}

static void in_namespace(struct side *side, void (*what)(struct side *side))
{
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&side->netns, &visit), 0);
	what(side);
	wr_netns_leave(&visit);
}

static void stop(struct side *side)
{
	side->paths = wr_paths_free(side->paths);
	side->backend = wr_backend_free(side->backend);
	side->map = wr_netmap_free(side->map);
}

static void set_up(unsigned time_scale)
{
	for (int i = 0; i < MEMBERS; i++) {
		sides[i].time_scale = time_scale;
		sides[i].wanted = 0;
		sides[i].relays = true;
		sides[i].observed = (struct wr_endpoint){ 0 };
		in_namespace(&sides[i], open_backend);
	}
	for (int i = 0; i < MEMBERS; i++)
		make_map(&sides[i]);
}

static void start_all(void)
{
	for (int i = 0; i < MEMBERS; i++)
		in_namespace(&sides[i], start_paths);
}

static int setup(void **state)
{
	(void)state;
	set_up(1);
	return 0;
}

static int setup_fast(void **state)
{
	(void)state;
	set_up(20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		if (sides[i].backend)
			in_namespace(&sides[i], stop);
		namespace_run("/usr/sbin/ip netns exec %s /usr/sbin/nft flush ruleset",
			      sides[i].name);
	}
	return 0;
}

static bool has_kernel(void)
{
	return a->kind == WR_BACKEND_KERNEL || b->kind == WR_BACKEND_KERNEL;
}

/* --- Time. --- */

static void on_timer(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void turn_for(unsigned ms)
{
	uv_timer_t timer;
	bool is_over = false;

	uv_timer_init(&loop, &timer);
	timer.data = &is_over;
	uv_update_time(&loop);
	uv_timer_start(&timer, on_timer, ms ? ms : 1, 0);
	while (!is_over)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static struct wr_paths_sight sight_of(struct side *side, const struct side *other)
{
	struct wr_paths_sight sight;

	assert_true(wr_paths_look(side->paths, uid(other), &sight));
	return sight;
}

static void await_direct(struct side *side, const struct side *other)
{
	uint64_t begun = now_ms();

	while (sight_of(side, other).path.state != WR_PATH_DIRECT) {
		if (now_ms() - begun > PATIENCE_MS)
			fail_msg("%s is not direct", side->name);
		turn_for(5);
	}
}

/* --- Packets inside. --- */

static int socket_of(struct side *side)
{
	struct wr_ip ip = networks_ip(inside(side));
	int fd;

	assert_int_equal(wr_netns_bind(&side->netns, SOCK_DGRAM, &ip, FLOW_PORT, &fd), 0);
	return fd;
}

static void send_to(int fd, const struct side *to, size_t len)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(FLOW_PORT) };
	static const uint8_t data[1000];

	inet_pton(AF_INET, inside(to), &address.sin_addr);
	(void)!sendto(fd, data, len, 0, (struct sockaddr *)&address, sizeof(address));
}

static bool has_come(int fd)
{
	uint8_t data[1000];

	return recv(fd, data, sizeof(data), MSG_DONTWAIT) >= 0;
}

/* How long it took, in ms. */
static uint64_t await_packet(int fd, uint64_t most_ms)
{
	uint64_t begun = now_ms();

	while (!has_come(fd)) {
		if (now_ms() - begun > most_ms)
			fail_msg("no packet after %llu ms", (unsigned long long)most_ms);
		turn_for(1);
	}
	return now_ms() - begun;
}

struct flow {
	int from, to;
	size_t len;
	unsigned sent, came;
	uint64_t last_came_ms, longest_gap_ms;
	uv_timer_t timer;
};

static void flow_receive(struct flow *flow)
{
	uint64_t now = now_ms();

	while (has_come(flow->to)) {
		uint64_t gap = flow->last_came_ms ? now - flow->last_came_ms : 0;

		flow->came++;
		flow->longest_gap_ms = gap > flow->longest_gap_ms ? gap : flow->longest_gap_ms;
		flow->last_came_ms = now;
	}
}

static void on_flow(uv_timer_t *timer)
{
	struct flow *flow = timer->data;

	flow_receive(flow);
	send_to(flow->from, b, flow->len);
	flow->sent++;
}

static void flow_start(struct flow *flow)
{
	*flow = (struct flow){ .from = socket_of(a), .to = socket_of(b), .len = 100 };
	uv_timer_init(&loop, &flow->timer);
	flow->timer.data = flow;
	uv_timer_start(&flow->timer, on_flow, 0, FLOW_EVERY_MS);
}

static void flow_stop(struct flow *flow)
{
	uv_timer_stop(&flow->timer);
	turn_for(300);
	flow_receive(flow);
	uv_close((uv_handle_t *)&flow->timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	close(flow->from);
	close(flow->to);
}

static void await_flow(struct flow *flow, unsigned count, uint64_t most_ms)
{
	uint64_t begun = now_ms();
	unsigned before = flow->came;

	while (flow->came < before + count) {
		if (now_ms() - begun > most_ms)
			fail_msg("%u of %u packets after %llu ms", flow->came - before, count,
				 (unsigned long long)most_ms);
		turn_for(10);
	}
}

/* Packets between the two do not pass any more. */
static void cut(const struct side *one, const struct side *other)
{
	namespace_run("/usr/sbin/ip netns exec %s /usr/sbin/nft -f - <<'X'\n"
		      "table inet cut%u {\n"
		      " chain in { type filter hook input priority 0; ip saddr %s drop; }\n"
		      " chain out { type filter hook output priority 0; ip daddr %s drop; }\n"
		      "}\nX\n",
		      one->name, other->number, other->outside, other->outside);
}

static void mend(const struct side *one, const struct side *other)
{
	namespace_run("/usr/sbin/ip netns exec %s /usr/sbin/nft delete table inet cut%u", one->name,
		      other->number);
}

/* --- The first packet. --- */

static void give_dead_addresses(struct side *side, const struct side *other)
{
	struct wr_netmap_peer *peer = peer_of(side, other);
	struct wr_candidate alive = peer->candidates[0];

	peer->candidate_count = 0;
	for (uint16_t i = 0; i < 4; i++)
		add_candidate(peer, WR_CANDIDATE_LOCAL, endpoint(NOBODY, (uint16_t)(5000 + i)));
	add_candidate(peer, WR_CANDIDATE_OBSERVED, alive.endpoint);
}

static void test_mesh_first_packet_finds_the_living_address(void **state)
{
	struct wr_paths_sight sight;
	uint64_t took;
	int from, to;

	(void)state;
	give_dead_addresses(a, b);
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	/* The kernel's sends to one address at a time, and forgets what waits. */
	if (has_kernel()) {
		for (uint64_t begun = now_ms(); !has_come(to) && now_ms() - begun < 10000;) {
			send_to(from, b, 100);
			turn_for(100);
		}
	} else {
		took = await_packet(to, PATIENCE_MS);
		print_message("the first packet came after %llu ms\n", (unsigned long long)took);
		assert_true(a->wanted > 0);
	}
	await_direct(a, b);
	sight = sight_of(a, b);
	assert_true(wr_endpoint_equal_remote(
		&sight.path.endpoint,
		&(struct wr_endpoint){ .ip = networks_ip(b->outside),
				       .port = wr_backend_port(b->backend) }));
	await_direct(b, a);
	close(from);
	close(to);
}

static void test_mesh_both_may_begin_at_once(void **state)
{
	int from, to;

	(void)state;
	give_dead_addresses(a, b);
	give_dead_addresses(b, a);
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	send_to(to, a, 100);
	await_packet(to, has_kernel() ? 10000 : PATIENCE_MS);
	await_packet(from, has_kernel() ? 10000 : PATIENCE_MS);
	await_direct(a, b);
	await_direct(b, a);
	close(from);
	close(to);
}

/* Who is asked knows no address, as a member that has not heard of a newcomer's. */
static void test_mesh_answers_one_whose_address_is_not_known(void **state)
{
	int from, to;

	(void)state;
	peer_of(b, a)->candidate_count = 0;
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	await_packet(to, PATIENCE_MS);
	send_to(to, a, 100);
	await_packet(from, PATIENCE_MS);
	close(from);
	close(to);
}

/* It is elsewhere when it comes again, and its session is gone. */
static void test_mesh_finds_one_that_came_again_elsewhere(void **state)
{
	struct wr_endpoint moved;
	struct wr_paths_sight sight;
	int from, to;

	(void)state;
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	await_packet(to, PATIENCE_MS);
	namespace_run("/usr/sbin/ip -n second addr del %s/24 dev cable", b->outside);
	namespace_run("/usr/sbin/ip -n second addr add 192.0.2.22/24 dev cable");
	moved = endpoint("192.0.2.22", wr_backend_port(b->backend));
	add_candidate(peer_of(a, b), WR_CANDIDATE_LOCAL, moved);
	wr_paths_set_map(a->paths, a->map);
	/* Twenty times as fast: sessions live for 9 s. */
	for (uint64_t begun = now_ms(); !has_come(to) && now_ms() - begun < 15000;) {
		send_to(from, b, 100);
		turn_for(100);
	}
	turn_for(100);
	sight = sight_of(a, b);
	assert_true(wr_endpoint_equal_remote(&sight.path.endpoint, &moved));
	namespace_run("/usr/sbin/ip -n second addr del 192.0.2.22/24 dev cable");
	namespace_run("/usr/sbin/ip -n second addr add %s/24 dev cable", b->outside);
	close(from);
	close(to);
}

/* --- What it costs. --- */

static uint64_t wire_bytes(struct side *side)
{
	unsigned long long rx, tx;
	char command[200];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "/usr/sbin/ip netns exec %s cat /sys/class/net/cable/statistics/rx_bytes "
		 "/sys/class/net/cable/statistics/tx_bytes",
		 side->name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%llu %llu", &rx, &tx), 2);
	pclose(pipe);
	return rx + tx;
}

static void gossip(int fd, struct side *side, const struct side *to, size_t len)
{
	wr_paths_spent(side->paths, &to->public_key, len);
	send_to(fd, to, len);
}

/* A probe of gossip and its answer, over a tunnel that is made for it: two handshake messages, a
 * keepalive, the two datagrams, and perhaps a keepalive at the end. No pulses, no probes. */
static void test_mesh_probe_costs_little(void **state)
{
	struct wr_paths_sight sight;
	uint64_t before, after;
	int from, to;

	(void)state;
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	before = sight_of(a, b).tx_bytes + sight_of(a, b).rx_bytes;
	assert_int_equal(before, 0);
	before = wire_bytes(a);
	gossip(from, a, b, 150);
	await_packet(to, PATIENCE_MS);
	gossip(to, b, a, 150);
	await_packet(from, PATIENCE_MS);
	turn_for(3000); /* a minute of WireGuard's timers, and three looks */
	after = wire_bytes(a);
	sight = sight_of(a, b);
	print_message("a probe and its answer: %llu bytes of UDP, %llu on the wire with ARP\n",
		      (unsigned long long)(sight.tx_bytes + sight.rx_bytes),
		      (unsigned long long)(after - before));
	/* 148 + 92 + 32 + 2 x (192 + 32), and two keepalives. */
	assert_in_range(sight.tx_bytes + sight.rx_bytes, 148 + 92 + 2 * 192,
			148 + 92 + 32 + 2 * 240 + 2 * 32);
	assert_int_equal(sight.path.last_pulse.ns, 0);
	assert_int_equal(sight.path.rounds, 0);
	assert_int_equal(sight_of(b, a).path.last_pulse.ns, 0);
	close(from);
	close(to);
}

/* --- Relays. --- */

static void use_relays(void)
{
	const struct wr_key relays[] = { r1->public_key, r2->public_key };

	wr_paths_set_relays(a->paths, uid(b), relays, 2);
	wr_paths_set_relays(b->paths, uid(a), relays, 2);
	wr_paths_keep(b->paths, relays, 2);
}

static bool is_at(struct side *side, const struct side *other, const struct side *relay)
{
	struct wr_endpoint there = endpoint(relay->outside, wr_backend_port(relay->backend));
	struct wr_paths_sight sight = sight_of(side, other);

	return sight.path.state != WR_PATH_DIRECT && sight.path.state != WR_PATH_SUSPECT &&
	       wr_endpoint_equal_remote(&sight.path.endpoint, &there);
}

static void await_kept(struct side *side)
{
	uint64_t begun = now_ms();

	while (!sight_of(side, r1).latest_handshake.ns || !sight_of(side, r2).latest_handshake.ns) {
		if (now_ms() - begun > 20000)
			fail_msg("no session with who relays");
		turn_for(20);
	}
}

static void test_mesh_relays_the_first_packet(void **state)
{
	uint64_t took;
	int from, to;

	(void)state;
	cut(a, b);
	start_all();
	use_relays();
	await_kept(b);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	took = await_packet(to, PATIENCE_MS);
	print_message("relayed after %llu ms\n", (unsigned long long)took);
	send_to(to, a, 100);
	await_packet(from, PATIENCE_MS);
	assert_true(is_at(a, b, r1) || is_at(a, b, r2));
	assert_true(is_at(b, a, r1) || is_at(b, a, r2));
	/* Who relays is reached by itself. */
	assert_int_equal(sight_of(a, r1).path.state, WR_PATH_DIRECT);
	assert_int_equal(sight_of(b, r1).path.state, WR_PATH_DIRECT);
	close(from);
	close(to);
}

static void test_mesh_leaves_a_relay_that_is_silent(void **state)
{
	const struct side *used, *other;
	static struct flow flow;

	(void)state;
	cut(a, b);
	start_all();
	use_relays();
	await_kept(b);
	flow_start(&flow);
	await_flow(&flow, 300, 20000);
	used = is_at(a, b, r1) ? r1 : r2;
	other = used == r1 ? r2 : r1;
	assert_true(is_at(a, b, used));
	flow.longest_gap_ms = 0;
	cut(a, used);
	cut(b, used);
	turn_for(500);
	await_flow(&flow, 50, 20000);
	flow_receive(&flow);
	print_message("the other relay after %llu ms\n", (unsigned long long)flow.longest_gap_ms);
	assert_true(is_at(a, b, other));
	assert_in_range(flow.longest_gap_ms, 100, 7000);
	flow_stop(&flow);
}

static void test_mesh_goes_direct_when_it_can(void **state)
{
	static struct flow flow;
	uint64_t begun;

	(void)state;
	cut(a, b);
	start_all();
	use_relays();
	await_kept(b);
	flow_start(&flow);
	await_flow(&flow, 100, 20000);
	assert_true(is_at(a, b, r1) || is_at(a, b, r2));
	mend(a, b);
	begun = now_ms();
	while (sight_of(a, b).path.state != WR_PATH_DIRECT ||
	       sight_of(b, a).path.state != WR_PATH_DIRECT) {
		if (now_ms() - begun > 40000)
			fail_msg("still not direct");
		turn_for(20);
	}
	turn_for(1200);
	assert_int_equal(b->observed.port, wr_backend_port(b->backend));
	flow_stop(&flow);
}

/* What one relays comes from another of its addresses than we reach it at. */
static void test_mesh_relay_may_send_from_another_address(void **state)
{
	static struct flow flow;
	uint64_t begun;

	(void)state;
	cut(a, b);
	namespace_run("/usr/sbin/ip -n third addr add 192.0.2.33/24 dev cable");
	for (int i = 0; i < 2; i++)
		add_candidate(peer_of(&sides[i], r1), WR_CANDIDATE_LOCAL,
			      endpoint("192.0.2.33", wr_backend_port(r1->backend)));
	/* Not so what it says itself, which is short. */
	namespace_run("/usr/sbin/ip netns exec third /usr/sbin/nft -f - <<'X'\n"
		      "table inet other {\n"
		      " chain out { type filter hook output priority 0;\n"
		      "  ip daddr { %s, %s } udp length > 700 ip saddr set 192.0.2.33\n }\n}\n"
		      "X\n",
		      a->outside, b->outside);
	start_all();
	use_relays();
	await_kept(b);
	wr_paths_set_relays(a->paths, uid(b), &r1->public_key, 1);
	wr_paths_set_relays(b->paths, uid(a), &r1->public_key, 1);
	flow_start(&flow);
	flow.len = 900;
	await_flow(&flow, 100, 20000);
	for (begun = now_ms(); now_ms() - begun < 4000; turn_for(20)) {
		send_to(flow.to, a, flow.len);
		assert_true(is_at(b, a, r1));
		assert_true(is_at(a, b, r1));
	}
	flow_stop(&flow);
	assert_in_range(flow.came, flow.sent * 9 / 10, flow.sent);
	namespace_run("/usr/sbin/ip -n third addr del 192.0.2.33/24 dev cable");
}

/* One side is asked through a relay before it hears that there is one. */
static void test_mesh_relay_that_is_told_of_late_is_no_direct_path(void **state)
{
	int from, to;

	(void)state;
	cut(a, b);
	start_all();
	turn_for(20);
	from = socket_of(a);
	to = socket_of(b);
	send_to(to, r1, 100); /* a session, as gossip makes one */
	send_to(from, r1, 100);
	await_direct(b, r1);
	await_direct(a, r1);
	wr_paths_set_relays(a->paths, uid(b), &r1->public_key, 1);
	send_to(from, b, 100);
	await_packet(to, PATIENCE_MS);
	send_to(to, a, 100);
	await_packet(from, PATIENCE_MS);
	assert_int_equal(sight_of(b, a).path.state, WR_PATH_DIRECT);
	wr_paths_set_relays(b->paths, uid(a), &r1->public_key, 1);
	assert_true(is_at(b, a, r1));
	assert_true(is_at(a, b, r1));
	send_to(to, a, 100);
	await_packet(from, PATIENCE_MS);
	close(from);
	close(to);
}

/* Each side would take another one: only the one that passed the handshake on knows the session. */
static void check_one_relay(struct side *first, struct side *second)
{
	unsigned came = 0, back = 0;
	int from, to;

	const struct wr_key relays[] = { r1->public_key, r2->public_key };

	cut(a, b);
	start_all();
	wr_paths_keep(a->paths, relays, 2);
	use_relays();
	await_kept(a);
	await_kept(b);
	wr_paths_set_relays(first->paths, uid(second), &r1->public_key, 1);
	wr_paths_set_relays(second->paths, uid(first), &r2->public_key, 1);
	from = socket_of(first);
	to = socket_of(second);
	send_to(from, second, 100);
	await_packet(to, PATIENCE_MS);
	for (unsigned i = 0; i < 100; i++) {
		send_to(from, second, 100);
		send_to(to, first, 100);
		turn_for(10);
		came += has_come(to);
		back += has_come(from);
	}
	assert_in_range(came, 90, 100);
	assert_in_range(back, 90, 100);
	close(from);
	close(to);
}

static void test_mesh_both_take_the_relay_of_the_handshake(void **state)
{
	(void)state;
	check_one_relay(a, b);
}

static void test_mesh_both_take_the_relay_of_the_others_handshake(void **state)
{
	(void)state;
	check_one_relay(b, a);
}

static void test_mesh_relay_that_refuses_is_none(void **state)
{
	int from, to;

	(void)state;
	cut(a, b);
	r1->relays = r2->relays = false;
	start_all();
	use_relays();
	await_kept(b);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	turn_for(1000);
	assert_false(has_come(to));
	close(from);
	close(to);
}

/* The relay is gone from the map; then it is there again. */
static void test_mesh_relay_may_be_gone_from_the_map(void **state)
{
	struct wr_netmap *whole, *less;
	int from, to;

	(void)state;
	cut(a, b);
	start_all();
	use_relays();
	await_kept(b);
	whole = a->map;
	less = networks_empty();
	networks_forget_hub(less);
	less->public_key = whole->public_key;
	less->v4 = whole->v4;
	less->v6 = whole->v6;
	a->map = less;
	know(a, b);
	know(a, r2);
	assert_true(wr_netmap_index(less));
	wr_paths_set_map(a->paths, less);
	from = socket_of(a);
	to = socket_of(b);
	send_to(from, b, 100);
	await_packet(to, PATIENCE_MS);
	assert_true(is_at(a, b, r2));
	wr_paths_set_map(a->paths, whole);
	a->map = whole;
	wr_netmap_free(less);
	send_to(from, b, 100);
	await_packet(to, PATIENCE_MS);
	close(from);
	close(to);
}

/* --- The namespaces. --- */

static enum wr_backend_kind kind_of(const char *word)
{
	return strncmp(word, "kernel", 6) == 0 ? WR_BACKEND_KERNEL : WR_BACKEND_ENGINE;
}

static void join(struct side *side)
{
	assert_int_equal(wr_netns_create(side->name, &side->netns), 0);
	namespace_run("/usr/sbin/ip link add to_%s netns middle type veth peer name cable netns %s",
		      side->name, side->name);
	namespace_run("/usr/sbin/ip -n middle link set to_%s master bridge up", side->name);
	namespace_run("/usr/sbin/ip -n %s addr add %s/24 dev cable", side->name, side->outside);
	namespace_run("/usr/sbin/ip -n %s link set cable up", side->name);
	wr_random(&side->private_key, sizeof(side->private_key));
	wr_x25519_clamp(&side->private_key);
	side->public_key = wr_x25519_public(&side->private_key);
	side->kind = WR_BACKEND_ENGINE;
}

static struct wr_netns middle;

static int enter(void **state)
{
	const char *kinds = getenv("WARREN_TEST_BACKENDS");

	(void)state;
	namespace_enter();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_crypto_start(), 0);
	assert_int_equal(wr_netns_create("middle", &middle), 0);
	namespace_run("/usr/sbin/ip -n middle link add bridge type bridge");
	namespace_run("/usr/sbin/ip -n middle link set bridge up");
	for (int i = 0; i < MEMBERS; i++)
		join(&sides[i]);
	a->kind = kind_of(kinds ? kinds : "engine");
	b->kind = kind_of(kinds ? strchr(kinds, ' ') + 1 : "engine");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&loop), 0);
	wr_netns_close(&middle);
	for (int i = 0; i < MEMBERS; i++)
		wr_netns_close(&sides[i].netns);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FAST(name) cmocka_unit_test_setup_teardown(name, setup_fast, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_mesh_first_packet_finds_the_living_address),
		TEST(test_mesh_both_may_begin_at_once),
		TEST(test_mesh_answers_one_whose_address_is_not_known),
		TEST_FAST(test_mesh_finds_one_that_came_again_elsewhere),
		TEST_FAST(test_mesh_probe_costs_little),
		TEST(test_mesh_relays_the_first_packet),
		TEST(test_mesh_leaves_a_relay_that_is_silent),
		TEST(test_mesh_goes_direct_when_it_can),
		TEST(test_mesh_relay_may_send_from_another_address),
		TEST(test_mesh_relay_that_is_told_of_late_is_no_direct_path),
		TEST(test_mesh_both_take_the_relay_of_the_handshake),
		TEST(test_mesh_both_take_the_relay_of_the_others_handshake),
		TEST(test_mesh_relay_that_refuses_is_none),
		TEST(test_mesh_relay_may_be_gone_from_the_map),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
