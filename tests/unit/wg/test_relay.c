#include "wg/relay.h"

#include "crypto/crypto.h"
#include "link.h"
#include "wg/rotation.h"

#define NOW ((struct wr_instant){ 1000 * S })
#define MAX_PEERS 1024

/* A port that relays, with a few devices; peer n of device d is at 10.d.n/256.n%256:4000. */
struct scene {
	struct wr_port *port;
	struct wr_relay *relay;
	struct wr_device *devices[2];
	struct wr_peer *peers[2][MAX_PEERS];
	uint64_t seed;
};

static struct wr_endpoint at(unsigned device, unsigned number)
{
	struct wr_endpoint endpoint = { .ip.family = WR_IPV4, .port = 4000 };
	uint8_t bytes[4] = { 10, (uint8_t)device, (uint8_t)(number >> 8), (uint8_t)number };

	memcpy(endpoint.ip.bytes, bytes, sizeof(bytes));
	return endpoint;
}

/* Any 32 bytes will do: nobody computes with them. */
static struct wr_key public_key(unsigned device, unsigned number)
{
	return (struct wr_key){ { 1 + (uint8_t)device, (uint8_t)(number >> 8), (uint8_t)number } };
}

/* As if it had just shaken hands; the session lasts. */
static void make_live(struct scene *scene, struct wr_peer *peer)
{
	struct wr_transport_keys keys = { 0 };
	struct wr_session *session = wr_session_new(peer, &keys, true, &wr_timing_paper, NOW);

	assert_non_null(session);
	session->expires = WR_NEVER;
	assert_true(wr_index_add(&scene->port->indices, &session->index, scene->seed++,
				 &scene->port->retire));
	wr_rotation_add(peer, session);
}

static struct wr_peer *add_peer(struct scene *scene, unsigned device, unsigned number)
{
	struct wr_key key = public_key(device, number);
	struct wr_endpoint endpoint = at(device, number);
	struct wr_peer *peer = wr_device_add_peer(scene->devices[device], &key);

	assert_non_null(peer);
	wr_peer_set_endpoint(peer, &endpoint);
	make_live(scene, peer);
	wr_relay_heard(peer);
	scene->peers[device][number] = peer;
	return peer;
}

static void scene_open(struct scene *scene, unsigned peers)
{
	static const struct wr_siphash_key hash_key = { { 3, 1, 4 } };

	*scene = (struct scene){ .seed = 1 };
	assert_int_equal(wr_crypto_start(), 0);
	scene->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert_int_equal(wr_relay_open(scene->port, UINT64_C(0x9e3779b97f4a7c15)), 0);
	scene->relay = scene->port->relay;
	for (unsigned i = 0; i < 2; i++) {
		struct wr_key private_key = test_private_key((uint8_t)(50 + i));

		scene->devices[i] = wr_device_new(scene->port);
		assert_int_equal(wr_device_set_private_key(scene->devices[i], &private_key), 0);
		wr_device_set_up(scene->devices[i], true, NOW);
		for (unsigned j = 0; j < peers; j++)
			add_peer(scene, i, j);
	}
}

static void reclaim(struct scene *scene)
{
	struct wr_retire_list retired = wr_port_take_retired(scene->port);

	wr_port_forget(scene->port);
	wr_retire_free_all(&retired);
}

static void scene_close(struct scene *scene)
{
	wr_port_free(scene->port);
}

static enum wr_verdict record(struct scene *scene, unsigned chooser, unsigned sender,
			      uint32_t index)
{
	return wr_relay_record(scene->relay, scene->peers[0][chooser], scene->peers[0][sender],
			       index, NOW);
}

/* Whom a message of device 0's peer `sender` with this index goes to; NULL: nobody. */
static struct wr_peer *target(const struct scene *scene, unsigned sender, uint32_t index)
{
	struct wr_endpoint source = at(0, sender);
	const struct wr_relay_way *way = wr_relay_find(scene->relay, index, &source);

