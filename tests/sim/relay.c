/* Machines that reach each other only through a hub's relay, in virtual time: real ports, real
 * handshakes, real packets. There is loss, delay and reordering; NATs rebind, the policy changes,
 * the hub restarts. After each storm all that may be said arrives, through any number of new
 * keys, and nothing else; and the hub opens none of it.
 *
 * usage: sim_relay [--seed N] [--runs N] [--hours N] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/heap.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "wg/port.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define TICK (50 * MS)
#define NETWORKS 2
#define MACHINES 8
#define HUB MACHINES
#define PORTS (MACHINES + 1)
#define PAYLOAD 32
#define MAX_DATAGRAM 160
#define HUB_KEEPALIVE 8
/* A NAT rebinds: the hub hears within 8 s. Silence is noticed after 15.4 s, an initiation may
 * wait 5.4 s, and be lost with what the NAT forgot. A machine that gave up tries again when it
 * has something to say. */
#define RECOVERY (60 * S)
/* The hub was restarted, and a machine is not where it was looked for: it keeps an old session
 * alive, which nobody answers, and makes a new one when that one expires after 180 s. */
#define RECOVERY_OF_RESTART (210 * S)
#define MAX_ADDRESSES 65536

struct world;

/* A machine, or the hub. */
struct node {
	struct world *world;
	unsigned number, network;
	uint32_t address;
	struct wr_key private_keys[NETWORKS]; /* a machine has the first only */
	struct wr_port *port;
	struct wr_device *devices[NETWORKS];
	struct wr_peer *peers[PORTS]; /* by number; of the hub: its machines */
	uint64_t staged[PORTS];       /* the packet that waits for a session, plus one */
	bool is_woken;
};

struct flight {
	struct wr_heap_node due;
	uint32_t from, to;
	size_t len;
	uint8_t data[MAX_DATAGRAM];
};

struct packet {
	unsigned from, to;
	uint64_t sent;
	bool was_allowed, has_come;
};

struct world {
	uint64_t seed, random, now, start;
	struct node nodes[PORTS];
	uint8_t owners[MAX_ADDRESSES]; /* number of the node plus one */
	uint32_t address_count;
	bool may[MACHINES][MACHINES];
	unsigned loss; /* percent */
	uint64_t delay, spread;
	bool is_quiet, was_restarted;
	struct wr_heap flights;
	struct packet *packets;
	size_t packet_count, packet_room;
	uint64_t relayed, delivered, opened_by_hub;
	const struct wr_aead *aead;
	struct wr_aead_context *context;
};

static _Noreturn void fail(const struct world *world, const char *what, uint64_t number)
{
	printf("not ok - sim_relay --seed %llu --runs 1: at %llu ms: %s (%llu)\n",
	       (unsigned long long)world->seed, (unsigned long long)(world->now / MS), what,
	       (unsigned long long)number);
	exit(1);
}

