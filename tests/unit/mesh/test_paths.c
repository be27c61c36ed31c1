/* Two members with real engines, and a relay, each in a namespace of its own on one cable: from
 * the relay to the direct path without a lost packet, back when that is cut, and again.
 *
 * WARREN_TEST_BACKENDS ("kernel engine", ...) says which kinds they are. */
#include "mesh/paths.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "linux/clock.h"
#include "linux/namespace.h"
#include "linux/netns.h"
#include "networks.h"
#include "wire/pulse.h"

#define RELAY_ADDRESS "192.0.2.254"
#define RELAY_PORT 51820
#define FLOW_PORT 7000
/* 100 packets a second. */
#define FLOW_EVERY_MS 10
#define FLOW_MAX 4000

struct side {
	const char *name, *outside, *inside;
	unsigned number;
	struct wr_netns netns;
	enum wr_backend_kind kind;
	struct wr_key private_key, public_key;
	struct wr_backend *backend;
	struct wr_paths *paths;
	struct wr_netmap *map;
	char peer_uid[WR_NETMAP_UID_LEN + 1];
	unsigned changed;
};

static uv_loop_t loop;
static struct side sides[2] = {
	{ .name = "first", .outside = "192.0.2.1", .inside = "10.77.0.2", .number = 1 },
	{ .name = "second", .outside = "192.0.2.2", .inside = "10.77.0.3", .number = 2 },
};
static struct wr_netns relay_netns;
static int relay_fd;
static uv_poll_t relay_poll;
static unsigned relayed;

/* --- The relay: what comes from one goes to the other, unopened. --- */

static void on_relay(uv_poll_t *poll, int status, int events)
{
	struct sockaddr_in from, to[2];
	socklen_t len = sizeof(from);
	uint8_t data[2000];
	ssize_t size;

	(void)poll;
	(void)status;
	(void)events;
	for (int i = 0; i < 2; i++) {
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET };
		inet_pton(AF_INET, sides[i].outside, &to[i].sin_addr);
		to[i].sin_port = htons(wr_backend_port(sides[i].backend));
	}
	while ((size = recvfrom(relay_fd, data, sizeof(data), MSG_DONTWAIT,
				(struct sockaddr *)&from, &len)) > 0) {
		bool is_first = from.sin_addr.s_addr == to[0].sin_addr.s_addr;

		relayed++;
		sendto(relay_fd, data, (size_t)size, 0, (struct sockaddr *)&to[is_first],
		       sizeof(to[0]));
	}
}

static struct wr_endpoint endpoint(const char *address, uint16_t port)
{
	return (struct wr_endpoint){ .ip = networks_ip(address), .port = port };
}

/* --- Sides. --- */

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

static void on_gone(void *context)
{
	(void)context;
}

static void on_changed(void *context, const char *uid)
{
	struct side *side = context;

	assert_string_equal(uid, side->peer_uid);
	side->changed++;
}