	return way ? way->to : NULL;
}

static struct wr_bytes initiation_for(const struct wr_key *key, uint8_t bytes[WR_INITIATION_LEN])
{
	static const uint8_t type[4] = { WR_MESSAGE_INITIATION };
	struct wr_cookie_jar jar;

	memset(bytes, 7, WR_INITIATION_LEN);
	memcpy(bytes, type, sizeof(type));
	wr_cookie_jar_init(&jar, key);
	wr_cookie_jar_sign(&jar, NOW, bytes, WR_INITIATION_LEN);
	return (struct wr_bytes){ bytes, WR_INITIATION_LEN };
}

static enum wr_verdict match(struct scene *scene, const struct wr_endpoint *source,
			     const struct wr_key *key, struct wr_relay_match *ret)
{
	uint8_t bytes[WR_INITIATION_LEN];

	*ret = (struct wr_relay_match){ NULL, NULL };
	return wr_relay_match(scene->relay, initiation_for(key, bytes), source, NOW, ret);
}

/* --- Ways. --- */

static void test_relay_knows_the_way_of_an_index(void **state)
{
	struct wr_endpoint elsewhere = at(0, 1);
	struct scene scene;

	(void)state;
	scene_open(&scene, 3);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_ptr_equal(target(&scene, 1, 77), scene.peers[0][0]);
	assert_null(target(&scene, 1, 78));
	assert_null(target(&scene, 0, 77));
	assert_null(target(&scene, 2, 77));
	elsewhere.port++;
	assert_null(wr_relay_find(scene.relay, 77, &elsewhere));
	scene_close(&scene);
}

static void test_relay_follows_a_machine_that_moves(void **state)
{
	struct wr_endpoint moved = at(0, 500);
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_true(wr_peer_follow(scene.peers[0][1], &moved));
	assert_null(target(&scene, 1, 77));
	assert_ptr_equal(target(&scene, 500, 77), scene.peers[0][0]);
	scene_close(&scene);
}

/* Traffic to it goes where it is told to; it sends from where it likes. */
static void test_relay_knows_a_managed_machine_elsewhere(void **state)
{
	struct wr_key to = public_key(0, 0), key = public_key(0, 1);
	struct wr_relay_match found;
	struct wr_endpoint places[6];
	struct scene scene;
	struct wr_peer *peer;

	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(places); i++)
		places[i] = at(0, 500 + i);
	scene_open(&scene, 1);
	peer = scene.peers[0][1] = wr_device_add_peer(scene.devices[0], &key);
	assert_int_equal(wr_peer_manage(peer), 0);
	wr_peer_set_endpoint(peer, &places[0]);
	make_live(&scene, peer);
	wr_relay_heard(peer);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_null(target(&scene, 501, 77));
	assert_int_equal(match(&scene, &places[1], &to, &found), WR_DROP_MAC1);
	for (unsigned i = 0; i <= 3; i++)
		wr_relay_heard_at(peer, &places[i]);
	for (unsigned i = 0; i <= 3; i++) {
		assert_ptr_equal(target(&scene, 500 + i, 77), scene.peers[0][0]);
		assert_int_equal(match(&scene, &places[i], &to, &found), WR_TAKEN);
		assert_ptr_equal(found.from, peer);
	}
	/* One more: who was not heard for the longest time gives way. */
	wr_relay_heard_at(peer, &places[1]);
	wr_relay_heard_at(peer, &places[4]);
	assert_non_null(target(&scene, 501, 77));
	assert_null(target(&scene, 502, 77));
	assert_int_equal(match(&scene, &places[2], &to, &found), WR_DROP_MAC1);
	assert_int_equal(scene.relay->place_count, 1 + 1 + 1 + WR_RELAY_ELSEWHERE);
	/* Its traffic goes to one of these, and to a new one: where it went is known still. */
	wr_peer_set_endpoint(peer, &places[4]);
	assert_non_null(target(&scene, 500, 77));
	wr_peer_set_endpoint(peer, &places[5]);
	for (unsigned i = 4; i <= 5; i++)
		assert_int_equal(match(&scene, &places[i], &to, &found), WR_TAKEN);
	assert_int_equal(scene.relay->place_count, 1 + 1 + 1 + WR_RELAY_ELSEWHERE);
	wr_peer_remove(peer);
	assert_int_equal(scene.relay->place_count, 1 + 1);
	for (unsigned i = 0; i < WR_ARRAY_LEN(places); i++)
		assert_int_equal(match(&scene, &places[i], &to, &found), WR_DROP_MAC1);
	reclaim(&scene);
	scene_close(&scene);
}

