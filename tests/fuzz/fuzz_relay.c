/* The relay of a port: a sequence of commands makes machines move, come, go and shake hands
 * through it, with real and with broken messages from anywhere.
 *
 * Whatever comes in: a way leads from a machine to another one of its own network, from where
 * the sender is; no index of the port's own is relayed; counts are right; nothing is left. */
#include "crypto/crypto.h"
#include "fuzz.h"
#include "wg/port.h"
#include "wg/rotation.h"

#define S UINT64_C(1000000000)
#define NETWORKS 2
#define MACHINES 6 /* of each */
#define PLACES 16
#define INDICES 8 /* few, so that they meet */
#define MAX_COMMANDS 256

struct world {
	const uint8_t *data;
	size_t left;
	struct wr_instant now;
	uint64_t seed;
	struct wr_port *port;
	struct wr_device *devices[NETWORKS];
	struct wr_peer *peers[NETWORKS][MACHINES];
};

static uint8_t next_byte(struct world *world)
{
	if (!world->left)
		return 0;
	world->left--;
	return *world->data++;
}

static struct wr_endpoint place(uint8_t number)
{
	struct wr_endpoint endpoint = { .ip.family = WR_IPV4, .port = 1000 };

	endpoint.ip.bytes[3] = number % PLACES;
	return endpoint;
}

static struct wr_key public_key(unsigned network, unsigned number)
{
	return (struct wr_key){ { (uint8_t)(network + 1), (uint8_t)(number + 1) } };
}

static uint32_t index_of(struct world *world)
{
	uint8_t byte = next_byte(world);
	const struct wr_peer *peer = world->peers[0][0];
	const struct wr_session *own = peer ? wr_rotation_current(peer) : NULL;

	return byte >= 240 && own ? own->index.index : byte % INDICES;
}

/* --- What happens. --- */

static void make_live(struct world *world, struct wr_peer *peer)
{
	struct wr_transport_keys keys = { 0 };
	struct wr_session *session = wr_session_new(peer, &keys, true, &wr_timing_paper,
						    world->now);

	if (!session || !wr_index_add(&world->port->indices, &session->index, world->seed++,
				      &world->port->retire))
		abort();
	wr_rotation_add(peer, session);
}

static struct wr_peer **any_peer(struct world *world)
{
	uint8_t which = next_byte(world);

	return &world->peers[which % NETWORKS][which / NETWORKS % MACHINES];
}

static void add_or_remove(struct world *world)
{
	struct wr_peer **peer = any_peer(world);
	size_t at = (size_t)(peer - &world->peers[0][0]);
	struct wr_key key = public_key((unsigned)(at / MACHINES), (unsigned)(at % MACHINES));

	if (*peer) {
		wr_peer_remove(*peer);
		*peer = NULL;
		return;
	}
	*peer = wr_device_add_peer(world->devices[at / MACHINES], &key);
	if (!*peer)
		abort();
}

static void hear(struct world *world)
{
	struct wr_peer *peer = *any_peer(world);
	struct wr_endpoint at = place(next_byte(world));

	if (!peer)
		return;
	make_live(world, peer);
	if (wr_peer_follow(peer, &at) && next_byte(world) % 4)
		wr_relay_heard(peer);
}

static size_t build_message(struct world *world, uint8_t message[WR_HANDSHAKE_MAX_LEN])
{
	uint8_t kind = next_byte(world), key = next_byte(world);
	struct wr_key to = public_key(key % NETWORKS, key / NETWORKS % MACHINES);
	struct wr_initiation initiation = { .sender = index_of(world) };
	struct wr_response response = { .sender = initiation.sender, .receiver = index_of(world) };
	struct wr_cookie_reply cookie = { .receiver = response.receiver };
	struct wr_cookie_jar jar;
	size_t len = kind % 3 == 0 ? WR_INITIATION_LEN : WR_RESPONSE_LEN;

	wr_cookie_jar_init(&jar, &to);
	if (kind % 3 == 0)
		wr_initiation_write(&initiation, message);
	else
		wr_response_write(&response, message);
	wr_cookie_jar_sign(&jar, world->now, message, len);
	if (kind % 3 == 2) {
		wr_cookie_reply_write(&cookie, message);
		len = WR_COOKIE_LEN;
	}
	if (kind >= 200) /* not as it was signed */
		message[next_byte(world) % len] ^= 1;
	return len;
}