/* SplitMix64. */
static uint64_t draw(struct world *world)
{
	uint64_t z = (world->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t below(struct world *world, uint64_t limit)
{
	return draw(world) % limit;
}

static struct wr_moment moment_of(const struct world *world)
{
	return (struct wr_moment){ { world->now }, { 1700000000 * S + world->now } };
}

static struct wr_instant now_of(const struct world *world)
{
	return (struct wr_instant){ world->now };
}

static struct wr_entropy entropy_of(struct world *world)
{
	struct wr_entropy entropy;
	uint8_t *bytes = (uint8_t *)&entropy;

	for (size_t i = 0; i < sizeof(entropy); i++)
		bytes[i] = (uint8_t)draw(world);
	return entropy;
}

static bool is_hub(const struct node *node)
{
	return node->number == HUB;
}

/* --- The network. --- */

static struct wr_endpoint endpoint_at(uint32_t address)
{
	struct wr_endpoint endpoint = { .port = 4500, .ip.family = WR_IPV4 };

	if (address % 2) {
		endpoint.ip.family = WR_IPV6;
		endpoint.ip.bytes[0] = 0xfd;
	}
	memcpy(endpoint.ip.bytes + (address % 2 ? 12 : 0), &address, sizeof(address));
	return endpoint;
}

static uint32_t address_at(const struct wr_endpoint *endpoint)
{
	uint32_t address;

	memcpy(&address, endpoint->ip.bytes + (endpoint->ip.family == WR_IPV6 ? 12 : 0),
	       sizeof(address));
	return address;
}

static void give_address(struct world *world, struct node *node)
{
	assert(world->address_count < MAX_ADDRESSES);
	world->owners[node->address] = 0;
	node->address = world->address_count++;
	world->owners[node->address] = (uint8_t)(node->number + 1);
}

static void net_send(struct node *from, const struct wr_endpoint *to, const uint8_t *data,
		     size_t len)
{
	struct world *world = from->world;
	struct flight *flight;
	struct wr_instant due = { world->now + world->delay };

	if (below(world, 100) < world->loss)
		return;
	due.ns += world->spread ? below(world, world->spread) : 0;
	flight = calloc(1, sizeof(*flight));
	assert(flight && len <= sizeof(flight->data));
	flight->from = from->address;
	flight->to = address_at(to);
	flight->len = len;
	memcpy(flight->data, data, len);
	if (!wr_heap_set(&world->flights, &flight->due, due))
		abort();
}

/* --- What a data plane does. --- */

static unsigned number_of(const struct node *node, const struct wr_peer *peer)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (node->peers[i] == peer)
			return i;
	fail(node->world, "a peer that is nobody's", node->number);
}

static void transmit(struct node *node, struct wr_peer *peer, struct wr_session *session,
		     const uint64_t *packet)
{
	struct world *world = node->world;
	uint8_t plain[PAYLOAD] = { 0 }, message[MAX_DATAGRAM];
	struct wr_aead_job job = { .src = plain,
				   .dst = message + WR_DATA_HEADER_LEN,
				   .len = packet ? PAYLOAD : 0 };
	struct wr_endpoint to;

	if (!wr_session_take_counters(session, 1, &job.counter) || !wr_peer_endpoint(peer, &to))
		return;
	if (packet)
		memcpy(plain, packet, sizeof(*packet));
	wr_data_header_write(message, session->remote_index, job.counter);
	world->aead->seal(world->context, &session->send_key, &job, 1);
	net_send(node, &to, message, job.len + WR_DATA_OVERHEAD);
	node->is_woken |= wr_peer_note_sent(peer, session, now_of(world),
					    job.len + WR_DATA_OVERHEAD, packet);
}

static void say(struct node *node, unsigned to, uint64_t number)
{
	struct wr_peer *peer = node->peers[to];
	struct wr_session *session = wr_peer_session(peer, now_of(node->world));

	if (session) {
		transmit(node, peer, session, &number);
		return;
	}
	node->staged[to] = number + 1;
	node->is_woken |= wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE);
}

static void came(struct node *node, const struct wr_peer *peer, uint64_t number)
{
	struct world *world = node->world;
	struct packet *packet = &world->packets[number];

	if (number >= world->packet_count || packet->to != node->number ||
	    packet->from != number_of(node, peer))
		fail(world, "a packet for somebody else", number);
	if (packet->has_come)
		fail(world, "a packet came twice", number);
	packet->has_come = true;
	world->delivered++;
}

static void open_data(struct node *node, struct wr_session *session, struct flight *flight)
{
	struct world *world = node->world;
	uint8_t plain[MAX_DATAGRAM];
	struct wr_aead_job job = { .src = flight->data + WR_DATA_HEADER_LEN,
				   .dst = plain,
				   .len = (uint32_t)(flight->len - WR_DATA_OVERHEAD),
				   .counter = wr_data_counter(flight->data) };
	struct wr_endpoint from = endpoint_at(flight->from);
	uint64_t number;

	if (wr_session_is_expired(session, now_of(world)))
		return;
	world->aead->open(world->context, &session->receive_key, &job, 1);
	if (!job.is_authentic || !wr_replay_accept(&session->replay, job.counter))
		return;
	node->is_woken |= wr_peer_note_received(session->peer, session, now_of(world), flight->len,
						job.len > 0);
	if (wr_peer_hear(session->peer, &from, now_of(world)))
		wr_relay_heard(session->peer);
	if (!job.len)
		return;
	world->opened_by_hub += is_hub(node);
	memcpy(&number, plain, sizeof(number));
	came(node, session->peer, number);
}

static void relay_data(struct node *hub, const struct flight *flight)
{
	struct wr_endpoint from = endpoint_at(flight->from), to;
	struct wr_relay_way *way = wr_relay_find(hub->port->relay, wr_data_receiver(flight->data),
						 &from);

	if (!way || !wr_peer_endpoint(way->to, &to))
		return;
	wr_relay_use(way, now_of(hub->world));
	hub->world->relayed++;
	net_send(hub, &to, flight->data, flight->len);
}

static void take_data(struct node *node, struct flight *flight)
{
	struct wr_index_entry *entry = wr_index_find(&node->port->indices,
						     wr_data_receiver(flight->data));

	if (entry && entry->kind == WR_INDEX_SESSION)
		open_data(node, WR_CONTAINER_OF(entry, struct wr_session, index), flight);
	else if (!entry && is_hub(node))
		relay_data(node, flight);
}