static void test_relay_refuses_an_index_that_is_in_use(void **state)
{
	struct scene scene;
	struct wr_session *own;

	(void)state;
	scene_open(&scene, 4);
	own = wr_rotation_current(scene.peers[0][2]);
	assert_int_equal(record(&scene, 0, 1, own->index.index), WR_DROP_INDEX);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN); /* the same initiation again */
	assert_int_equal(record(&scene, 2, 1, 77), WR_DROP_INDEX);
	assert_int_equal(record(&scene, 2, 3, 77), WR_TAKEN); /* of another sender */
	assert_ptr_equal(target(&scene, 1, 77), scene.peers[0][0]);
	assert_ptr_equal(target(&scene, 3, 77), scene.peers[0][2]);
	assert_int_equal(scene.relay->way_count, 2);
	scene_close(&scene);
}

static void test_relay_indices_are_not_drawn(void **state)
{
	struct wr_index_entry first = { 0 }, second = { 0 };
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	assert_true(wr_index_add(&scene.port->indices, &first, 4711, &scene.port->retire));
	wr_index_remove(&scene.port->indices, &first);
	assert_int_equal(record(&scene, 0, 1, first.index), WR_TAKEN);
	assert_true(wr_index_add(&scene.port->indices, &second, 4711, &scene.port->retire));
	assert_int_not_equal(first.index, second.index);
	wr_index_remove(&scene.port->indices, &second);
	scene_close(&scene);
}

static void test_relay_wants_both_to_have_a_session(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 3);
	wr_rotation_clear(scene.peers[0][1]);
	assert_int_equal(record(&scene, 0, 1, 77), WR_DROP_NO_ENDPOINT);
	assert_int_equal(record(&scene, 1, 0, 77), WR_DROP_NO_ENDPOINT);
	assert_int_equal(scene.relay->pair_count, 0);
	scene_close(&scene);
}

/* --- Bounds. --- */

static void test_relay_pair_keeps_what_is_used(void **state)
{
	struct wr_endpoint source = at(0, 1);
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	for (uint32_t i = 0; i < WR_RELAY_WAYS_OF_PAIR; i++)
		assert_int_equal(wr_relay_record(scene.relay, scene.peers[0][0], scene.peers[0][1],
						 100 + i, wr_after(NOW, WR_SPAN_S(i))),
				 WR_TAKEN);
	wr_relay_use(wr_relay_find(scene.relay, 100, &source), wr_after(NOW, WR_SPAN_S(60)));
	assert_int_equal(record(&scene, 0, 1, 200), WR_TAKEN);
	assert_non_null(target(&scene, 1, 100)); /* the oldest, but in use */
	assert_null(target(&scene, 1, 101));
	assert_non_null(target(&scene, 1, 102));
	assert_int_equal(scene.relay->way_count, WR_RELAY_WAYS_OF_PAIR);
	/* The other direction has its own. */
	assert_int_equal(record(&scene, 1, 0, 300), WR_TAKEN);
	assert_int_equal(scene.relay->way_count, WR_RELAY_WAYS_OF_PAIR + 1);
	scene_close(&scene);
}