static void input(struct world *world)
{
	uint8_t message[WR_HANDSHAKE_MAX_LEN];
	struct wr_endpoint source = place(next_byte(world));
	size_t len = build_message(world, message);
	struct wr_relay *relay = world->port->relay;
	struct wr_relay_pass pass;
	uint32_t before = relay->way_count;

	if (wr_relay_input(relay, (struct wr_bytes){ message, len }, &source, world->now, &pass) !=
	    WR_TAKEN) {
		FUZZ_CHECK(relay->way_count == before);
		return;
	}
	FUZZ_CHECK(pass.match.from != pass.match.to);
	FUZZ_CHECK(pass.match.from->device == pass.match.to->device);
	FUZZ_CHECK(wr_relay_is_at(pass.match.from, &source));
	FUZZ_CHECK(pass.is_asked || wr_relay_has_pair(relay, pass.match.from, pass.match.to));
	if (pass.is_asked && next_byte(world) % 4 == 0)
		return; /* they may not */
	if (wr_relay_commit(relay, &pass, world->now) == WR_TAKEN && pass.has_index)
		FUZZ_CHECK(!wr_index_find(&world->port->indices, pass.index));
}

static void use(struct world *world)
{
	struct wr_endpoint source = place(next_byte(world));
	struct wr_relay_way *way = wr_relay_find(world->port->relay, index_of(world), &source);

	if (!way)
		return;
	FUZZ_CHECK(way->from->device == way->to->device && way->from != way->to);
	FUZZ_CHECK(!way->from->is_removed && !way->to->is_removed);
	wr_relay_use(way, world->now);
}

static void drop(struct world *world)
{
	struct wr_relay_pair *pair = wr_relay_next_pair(world->devices[next_byte(world) % NETWORKS],
							NULL);

	if (pair)
		wr_relay_drop_pair(world->port->relay, pair);
}

static void pass_time(struct world *world)
{
	world->now.ns += (uint64_t)next_byte(world) * S;
	wr_relay_age(world->port->relay, world->now);
}

static void reclaim(struct world *world)
{
	struct wr_retire_list retired = wr_port_take_retired(world->port);

	wr_port_forget(world->port);
	wr_retire_free_all(&retired);
}

static void command(struct world *world)
{
	switch (next_byte(world) % 8) {
	case 0: add_or_remove(world); break;
	case 1: hear(world); break;
	case 2: use(world); break;
	case 3: drop(world); break;
	case 4: pass_time(world); break;
	case 5: reclaim(world); break;
	default: input(world); break;
	}
}

/* --- What must always hold. --- */

static void check(const struct world *world)
{
	const struct wr_relay *relay = world->port->relay;
	uint32_t ways = 0, pairs = 0;

	for (uint32_t i = 0; i < INDICES; i++)
		for (struct wr_relay_way *way = relay->ways[wr_relay_bucket(relay, i)]; way;
		     way = way->next)
			ways += way->index == i;
	for (unsigned i = 0; i < NETWORKS; i++)
		for (struct wr_relay_pair *pair = wr_relay_next_pair(world->devices[i], NULL); pair;
		     pair = wr_relay_next_pair(world->devices[i], pair))
			pairs++;
	FUZZ_CHECK(pairs == relay->pair_count);
	FUZZ_CHECK(ways <= relay->way_count);
	FUZZ_CHECK(pairs <= relay->way_count);
	FUZZ_CHECK(relay->way_count == 0 || !wr_is_never(wr_relay_deadline(relay)));
}

static void start(struct world *world)
{
	static const struct wr_siphash_key hash_key = { { 1 } };

	world->port = wr_port_new(&wr_timing_paper, &hash_key);
	if (!world->port || wr_relay_open(world->port, UINT64_C(0x9e3779b97f4a7c15)) < 0)
		abort();
	for (unsigned i = 0; i < NETWORKS; i++) {
		struct wr_key private_key = { { (uint8_t)(i + 9) } };

		world->devices[i] = wr_device_new(world->port);
		if (!world->devices[i] ||
		    wr_device_set_private_key(world->devices[i], &private_key) < 0)
			abort();
		wr_device_set_up(world->devices[i], true, world->now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .data = data, .left = size, .now = { 1000 * S }, .seed = 1 };

	if (wr_crypto_start() < 0)
		abort();
	start(&world);
	for (unsigned i = 0; i < MAX_COMMANDS && world.left; i++) {
		command(&world);
		check(&world);
	}
	wr_port_free(world.port);
	return 0;
}