static struct side *other_of(const struct side *side)
{
	return &sides[side == &sides[0]];
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
		.heard = on_heard,
		.shook = on_shook,
		.gone = on_gone,
		.context = side,
	};
	char why[200];

	if (wr_backend_open(&loop, &config, &side->backend, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(wr_backend_set_up(side->backend, true), 0);
	namespace_run("/usr/sbin/ip -n %s addr add %s/16 dev wr0", side->name, side->inside);
}

static void know_other(struct side *side, enum wr_way way)
{
	const struct side *other = other_of(side);
	struct wr_prefix allowed = networks_prefix(other->inside);
	const struct wr_backend_peer peer = {
		.public_key = other->public_key,
		.allowed = &allowed,
		.allowed_count = 1,
	};
	struct wr_netmap_peer *in_map;

	assert_int_equal(wr_backend_set_peer(side->backend, &peer), 0);
	side->map = networks_empty();
	side->map->public_key = side->public_key;
	side->map->v4 = networks_ip(side->inside);
	side->map->v6 = (struct wr_ip){ 0 };
	in_map = networks_add(side->map, other->number, way);
	in_map->public_key = other->public_key;
	in_map->v4 = networks_ip(other->inside);
	in_map->v6 = (struct wr_ip){ 0 };
	in_map->candidates[0] = (struct wr_candidate){
		WR_CANDIDATE_LOCAL,
		endpoint(other->outside, wr_backend_port(other->backend)),
	};
	/* And one that leads nowhere. */
	in_map->candidates[1] = (struct wr_candidate){ WR_CANDIDATE_OBSERVED,
						       endpoint("192.0.2.77", 51820) };
	in_map->candidate_count = 2;
	memcpy(side->peer_uid, in_map->uid, sizeof(side->peer_uid));
}

static void start_paths(struct side *side)
{
	const struct wr_paths_config config = {
		.backend = side->backend,
		.changed = on_changed,
		.context = side,
	};
	struct wr_endpoint relay = endpoint(RELAY_ADDRESS, RELAY_PORT);

	side->changed = 0;
	assert_int_equal(wr_paths_new(&loop, &config, &side->paths), 0);
	wr_paths_set_relay(side->paths, &relay);
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

static void set_up(enum wr_way way)
{
	for (int i = 0; i < 2; i++)
		in_namespace(&sides[i], open_backend);
	for (int i = 0; i < 2; i++)
		know_other(&sides[i], way);
	for (int i = 0; i < 2; i++)
		in_namespace(&sides[i], start_paths);
	relayed = 0;
}

static int setup(void **state)
{
	(void)state;
	set_up(WR_WAY_DIRECT);
	return 0;
}

static int setup_relay_only(void **state)
{
	(void)state;
	set_up(WR_WAY_RELAY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		in_namespace(&sides[i], stop);
	namespace_run("/usr/sbin/ip netns exec first /usr/sbin/nft flush ruleset");
	return 0;
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
	uv_timer_start(&timer, on_timer, ms, ms ? ms : 1);
	while (!is_over)
		uv_run(&loop, UV_RUN_ONCE);
	is_over = false;
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static struct wr_paths_sight sight_of(struct side *side)
{
	struct wr_paths_sight sight;

	assert_true(wr_paths_look(side->paths, side->peer_uid, &sight));
	return sight;
}

static bool are(enum wr_path_state state)
{
	return sight_of(&sides[0]).path.state == state && sight_of(&sides[1]).path.state == state;
}

/* --- A flow: numbered packets from the first to the second. --- */

struct flow {
	int from, to;
	unsigned sent, came;
	uint64_t last_came_ms, longest_gap_ms; /* without one that came */
	uv_timer_t timer;
};

static uint64_t now_ms(void)
{
	return wr_clock_now().ns / 1000000;
}

static int flow_socket(struct side *side)
{
	struct wr_ip ip = networks_ip(side->inside);
	int fd;

	assert_int_equal(wr_netns_bind(&side->netns, SOCK_DGRAM, &ip, FLOW_PORT, &fd), 0);
	return fd;
}

static void flow_receive(struct flow *flow)
{
	uint8_t data[100];
	uint64_t now = now_ms();

	while (recv(flow->to, data, sizeof(data), MSG_DONTWAIT) > 0) {
		uint64_t gap = flow->last_came_ms ? now - flow->last_came_ms : 0;

		flow->came++;
		flow->longest_gap_ms = gap > flow->longest_gap_ms ? gap : flow->longest_gap_ms;
		flow->last_came_ms = now;
	}
}

static void on_flow(uv_timer_t *timer)
{
	struct flow *flow = timer->data;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(FLOW_PORT) };
	uint8_t data[100] = { 0 };

	inet_pton(AF_INET, sides[1].inside, &to.sin_addr);
	flow_receive(flow);
	if (sendto(flow->from, data, sizeof(data), 0, (struct sockaddr *)&to, sizeof(to)) > 0)
		flow->sent++;
}

static void flow_start(struct flow *flow)
{
	*flow = (struct flow){ .from = flow_socket(&sides[0]), .to = flow_socket(&sides[1]) };
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

/* How long it took. */
static uint64_t await_state(enum wr_path_state state, uint64_t most_ms)
{
	uint64_t begun = now_ms();

	while (!are(state)) {
		if (now_ms() - begun > most_ms)
			fail_msg("not %s after %llu ms: %s (%s), %s (%s)",
				 wr_path_state_name(state), (unsigned long long)most_ms,
				 wr_path_state_name(sight_of(&sides[0]).path.state),
				 wr_path_reason_text(sight_of(&sides[0]).path.reason),
				 wr_path_state_name(sight_of(&sides[1]).path.state),
				 wr_path_reason_text(sight_of(&sides[1]).path.reason));
		turn_for(20);
	}
	return now_ms() - begun;
}

static void cut(void)
{
	namespace_run(
		"/usr/sbin/ip netns exec first /usr/sbin/nft -f - <<'X'\n"
		"table inet cut {\n"
		" chain in { type filter hook input priority 0; ip saddr 192.0.2.2 drop; }\n"
		" chain out { type filter hook output priority 0; ip daddr 192.0.2.2 drop; }\n"
		"}\nX\n");
}

static void mend(void)
{
	namespace_run("/usr/sbin/ip netns exec first /usr/sbin/nft delete table inet cut");
}

/* --- Tests. --- */

static bool has_kernel(void)
{
	return sides[0].kind == WR_BACKEND_KERNEL || sides[1].kind == WR_BACKEND_KERNEL;
}

static void test_paths_go_direct_within_two_seconds_without_a_lost_packet(void **state)
{
	struct flow flow;
	uint64_t took;
	unsigned before;

	(void)state;
	flow_start(&flow);
	took = await_state(WR_PATH_DIRECT, 2000);
	assert_true(relayed > 0);
	turn_for(500);
	before = relayed;
	turn_for(1000);
	/* The engine's keepalives and handshakes go where the traffic goes. */
	assert_int_equal(relayed, before);
	flow_stop(&flow);
	print_message("direct after %llu ms, %u packets over the relay, %u of %u came\n",
		      (unsigned long long)took, relayed, flow.came, flow.sent);
	if (has_kernel())
		assert_true(flow.came + flow.sent / 5 >= flow.sent);
	else
		assert_int_equal(flow.came, flow.sent);
	for (int i = 0; i < 2; i++) {
		assert_true(sight_of(&sides[i]).is_connected);
		assert_in_range(sight_of(&sides[i]).latency_us, 1, 200000);
		assert_true(sides[i].changed > 0);
	}
}

static void test_paths_come_back_when_cut_and_go_again(void **state)
{
	struct flow flow;
	uint64_t took;

	(void)state;
	flow_start(&flow);
	await_state(WR_PATH_DIRECT, 2000);
	turn_for(300);
	flow.longest_gap_ms = 0;
	cut();
	took = await_state(WR_PATH_RELAYED, 7000);
	turn_for(500);
	print_message("back on the relay after %llu ms; nothing came for %llu ms\n",
		      (unsigned long long)took, (unsigned long long)flow.longest_gap_ms);
	assert_in_range(flow.longest_gap_ms, 100, 7000);
	assert_int_equal(sight_of(&sides[0]).path.reason, WR_PATH_REASON_LOST);
	mend();
	took = await_state(WR_PATH_DIRECT, 10000);
	print_message("direct again after %llu ms\n", (unsigned long long)took);
	flow_stop(&flow);
}

static void test_paths_stay_relayed_where_the_map_says_so(void **state)
{
	struct flow flow;

	(void)state;
	flow_start(&flow);
	turn_for(1500);
	flow_stop(&flow);
	assert_int_equal(flow.came, flow.sent);
	assert_true(relayed >= flow.sent);
	assert_int_equal(sight_of(&sides[0]).path.state, WR_PATH_RELAYED);
	assert_int_equal(sight_of(&sides[0]).path.reason, WR_PATH_REASON_POLICY);
}

struct pong {
	unsigned count;
	int error;
	uint32_t latency_us;
};

static void on_ponged(void *context, int error, uint32_t latency_us)
{
	struct pong *pong = context;

	pong->count++;
	pong->error = error;
	pong->latency_us = latency_us;
}

static void await_pong(const struct pong *pong, uint64_t most_ms)
{
	uint64_t begun = now_ms();

	while (!pong->count && now_ms() - begun < most_ms)
		turn_for(10);
	assert_int_equal(pong->count, 1);
}

static void test_paths_ping_tells_the_time_it_took(void **state)
{
	struct pong pong = { 0 };

	(void)state;
	/* No session yet: it waits for the handshake. */
	wr_paths_ping(sides[0].paths, sides[0].peer_uid, WR_SPAN_S(5), on_ponged, &pong);
	assert_int_equal(pong.count, 0);
	await_pong(&pong, 5000);
	assert_int_equal(pong.error, 0);
	assert_in_range(pong.latency_us, 1, 2000000);
	pong.count = 0;
	wr_paths_ping(sides[0].paths, sides[0].peer_uid, WR_SPAN_S(5), on_ponged, &pong);
	await_pong(&pong, 5000);
	assert_int_equal(pong.error, 0);
	assert_in_range(pong.latency_us, 1, 200000);
	/* It began what traffic would have begun. */
	await_state(WR_PATH_DIRECT, 2000);
}

static void test_paths_ping_fails_where_nobody_is(void **state)
{
	struct pong pong = { 0 };

	(void)state;
	wr_paths_ping(sides[0].paths, "m99999", WR_SPAN_S(1), on_ponged, &pong);
	assert_int_equal(pong.count, 0);
	await_pong(&pong, 1000);
	assert_int_equal(pong.error, -ENOENT);
	pong.count = 0;
	wr_backend_remove_peer(sides[1].backend, &sides[0].public_key);
	turn_for(20);
	wr_paths_ping(sides[0].paths, sides[0].peer_uid, WR_SPAN_MS(300), on_ponged, &pong);
	await_pong(&pong, 1000);
	assert_int_equal(pong.error, -ENETUNREACH);
}

static void test_paths_pings_end_with_the_peer(void **state)
{
	struct wr_netmap *empty = networks_empty();
	struct wr_netmap *old = sides[0].map;
	struct pong pong = { 0 };

	(void)state;
	wr_paths_ping(sides[0].paths, sides[0].peer_uid, WR_SPAN_S(5), on_ponged, &pong);
	empty->v4 = old->v4;
	empty->v6 = old->v6;
	empty->public_key = old->public_key;
	wr_paths_set_map(sides[0].paths, empty);
	await_pong(&pong, 1000);
	assert_int_equal(pong.error, -ENOENT);
	assert_false(
		wr_paths_look(sides[0].paths, sides[0].peer_uid, &(struct wr_paths_sight){ 0 }));
	sides[0].map = empty;
	wr_netmap_free(old);
}

/* Whoever sends from the peer's address outside of the tunnel is not the peer. */
static void forge_pulse(const struct side *side)
{
	const struct wr_pulse pulse = { .flags = WR_PULSE_ASKS, .instance = 9, .sequence = 1 };
	struct wr_ip from = networks_ip(sides[side == &sides[0]].inside);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(WR_PULSE_PORT) };
	uint8_t data[WR_PULSE_MAX_LEN];
	size_t len = wr_pulse_write(&pulse, data);
	int fd;

	namespace_run("/usr/sbin/ip -n middle addr add %s/32 dev lo", sides[1].inside);
	namespace_run("/usr/sbin/ip -n middle route add %s/32 via %s", side->inside, side->outside);
	assert_int_equal(wr_netns_bind(&relay_netns, SOCK_DGRAM, &from, WR_PULSE_PORT, &fd), 0);
	inet_pton(AF_INET, side->inside, &to.sin_addr);
	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
	close(fd);
	namespace_run("/usr/sbin/ip -n middle addr del %s/32 dev lo", sides[1].inside);
}

static void test_paths_take_pulses_from_the_tunnel_only(void **state)
{
	(void)state;
	forge_pulse(&sides[0]);
	turn_for(100);
	assert_int_equal(sight_of(&sides[0]).path.last_pulse.ns, 0);
}

static void test_paths_idle_peers_cost_nothing(void **state)
{
	(void)state;
	turn_for(1500);
	assert_int_equal(relayed, 0);
	assert_int_equal(sight_of(&sides[0]).tx_bytes, 0);
	assert_int_equal(sight_of(&sides[0]).path.probes, 0);
	assert_false(sight_of(&sides[0]).is_connected);
}

/* The interface was deleted, and another one is made. */
static void change_backend(struct side *side)
{
	wr_paths_set_backend(side->paths, NULL);
	side->backend = wr_backend_free(side->backend);
	turn_for(50);
	open_backend(side);
	side->map = wr_netmap_free(side->map);
	know_other(side, WR_WAY_DIRECT);
	wr_paths_set_map(side->paths, side->map);
	wr_paths_set_backend(side->paths, side->backend);
}

static void test_paths_go_on_with_another_backend(void **state)
{
	struct flow flow;

	(void)state;
	flow_start(&flow);
	await_state(WR_PATH_DIRECT, 2000);
	in_namespace(&sides[1], change_backend);
	turn_for(1000);
	await_state(WR_PATH_DIRECT, 30000);
	flow_stop(&flow);
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
	/* Nothing but the program itself keeps forged addresses out. */
	namespace_run("/usr/sbin/ip netns exec %s /usr/sbin/sysctl -qw "
		      "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.cable.rp_filter=0",
		      side->name);
	wr_random(&side->private_key, sizeof(side->private_key));
	wr_x25519_clamp(&side->private_key);
	side->public_key = wr_x25519_public(&side->private_key);
}

static int enter(void **state)
{
	const char *kinds = getenv("WARREN_TEST_BACKENDS");
	struct wr_ip ip = networks_ip(RELAY_ADDRESS);

	(void)state;
	sides[0].kind = kind_of(kinds ? kinds : "engine");
	sides[1].kind = kind_of(kinds ? strchr(kinds, ' ') + 1 : "engine");
	namespace_enter();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_crypto_start(), 0);
	assert_int_equal(wr_netns_create("middle", &relay_netns), 0);
	namespace_run("/usr/sbin/ip -n middle link add bridge type bridge");
	namespace_run("/usr/sbin/ip -n middle addr add " RELAY_ADDRESS "/24 dev bridge");
	namespace_run("/usr/sbin/ip -n middle link set bridge up");
	join(&sides[0]);
	join(&sides[1]);
	assert_int_equal(wr_netns_bind(&relay_netns, SOCK_DGRAM, &ip, RELAY_PORT, &relay_fd), 0);
	assert_int_equal(uv_poll_init(&loop, &relay_poll, relay_fd), 0);
	assert_int_equal(uv_poll_start(&relay_poll, UV_READABLE, on_relay), 0);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	uv_close((uv_handle_t *)&relay_poll, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	close(relay_fd);
	assert_int_equal(uv_loop_close(&loop), 0);
	wr_netns_close(&relay_netns);
	wr_netns_close(&sides[0].netns);
	wr_netns_close(&sides[1].netns);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_paths_go_direct_within_two_seconds_without_a_lost_packet),
		TEST(test_paths_come_back_when_cut_and_go_again),
		cmocka_unit_test_setup_teardown(test_paths_stay_relayed_where_the_map_says_so,
						setup_relay_only, teardown),
		TEST(test_paths_ping_tells_the_time_it_took),
		TEST(test_paths_ping_fails_where_nobody_is),
		TEST(test_paths_pings_end_with_the_peer),
		TEST(test_paths_take_pulses_from_the_tunnel_only),
		TEST(test_paths_idle_peers_cost_nothing),
		TEST(test_paths_go_on_with_another_backend),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