static void fill(struct scene *scene, unsigned chooser, unsigned peers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		unsigned sender = i / WR_RELAY_WAYS_OF_PAIR;
		uint32_t index = UINT32_C(0x40000000) + chooser * WR_RELAY_WAYS_OF_ONE + i;
		enum wr_verdict verdict;

		sender += sender >= chooser;
		assert_true(sender < peers);
		do /* by chance it is one of our own */
			verdict = record(scene, chooser, sender, index ^= UINT32_C(0x20000000));
		while (verdict == WR_DROP_INDEX);
		assert_int_equal(verdict, WR_TAKEN);
	}
}

static void test_relay_machine_has_so_many_ways(void **state)
{
	unsigned peers = WR_RELAY_WAYS_OF_ONE / WR_RELAY_WAYS_OF_PAIR + 2;
	struct scene scene;

	(void)state;
	scene_open(&scene, peers);
	fill(&scene, 0, peers, WR_RELAY_WAYS_OF_ONE);
	assert_int_equal(record(&scene, 0, peers - 1, 1), WR_DROP_RATE);
	assert_int_equal(record(&scene, 1, 0, 2), WR_TAKEN); /* the others' are not full */
	scene_close(&scene);
}

static void test_relay_full_table_takes_from_who_has_most(void **state)
{
	unsigned peers = WR_RELAY_WAYS_OF_ONE / WR_RELAY_WAYS_OF_PAIR + 2;
	struct wr_endpoint source = at(1, 1);
	struct scene scene;

	(void)state;
	scene_open(&scene, peers);
	assert_int_equal(wr_relay_record(scene.relay, scene.peers[1][0], scene.peers[1][1], 5, NOW),
			 WR_TAKEN);
	for (unsigned i = 0; i < WR_RELAY_MAX_WAYS / WR_RELAY_WAYS_OF_ONE; i++)
		fill(&scene, i, peers, WR_RELAY_WAYS_OF_ONE);
	assert_true(scene.relay->way_count <= WR_RELAY_MAX_WAYS);
	assert_int_equal(wr_relay_record(scene.relay, scene.peers[1][2], scene.peers[1][1], 6, NOW),
			 WR_TAKEN);
	assert_true(scene.relay->way_count <= WR_RELAY_MAX_WAYS);
	assert_non_null(wr_relay_find(scene.relay, 5, &source)); /* the small network's stays */
	assert_non_null(wr_relay_find(scene.relay, 6, &source));
	reclaim(&scene);
	scene_close(&scene);
}

/* --- What ends ways. --- */

static void test_relay_forgets_a_machine(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 4);
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_int_equal(record(&scene, 1, 0, 78), WR_TAKEN);
	assert_int_equal(record(&scene, 2, 1, 79), WR_TAKEN);
	assert_int_equal(record(&scene, 2, 3, 80), WR_TAKEN);
	wr_peer_remove(scene.peers[0][1]);
	assert_null(target(&scene, 1, 77));
	assert_null(target(&scene, 0, 78));
	assert_null(target(&scene, 1, 79));
	assert_non_null(target(&scene, 3, 80));
	assert_int_equal(scene.relay->pair_count, 1);
	reclaim(&scene);
	wr_device_set_up(scene.devices[0], false, NOW);
	assert_null(target(&scene, 3, 80));
	assert_int_equal(scene.relay->pair_count, 0);
	scene_close(&scene);
}

static void age_all(struct scene *scene, struct wr_instant now)
{
	for (unsigned i = 0; i < 32; i++) {
		scene->relay->sweep_due = now;
		wr_relay_age(scene->relay, now);
	}
	reclaim(scene);
}