/* --- What a control thread does. --- */

static void do_output(struct node *node, const struct wr_output *output)
{
	struct world *world = node->world;
	struct wr_session *session;
	unsigned number;

	if (output->kind == WR_OUTPUT_DATAGRAM)
		net_send(node, &output->to, output->datagram, output->len);
	if (!output->peer || output->kind == WR_OUTPUT_DATAGRAM || output->kind == WR_OUTPUT_NONE)
		return;
	number = number_of(node, output->peer);
	session = wr_peer_session(output->peer, now_of(world));
	if (output->kind == WR_OUTPUT_GIVE_UP) {
		node->staged[number] = 0;
	} else if (session && output->kind == WR_OUTPUT_SESSION && node->staged[number]) {
		uint64_t packet = node->staged[number] - 1;

		node->staged[number] = 0;
		transmit(node, output->peer, session, &packet);
	} else if (session && (output->kind == WR_OUTPUT_KEEPALIVE || output->needs_keepalive)) {
		transmit(node, output->peer, session, NULL);
	}
}

static bool may(const struct world *world, const struct node *hub,
		const struct wr_relay_match *match)
{
	return world->may[number_of(hub, match->from)][number_of(hub, match->to)];
}

/* True if that was all. */
static bool relay_handshake(struct node *hub, const struct flight *flight)
{
	struct world *world = hub->world;
	struct wr_endpoint from = endpoint_at(flight->from), to;
	struct wr_relay_pass pass;
	enum wr_verdict verdict = wr_relay_input(hub->port->relay,
						 (struct wr_bytes){ flight->data, flight->len },
						 &from, now_of(world), &pass);

	if (verdict == WR_DROP_MAC1 || verdict == WR_DROP_INDEX)
		return false;
	if (verdict == WR_TAKEN && (!pass.is_asked || may(world, hub, &pass.match)) &&
	    wr_relay_commit(hub->port->relay, &pass, now_of(world)) == WR_TAKEN &&
	    wr_peer_endpoint(pass.match.to, &to)) {
		world->relayed++;
		net_send(hub, &to, flight->data, flight->len);
	}
	return true;
}

static void take_handshake(struct node *node, const struct flight *flight)
{
	struct wr_moment moment = moment_of(node->world);
	struct wr_entropy entropy = entropy_of(node->world);
	struct wr_endpoint from = endpoint_at(flight->from);
	struct wr_output output;
	enum wr_verdict verdict;

	if (is_hub(node) && relay_handshake(node, flight))
		return;
	verdict = wr_port_input(node->port, (struct wr_bytes){ flight->data, flight->len }, &from,
				false, &moment, &entropy, &output);
	(void)verdict;
	do_output(node, &output);
}

static void poll_node(struct node *node)
{
	struct wr_moment moment = moment_of(node->world);
	struct wr_output output = { .kind = WR_OUTPUT_NONE };
	struct wr_retire_list retired;

	node->is_woken = false;
	for (;;) {
		struct wr_entropy entropy = entropy_of(node->world);

		if (!wr_port_poll(node->port, &moment, &entropy, &output))
			break;
		do_output(node, &output);
		output.kind = WR_OUTPUT_NONE;
	}
	if (node->port->relay)
		wr_relay_age(node->port->relay, moment.now);
	retired = wr_port_take_retired(node->port);
	wr_port_forget(node->port);
	wr_retire_free_all(&retired);
}

/* --- Machines and the hub. --- */

static struct wr_device *start_device(struct node *node, const struct wr_key *private_key)
{
	struct wr_device *device = wr_device_new(node->port);

	assert(device);
	if (wr_device_set_private_key(device, private_key) < 0)
		abort();
	wr_device_set_up(device, true, now_of(node->world));
	return device;
}

static void add_peer(struct node *node, unsigned device, const struct node *other,
		     unsigned key_of_other, const struct wr_endpoint *endpoint)
{
	struct wr_key key = wr_x25519_public(&other->private_keys[key_of_other]);
	struct wr_peer *peer = wr_device_add_peer(node->devices[device], &key);

	assert(peer);
	node->peers[other->number] = peer;
	if (endpoint)
		wr_peer_set_endpoint(peer, endpoint);
}

static void start_port(struct node *node)
{
	struct wr_siphash_key hash_key = { { (uint8_t)draw(node->world) } };

	node->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert(node->port);
}