static void test_relay_ways_age(void **state)
{
	struct wr_endpoint source = at(0, 1);
	struct scene scene;

	(void)state;
	scene_open(&scene, 3);
	assert_true(wr_is_never(wr_relay_deadline(scene.relay)));
	assert_int_equal(record(&scene, 0, 1, 77), WR_TAKEN);
	assert_int_equal(record(&scene, 0, 2, 78), WR_TAKEN);
	assert_false(wr_is_never(wr_relay_deadline(scene.relay)));
	wr_relay_use(wr_relay_find(scene.relay, 77, &source), wr_after(NOW, WR_SPAN_S(100)));
	age_all(&scene, wr_after(NOW, WR_SPAN_S(179)));
	assert_int_equal(scene.relay->way_count, 2);
	age_all(&scene, wr_after(NOW, WR_SPAN_S(180)));
	assert_non_null(target(&scene, 1, 77));
	assert_null(target(&scene, 2, 78));
	assert_int_equal(scene.relay->pair_count, 1);
	/* Who has no session with us is not relayed for. */
	wr_rotation_clear(scene.peers[0][0]);
	age_all(&scene, wr_after(NOW, WR_SPAN_S(181)));
	assert_int_equal(scene.relay->way_count, 0);
	assert_int_equal(scene.relay->pair_count, 0);
	assert_true(wr_is_never(wr_relay_deadline(scene.relay)));
	scene_close(&scene);
}

/* --- Whom an initiation is for. --- */

static void test_relay_match_knows_sender_and_target(void **state)
{
	struct wr_endpoint source = at(0, 3), stranger = at(7, 7);
	struct wr_key to = public_key(0, 20), other = public_key(1, 20), own = public_key(0, 3);
	struct wr_relay_match found;
	struct scene scene;

	(void)state;
	scene_open(&scene, 40);
	assert_int_equal(match(&scene, &source, &to, &found), WR_TAKEN);
	assert_ptr_equal(found.from, scene.peers[0][3]);
	assert_ptr_equal(found.to, scene.peers[0][20]);
	assert_int_equal(match(&scene, &source, &other, &found), WR_DROP_MAC1);
	assert_int_equal(match(&scene, &source, &own, &found), WR_DROP_MAC1);
	assert_int_equal(match(&scene, &stranger, &to, &found), WR_DROP_MAC1);
	/* For the network's own key: the port's. */
	assert_int_equal(match(&scene, &source, &scene.devices[0]->identity.public_key, &found),
			 WR_DROP_MAC1);
	wr_rotation_clear(scene.peers[0][3]);
	assert_int_equal(match(&scene, &source, &to, &found), WR_DROP_MAC1);
	scene_close(&scene);
}

static void test_relay_match_keeps_up(void **state)
{
	struct wr_endpoint source = at(0, 0), moved = at(0, 600);
	struct wr_key gone = public_key(0, 1), new = public_key(0, 30);
	struct wr_relay_match found;
	struct scene scene;

	(void)state;
	scene_open(&scene, 3);
	assert_int_equal(match(&scene, &source, &gone, &found), WR_TAKEN);
	wr_peer_remove(scene.peers[0][1]);
	assert_int_equal(match(&scene, &source, &gone, &found), WR_DROP_MAC1);
	add_peer(&scene, 0, 30);
	assert_int_equal(match(&scene, &source, &new, &found), WR_TAKEN);
	assert_ptr_equal(found.to, scene.peers[0][30]);
	/* It moves: the old place is a stranger's at once, the new one known when it is told. */
	assert_true(wr_peer_follow(scene.peers[0][0], &moved));
	assert_int_equal(match(&scene, &source, &new, &found), WR_DROP_MAC1);
	wr_relay_heard(scene.peers[0][0]);
	assert_int_equal(match(&scene, &moved, &new, &found), WR_TAKEN);
	assert_ptr_equal(found.from, scene.peers[0][0]);
	reclaim(&scene);
	scene_close(&scene);
}

/* Two of one host, of different networks, from one socket. */
static void test_relay_match_tells_networks_apart(void **state)
{
	struct wr_endpoint shared = at(9, 9);
	struct wr_key first = public_key(0, 1), second = public_key(1, 1);
	struct wr_relay_match found;
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wr_peer_follow(scene.peers[i][0], &shared));
		wr_relay_heard(scene.peers[i][0]);
	}
	assert_int_equal(match(&scene, &shared, &first, &found), WR_TAKEN);
	assert_ptr_equal(found.from, scene.peers[0][0]);
	assert_ptr_equal(found.to, scene.peers[0][1]);
	assert_int_equal(match(&scene, &shared, &second, &found), WR_TAKEN);
	assert_ptr_equal(found.from, scene.peers[1][0]);
	assert_ptr_equal(found.to, scene.peers[1][1]);
	scene_close(&scene);
}

/* Whoever claims to be where another is cannot hide it. */
static void test_relay_match_finds_who_was_there_first(void **state)
{
	struct wr_endpoint victim = at(0, 0);
	struct wr_key to = public_key(0, 1);
	struct wr_relay_match found;
	struct scene scene;

	(void)state;
	scene_open(&scene, 200);
	for (unsigned i = 0; i < 200; i++) {
		assert_true(wr_peer_follow(scene.peers[1][i], &victim));
		wr_relay_heard(scene.peers[1][i]);
	}
	assert_int_equal(match(&scene, &victim, &to, &found), WR_TAKEN);
	assert_ptr_equal(found.from, scene.peers[0][0]);
	scene_close(&scene);
}

static void test_relay_match_has_a_budget(void **state)
{
	struct wr_endpoint source = at(0, 0);
	struct wr_key nobody = public_key(5, 5), last = public_key(0, 1);
	enum wr_verdict verdict = WR_DROP_MAC1;
	struct wr_relay_match found;
	struct scene scene;
	unsigned tries;

	(void)state;
	scene_open(&scene, 1000);
	assert_int_equal(match(&scene, &source, &last, &found), WR_TAKEN);
	for (tries = 0; tries < 100000 && verdict == WR_DROP_MAC1; tries++)
		verdict = match(&scene, &source, &nobody, &found);
	assert_int_equal(verdict, WR_DROP_BUDGET);
	assert_in_range(tries, 1000, 20000);
	/* Whom it shook hands with last costs next to nothing, and is always found. */
	assert_int_equal(match(&scene, &source, &last, &found), WR_TAKEN);
	scene_close(&scene);
}

static void test_relay_input_has_a_budget(void **state)
{
	struct wr_endpoint source = at(0, 0);
	struct wr_key to = public_key(0, 1);
	uint8_t bytes[WR_INITIATION_LEN];
	struct wr_relay_pass pass;
	struct scene scene;
	unsigned passed = 0;
	enum wr_verdict verdict;

	(void)state;
	scene_open(&scene, 3);
	initiation_for(&to, bytes);
	do
		verdict = wr_relay_input(scene.relay, (struct wr_bytes){ bytes, sizeof(bytes) },
					 &source, NOW, &pass);
	while (verdict == WR_TAKEN && ++passed < 100000);
	assert_int_equal(verdict, WR_DROP_RATE);
	assert_in_range(passed, 100, 5000);
	scene_close(&scene);
}

/* --- Against a list. --- */

#define TWIN_PEERS 12
#define TWIN_INDICES 30
#define TWIN_WAYS 4096

struct twin_way {
	unsigned from, to;
	uint32_t index;
	uint64_t last_used;
};

struct twin {
	struct scene scene;
	struct unit_random random;
	struct twin_way ways[TWIN_WAYS];
	size_t count;
	unsigned places[TWIN_PEERS]; /* where each is: a number for at() */
	unsigned next_place;
	struct wr_instant now;
};

static void twin_drop(struct twin *twin, size_t which)
{
	twin->ways[which] = twin->ways[--twin->count];
}

static void twin_forget(struct twin *twin, unsigned peer)
{
	for (size_t i = twin->count; i-- > 0;)
		if (twin->ways[i].from == peer || twin->ways[i].to == peer)
			twin_drop(twin, i);
}