static void start_machine(struct node *node)
{
	struct world *world = node->world;
	struct wr_endpoint hub = endpoint_at(world->nodes[HUB].address);

	start_port(node);
	node->devices[0] = start_device(node, &node->private_keys[0]);
	add_peer(node, 0, &world->nodes[HUB], node->network, &hub);
	wr_peer_set_keepalive(node->peers[HUB], HUB_KEEPALIVE, now_of(world));
	for (unsigned i = 0; i < MACHINES; i++)
		if (i != node->number && world->nodes[i].network == node->network)
			add_peer(node, 0, &world->nodes[i], 0, &hub);
}

/* It knows where its machines were, and greets them. */
static void start_hub(struct node *hub)
{
	struct world *world = hub->world;

	start_port(hub);
	if (wr_relay_open(hub->port, draw(world)) < 0)
		abort();
	for (unsigned i = 0; i < NETWORKS; i++)
		hub->devices[i] = start_device(hub, &hub->private_keys[i]);
	for (unsigned i = 0; i < MACHINES; i++) {
		struct wr_endpoint endpoint = endpoint_at(world->nodes[i].address);

		add_peer(hub, world->nodes[i].network, &world->nodes[i], 0, &endpoint);
		hub->is_woken |= wr_peer_ask(hub->peers[i], WR_ATTENTION_HANDSHAKE);
	}
	memset(hub->staged, 0, sizeof(hub->staged));
}

static void build(struct world *world)
{
	world->address_count = 2; /* the hub has 1, and keeps it */
	for (unsigned i = 0; i < PORTS; i++) {
		struct node *node = &world->nodes[i];

		node->world = world;
		node->number = i;
		node->network = i % NETWORKS;
		give_address(world, node);
		for (unsigned j = 0; j < NETWORKS; j++)
			for (size_t k = 0; k < WR_KEY_LEN; k++)
				node->private_keys[j].bytes[k] = (uint8_t)draw(world);
		for (unsigned j = 0; j < NETWORKS; j++)
			wr_x25519_clamp(&node->private_keys[j]);
	}
	start_hub(&world->nodes[HUB]);
	for (unsigned i = 0; i < MACHINES; i++)
		start_machine(&world->nodes[i]);
}

static void clear(struct world *world)
{
	struct wr_heap_node *first;

	for (unsigned i = 0; i < PORTS; i++)
		wr_port_free(world->nodes[i].port);
	while ((first = wr_heap_first(&world->flights))) {
		wr_heap_remove(&world->flights, first);
		free(WR_CONTAINER_OF(first, struct flight, due));
	}
	wr_heap_done(&world->flights);
	free(world->packets);
}

/* --- Trouble. --- */

static void review(struct world *world)
{
	struct node *hub = &world->nodes[HUB];

	for (unsigned i = 0; i < NETWORKS; i++) {
		struct wr_relay_pair *pair = wr_relay_next_pair(hub->devices[i], NULL);

		while (pair) {
			struct wr_relay_pair *next = wr_relay_next_pair(hub->devices[i], pair);
			struct wr_relay_match sides = wr_relay_pair_sides(pair);

			if (!may(world, hub, &sides))
				wr_relay_drop_pair(hub->port->relay, pair);
			pair = next;
		}
	}
}

static void change_policy(struct world *world)
{
	unsigned a = (unsigned)below(world, MACHINES), b = (unsigned)below(world, MACHINES);

	world->may[a][b] = world->may[b][a] = below(world, 3) > 0;
	review(world);
}

static void restart_hub(struct world *world)
{
	world->was_restarted = true;
	wr_port_free(world->nodes[HUB].port);
	start_hub(&world->nodes[HUB]);
}

static void strike(struct world *world)
{
	switch (below(world, 12)) {
	case 0: restart_hub(world); break;
	case 1:
	case 2:
	case 3: change_policy(world); break;
	default: give_address(world, &world->nodes[below(world, MACHINES)]); break;
	}
}

/* --- Time. --- */

static void land_all(struct world *world)
{
	while (wr_is_past(wr_heap_deadline(&world->flights), now_of(world))) {
		struct wr_heap_node *first = wr_heap_first(&world->flights);
		struct flight *flight = WR_CONTAINER_OF(first, struct flight, due);
		unsigned owner = world->owners[flight->to];
		struct wr_bytes datagram = { flight->data, flight->len };

		wr_heap_remove(&world->flights, first);
		if (owner && wr_message_type(datagram) == WR_MESSAGE_DATA)
			take_data(&world->nodes[owner - 1], flight);
		else if (owner)
			take_handshake(&world->nodes[owner - 1], flight);
		free(flight);
	}
}