static void twin_make_room(struct twin *twin, unsigned from, unsigned to)
{
	size_t count = 0, oldest = SIZE_MAX;

	for (size_t i = 0; i < twin->count; i++) {
		if (twin->ways[i].from != from || twin->ways[i].to != to)
			continue;
		count++;
		if (oldest == SIZE_MAX || twin->ways[i].last_used < twin->ways[oldest].last_used)
			oldest = i;
	}
	if (count == WR_RELAY_WAYS_OF_PAIR)
		twin_drop(twin, oldest);
}

/* Eight of one index are the most; there are no more senders than that here by far, so few
 * reach it. */
static enum wr_verdict twin_record(struct twin *twin, unsigned chooser, unsigned sender,
				   uint32_t index)
{
	unsigned namesakes = 0;

	for (size_t i = 0; i < twin->count; i++) {
		struct twin_way *way = &twin->ways[i];

		namesakes += way->index == index;
		if (way->from != sender || way->index != index)
			continue;
		if (way->to != chooser)
			return WR_DROP_INDEX;
		if (twin->now.ns > way->last_used + S)
			way->last_used = twin->now.ns;
		return WR_TAKEN;
	}
	if (namesakes >= 8)
		return WR_DROP_INDEX;
	twin_make_room(twin, sender, chooser);
	twin->ways[twin->count++] = (struct twin_way){ sender, chooser, index, twin->now.ns };
	return WR_TAKEN;
}

static void twin_play_record(struct twin *twin)
{
	unsigned chooser = (unsigned)unit_random_below(&twin->random, TWIN_PEERS);
	unsigned sender = (unsigned)unit_random_below(&twin->random, TWIN_PEERS);
	uint32_t index = 1 + (uint32_t)unit_random_below(&twin->random, TWIN_INDICES);

	if (chooser == sender)
		return;
	assert_int_equal(wr_relay_record(twin->scene.relay, twin->scene.peers[0][chooser],
					 twin->scene.peers[0][sender], index, twin->now),
			 twin_record(twin, chooser, sender, index));
}

static void twin_play_use(struct twin *twin)
{
	struct twin_way *way;
	struct wr_endpoint source;

	if (!twin->count)
		return;
	way = &twin->ways[unit_random_below(&twin->random, twin->count)];
	source = at(0, twin->places[way->from]);
	wr_relay_use(wr_relay_find(twin->scene.relay, way->index, &source), twin->now);
	if (twin->now.ns > way->last_used + S)
		way->last_used = twin->now.ns;
}

static void twin_play_move(struct twin *twin)
{
	unsigned peer = (unsigned)unit_random_below(&twin->random, TWIN_PEERS);
	struct wr_endpoint to;

	twin->places[peer] = twin->next_place++;
	to = at(0, twin->places[peer]);
	assert_true(wr_peer_follow(twin->scene.peers[0][peer], &to));
	if (unit_random_below(&twin->random, 2))
		wr_relay_heard(twin->scene.peers[0][peer]);
}

static void twin_play_replace(struct twin *twin)
{
	unsigned peer = (unsigned)unit_random_below(&twin->random, TWIN_PEERS);

	wr_peer_remove(twin->scene.peers[0][peer]);
	twin_forget(twin, peer);
	add_peer(&twin->scene, 0, peer);
	twin->places[peer] = peer;
}

static void twin_play_age(struct twin *twin)
{
	twin->now = wr_after(twin->now, WR_SPAN_S(unit_random_below(&twin->random, 150)));
	for (size_t i = twin->count; i-- > 0;)
		if (twin->ways[i].last_used + WR_RELAY_IDLE.ns <= twin->now.ns)
			twin_drop(twin, i);
	age_all(&twin->scene, twin->now);
}