static void chat(struct world *world)
{
	unsigned from = (unsigned)below(world, MACHINES), to = (unsigned)below(world, MACHINES);

	if (from == to || world->nodes[from].network != world->nodes[to].network)
		return;
	if (world->packet_count == world->packet_room) {
		world->packet_room = world->packet_room ? 2 * world->packet_room : 1024;
		world->packets = reallocarray(world->packets, world->packet_room,
					      sizeof(struct packet));
		assert(world->packets);
	}
	world->packets[world->packet_count] = (struct packet){ from, to, world->now,
							       world->may[from][to], false };
	say(&world->nodes[from], to, world->packet_count++);
}

static bool is_due(const struct node *node)
{
	const struct wr_relay *relay = node->port->relay;
	struct wr_instant due = wr_port_deadline(node->port);

	if (relay)
		due = wr_sooner(due, wr_relay_deadline(relay));
	return node->is_woken || wr_is_past(due, now_of(node->world));
}

static void play(struct world *world, uint64_t span)
{
	for (uint64_t end = world->now + span; world->now < end; world->now += TICK) {
		land_all(world);
		if (!world->is_quiet)
			chat(world);
		for (unsigned i = 0; i < PORTS; i++)
			if (is_due(&world->nodes[i]))
				poll_node(&world->nodes[i]);
	}
}

/* --- What has to be. --- */

static void check_packets(struct world *world, size_t first)
{
	for (size_t i = first; i < world->packet_count; i++) {
		const struct packet *packet = &world->packets[i];

		if (packet->sent + 2 * S > world->now)
			continue;
		if (packet->was_allowed && !packet->has_come)
			fail(world, "a packet did not come", i);
		if (!packet->was_allowed && packet->has_come)
			fail(world, "a packet came that may not", i);
	}
}

static void play_storm(struct world *world)
{
	world->loss = (unsigned)below(world, 40);
	world->delay = below(world, 200) * MS;
	world->spread = below(world, 400) * MS;
	for (uint64_t strikes = 1 + below(world, 12); strikes > 0; strikes--) {
		strike(world);
		play(world, below(world, 60) * S);
	}
}

static void play_calm(struct world *world)
{
	size_t first;

	world->loss = 0;
	world->delay = below(world, 50) * MS;
	world->spread = below(world, 50) * MS;
	play(world, world->was_restarted ? RECOVERY_OF_RESTART : RECOVERY);
	world->was_restarted = false;
	first = world->packet_count;
	play(world, 400 * S);
	check_packets(world, first);
}

/* Nobody has anything to say: the hub forgets who spoke to whom. */
static void play_silence(struct world *world)
{
	const struct wr_relay *relay = world->nodes[HUB].port->relay;

	world->is_quiet = true;
	play(world, 240 * S);
	if (relay->way_count || relay->pair_count)
		fail(world, "ways are kept for ever", relay->way_count);
	world->is_quiet = false;
}

/* The simulated time in ns. */
static uint64_t run(uint64_t seed)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t span;

	assert(world);
	world->seed = world->random = seed;
	world->now = world->start = 100000 * S;
	world->aead = wr_aead_pick(NULL);
	world->context = world->aead->context_new();
	assert(world->context);
	for (unsigned i = 0; i < MACHINES; i++)
		for (unsigned j = 0; j <= i; j++)
			world->may[i][j] = world->may[j][i] = below(world, 4) > 0;
	build(world);
	for (uint64_t rounds = 1 + below(world, 4); rounds > 0; rounds--) {
		play_storm(world);
		play_calm(world);
		play_silence(world);
	}
	if (world->opened_by_hub)
		fail(world, "the hub opened packets", world->opened_by_hub);
	span = world->now - world->start;
	printf("ok - sim_relay seed %llu: %llu s, %llu datagrams relayed, %llu of %zu packets\n",
	       (unsigned long long)seed, (unsigned long long)(span / S),
	       (unsigned long long)world->relayed, (unsigned long long)world->delivered,
	       world->packet_count);
	fflush(stdout);
	clear(world);
	world->aead->context_free(world->context);
	free(world);
	return span;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "sim_relay: %s is no number\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "hours", required_argument, NULL, 'h' },
		{ 0 },
	};
	uint64_t seed = (uint64_t)time(NULL), runs = 8, hours = 0, span = 0;
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 's': seed = number(optarg); break;
		case 'r': runs = number(optarg); break;
		case 'h': hours = number(optarg); break;
		default: return 2;
		}
	}
	if (wr_crypto_start() < 0)
		return 1;
	for (uint64_t i = 0; hours ? span < hours * 3600 * S : i < runs; i++)
		span += run(seed + i);
	printf("# %llu s simulated\n", (unsigned long long)(span / S));
	return 0;
}