static void twin_play_drop(struct twin *twin)
{
	struct wr_relay_pair *pair = wr_relay_next_pair(twin->scene.devices[0], NULL);
	struct wr_relay_match sides;

	if (!pair)
		return;
	sides = wr_relay_pair_sides(pair);
	for (size_t i = twin->count; i-- > 0;) {
		const struct wr_peer *from = twin->scene.peers[0][twin->ways[i].from];
		const struct wr_peer *to = twin->scene.peers[0][twin->ways[i].to];

		if ((from == sides.from && to == sides.to) ||
		    (from == sides.to && to == sides.from))
			twin_drop(twin, i);
	}
	wr_relay_drop_pair(twin->scene.relay, pair);
}

static const struct twin_way *twin_find(const struct twin *twin, unsigned from, uint32_t index)
{
	for (size_t i = 0; i < twin->count; i++)
		if (twin->ways[i].from == from && twin->ways[i].index == index)
			return &twin->ways[i];
	return NULL;
}

static void twin_compare(const struct twin *twin)
{
	for (unsigned from = 0; from < TWIN_PEERS; from++) {
		for (uint32_t index = 0; index <= TWIN_INDICES; index++) {
			struct wr_endpoint source = at(0, twin->places[from]);
			const struct wr_relay_way *way = wr_relay_find(twin->scene.relay, index,
								       &source);
			const struct twin_way *expected = twin_find(twin, from, index);

			assert_ptr_equal(way ? way->to : NULL,
					 expected ? twin->scene.peers[0][expected->to] : NULL);
		}
	}
	assert_int_equal(twin->scene.relay->way_count, twin->count);
}

static void test_relay_does_what_a_list_would(void **state)
{
	static struct twin twin;

	(void)state;
	twin = (struct twin){ .random = unit_random_start("relay"),
			      .next_place = TWIN_PEERS,
			      .now = NOW };
	scene_open(&twin.scene, TWIN_PEERS);
	for (unsigned i = 0; i < TWIN_PEERS; i++)
		twin.places[i] = i;
	for (unsigned i = 0; i < 20000; i++) {
		size_t what = unit_random_below(&twin.random, 100);

		twin.now = wr_after(twin.now, WR_SPAN_MS(100));
		if (what < 70)
			twin_play_record(&twin);
		else if (what < 90)
			twin_play_use(&twin);
		else if (what < 95)
			twin_play_move(&twin);
		else if (what < 97)
			twin_play_replace(&twin);
		else if (what < 98)
			twin_play_age(&twin);
		else
			twin_play_drop(&twin);
		if (i % 16 == 0)
			twin_compare(&twin);
	}
	twin_compare(&twin);
	reclaim(&twin.scene);
	scene_close(&twin.scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_knows_the_way_of_an_index),
		cmocka_unit_test(test_relay_follows_a_machine_that_moves),
		cmocka_unit_test(test_relay_knows_a_managed_machine_elsewhere),
		cmocka_unit_test(test_relay_refuses_an_index_that_is_in_use),
		cmocka_unit_test(test_relay_indices_are_not_drawn),
		cmocka_unit_test(test_relay_wants_both_to_have_a_session),
		cmocka_unit_test(test_relay_pair_keeps_what_is_used),
		cmocka_unit_test(test_relay_machine_has_so_many_ways),
		cmocka_unit_test(test_relay_full_table_takes_from_who_has_most),
		cmocka_unit_test(test_relay_forgets_a_machine),
		cmocka_unit_test(test_relay_ways_age),
		cmocka_unit_test(test_relay_match_knows_sender_and_target),
		cmocka_unit_test(test_relay_match_keeps_up),
		cmocka_unit_test(test_relay_match_tells_networks_apart),
		cmocka_unit_test(test_relay_match_finds_who_was_there_first),
		cmocka_unit_test(test_relay_match_has_a_budget),
		cmocka_unit_test(test_relay_input_has_a_budget),
		cmocka_unit_test(test_relay_does_what_a_list_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
