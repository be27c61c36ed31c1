/* The receive path of a port: a sequence of commands drives a port that has a peer.
 * The peer is a port of its own, so that whole and half handshakes come to pass;
 * what it says can be kept, repeated, changed and signed again.
 *
 * Whatever comes in: each index belongs to a session or handshake, nothing that was
 * refused is answered (but by a cookie), what nobody signed changes nothing, and
 * the port comes to rest. */
#include "crypto/crypto.h"
#include "engine/knock.h"
#include "fuzz.h"
#include "wg/port.h"
#include "wire/stun.h"

#define MS UINT64_C(1000000)
#define TAPES 8
/* An input that makes more handshakes than this is too slow to learn from. */
#define MAX_COMMANDS 64

struct end {
	struct wr_port *port;
	struct wr_device *device;
	struct wr_peer *peer;
	struct wr_endpoint address;
	struct wr_retire_list retired; /* waits for its grace period */
};

struct world {
	const uint8_t *data;
	size_t left;
	struct wr_moment moment;
	uint64_t random;
	bool is_under_load;
	struct end subject, friend;
	struct wr_output tapes[TAPES]; /* datagrams that were put out */
	size_t tape_count;
};

/* --- The input. --- */

static uint8_t next_byte(struct world *world)
{
	if (!world->left)
		return 0;
	world->left--;
	return *world->data++;
}

static struct wr_bytes next_bytes(struct world *world, size_t len)
{
	struct wr_bytes bytes = { world->data, len < world->left ? len : world->left };

	world->data += bytes.len;
	world->left -= bytes.len;
	return bytes;
}

/* From nothing to more than all timers: 2^n ms. */
static void pass_time(struct world *world)
{
	uint64_t ms = UINT64_C(1) << next_byte(world) % 21;

	world->moment.now.ns += ms * MS;
	world->moment.wall.ns += ms * MS;
}

static struct wr_entropy entropy_of(struct world *world)
{
	struct wr_entropy entropy;
	uint8_t *bytes = (uint8_t *)&entropy;

	for (size_t i = 0; i < sizeof(entropy); i++) {
		world->random = world->random * UINT64_C(6364136223846793005) + 1;
		bytes[i] = (uint8_t)(world->random >> 56);
	}
	return entropy;
}

/* --- What must always hold. --- */

static uint32_t has(const void *pointer)
{
	return pointer != NULL;
}

static uint32_t sessions_of(const struct wr_peer *peer)
{
	return has(atomic_load(&peer->current)) + has(peer->previous) +
	       has(atomic_load(&peer->next));
}

static void check(const struct end *end)
{
	uint32_t count = 0;

	for (const struct wr_peer *peer = end->device->peer_first; peer; peer = peer->list_next)
		count += sessions_of(peer) + (peer->handshake.state == WR_HANDSHAKE_INITIATED);
	FUZZ_CHECK(end->port->indices.count == count);
	FUZZ_CHECK(end->device->peer_count == end->port->peer_count);
}

/* --- Two ports. --- */

static void add_peer(struct end *end, const struct end *other, bool is_managed)
{
	end->peer = wr_device_add_peer(end->device, &other->device->identity.public_key);
	FUZZ_CHECK(end->peer);
	if (is_managed) {
		FUZZ_CHECK(wr_peer_manage(end->peer) == 0);
		FUZZ_CHECK(wr_peer_set_spread(end->peer, &other->address, 1) == 0);
	}
	wr_peer_set_endpoint(end->peer, &other->address);
}

static void start(struct world *world, struct end *end, uint8_t number)
{
	static const struct wr_siphash_key hash_key = { { 1 } };
	struct wr_key key = { { 8, number, 2, 3 } };

	end->port = wr_port_new(&wr_timing_paper, &hash_key);
	FUZZ_CHECK(end->port);
	end->device = wr_device_new(end->port);
	FUZZ_CHECK(end->device);
	FUZZ_CHECK(wr_device_set_private_key(end->device, &key) == 0);
	wr_device_set_up(end->device, true, world->moment.now);
	end->address = (struct wr_endpoint){
		.ip = { .family = WR_IPV4, .bytes = { 192, 0, 2, number } },
		.port = 51820,
	};
}

static void keep(struct world *world, const struct wr_output *output)
{
	if (output->kind == WR_OUTPUT_DATAGRAM)
		world->tapes[world->tape_count++ % TAPES] = *output;
}

static enum wr_verdict input(struct world *world, struct end *end, struct wr_bytes datagram,
			     const struct wr_endpoint *from, struct wr_output *ret_output)
{
	struct wr_entropy entropy = entropy_of(world);
	enum wr_verdict verdict = wr_port_input(end->port, datagram, from, world->is_under_load,
						&world->moment, &entropy, ret_output);

	FUZZ_CHECK(verdict == WR_TAKEN || ret_output->kind == WR_OUTPUT_NONE ||
		   (verdict == WR_DROP_COOKIE && ret_output->len == WR_COOKIE_LEN));
	FUZZ_CHECK(ret_output->kind != WR_OUTPUT_DATAGRAM || ret_output->len <= datagram.len);
	keep(world, ret_output);
	return verdict;
}

static void poll(struct world *world, struct end *end)
{
	struct wr_output output = { .kind = WR_OUTPUT_NONE };
	unsigned outputs = 0;

	for (;;) {
		struct wr_entropy entropy = entropy_of(world);

		if (!wr_port_poll(end->port, &world->moment, &entropy, &output))
			break;
		keep(world, &output);
		FUZZ_CHECK(++outputs < 10);
	}
	FUZZ_CHECK(wr_port_deadline(end->port).ns > world->moment.now.ns);
}

static struct wr_output *tape_of(struct world *world)
{
	return &world->tapes[next_byte(world) % TAPES];
}

/* --- Commands. --- */

/* What nobody signed with a key that the port knows of. */
static void input_unsigned(struct world *world, struct wr_bytes datagram)
{
	struct end *end = &world->subject;
	uint32_t sessions = sessions_of(end->peer);
	uint8_t timestamp[WR_TAI64N_LEN];
	struct wr_endpoint before, after;
	struct wr_output output;

	memcpy(timestamp, end->peer->handshake.latest_timestamp, sizeof(timestamp));
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	wr_peer_endpoint(end->peer, &before);
	FUZZ_CHECK(input(world, end, datagram, &world->friend.address, &output) != WR_TAKEN);
	wr_peer_endpoint(end->peer, &after);
	FUZZ_CHECK(sessions_of(end->peer) == sessions);
	FUZZ_CHECK(memcmp(timestamp, end->peer->handshake.latest_timestamp, WR_TAI64N_LEN) == 0);
	FUZZ_CHECK(wr_endpoint_equal(&before, &after));
}

static void take_raw(struct world *world)
{
	struct wr_bytes datagram = next_bytes(world, next_byte(world));

	/* What goes to who owns the engine is nothing else. */
	if (wr_knock_is(datagram))
		FUZZ_CHECK(wr_message_type(datagram) == WR_MESSAGE_NONE && !wr_stun_is(datagram));
	input_unsigned(world, datagram);
}

static void sign(struct end *end, uint8_t *message, size_t len)
{
	struct wr_cookie_jar jar;

	wr_cookie_jar_init(&jar, &end->device->identity.public_key);
	wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, message, len);
}

/* Garbage with a right mac1, and with an index that the port gave away: whoever
 * watches the link can make these. */
static void take_signed(struct world *world)
{
	static const struct {
		uint8_t type;
		size_t len;
	} kinds[] = {
		{ WR_MESSAGE_INITIATION, WR_INITIATION_LEN },
		{ WR_MESSAGE_RESPONSE, WR_RESPONSE_LEN },
		{ WR_MESSAGE_COOKIE, WR_COOKIE_LEN },
	};
	struct end *end = &world->subject;
	size_t kind = next_byte(world) % 3, len = kinds[kind].len;
	const struct wr_session *current = atomic_load(&end->peer->current);
	uint32_t index = end->peer->handshake.index.index;
	uint8_t message[WR_HANDSHAKE_MAX_LEN] = { kinds[kind].type };
	struct wr_bytes body = next_bytes(world, len - 4);

	if (current && next_byte(world) % 2)
		index = current->index.index;
	memcpy(message + 4, body.data, body.len);
	if (kind == 1)
		memcpy(message + 8, &index, sizeof(index));
	if (kind == 2)
		memcpy(message + 4, &index, sizeof(index));
	else
		sign(end, message, len);
	input_unsigned(world, (struct wr_bytes){ message, len });
}

/* What one of the two once said, to either, as it was. */
static void replay(struct world *world)
{
	struct wr_output *tape = tape_of(world);
	uint8_t how = next_byte(world);
	struct end *to = how & 1 ? &world->subject : &world->friend;
	struct end *other = how & 1 ? &world->friend : &world->subject;
	struct wr_endpoint from = other->address;
	struct wr_output output;

	/* From elsewhere: it roams. */
	if (how & 2)
		from.port++;
	(void)!input(world, to, (struct wr_bytes){ tape->datagram, tape->len }, &from, &output);
}

/* The same, with some bytes changed, and signed again or not. */
static void replay_changed(struct world *world)
{
	struct wr_output tape = *tape_of(world);
	uint8_t changes = next_byte(world) % 4;
	struct wr_output output;

	if (!tape.len)
		return;
	for (uint8_t i = 0; i <= changes; i++)
		tape.datagram[next_byte(world) % tape.len] ^= next_byte(world);
	if (next_byte(world) % 2 && tape.len > 32)
		sign(&world->subject, tape.datagram, tape.len);
	(void)!input(world, &world->subject, (struct wr_bytes){ tape.datagram, tape.len },
		     &world->friend.address, &output);
}

/* The friend does all it can to have a session. */
static void shake_hands(struct world *world)
{
	struct wr_output output;

	wr_peer_ask(world->friend.peer, WR_ATTENTION_HANDSHAKE);
	poll(world, &world->friend);
	for (unsigned i = 0; i < 3 && world->tape_count; i++) {
		struct wr_output tape = world->tapes[(world->tape_count - 1) % TAPES];
		struct end *to = i % 2 ? &world->friend : &world->subject;
		struct end *from = i % 2 ? &world->subject : &world->friend;

		(void)!input(world, to, (struct wr_bytes){ tape.datagram, tape.len },
			     &from->address, &output);
	}
}

static struct wr_session *session_of(struct world *world, struct wr_peer *peer)
{
	switch (next_byte(world) % 3) {
	case 0: return atomic_load(&peer->current);
	case 1: return atomic_load(&peer->next);
	default: return peer->previous;
	}
}

/* The data plane has sent or received. */
static void leave_note(struct world *world)
{
	struct wr_peer *peer = world->subject.peer;
	struct wr_session *session = session_of(world, peer);
	uint8_t how = next_byte(world);

	if (!session)
		return;
	if (how & 1)
		wr_peer_note_sent(peer, session, world->moment.now, 100, how & 2);
	else
		wr_peer_note_received(peer, session, world->moment.now, 100, how & 2);
	if (how & 4)
		wr_peer_follow(peer, &world->friend.address);
	if (how & 8)
		atomic_store(&session->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
}

static void ask(struct world *world)
{
	wr_peer_ask(world->subject.peer, (enum wr_attention)(1u << next_byte(world) % 4));
}

static void set_spread(struct wr_peer *peer, uint8_t seed)
{
	struct wr_endpoint endpoints[WR_SPREAD_MAX + 2] = { 0 };
	size_t count = seed % WR_ARRAY_LEN(endpoints);

	if (!peer->managed)
		return;
	for (size_t i = 0; i < count; i++)
		endpoints[i] = (struct wr_endpoint){
			.ip = { .family = WR_IPV4, .bytes = { 198, 51, 100, (uint8_t)i } },
			.port = (uint16_t)(seed + 1),
		};
	FUZZ_CHECK(wr_peer_set_spread(peer, endpoints, count) == 0);
}

static void configure(struct world *world)
{
	struct end *end = &world->subject;
	uint8_t what = next_byte(world), value = next_byte(world);
	struct wr_key key = { { value, value, value } };
	struct wr_prefix prefix = { .ip = { .family = value & 1 ? WR_IPV4 : WR_IPV6,
					    .bytes = { value } },
				    .length = value % 33 };

	switch (what % 9) {
	case 0: wr_peer_set_keepalive(end->peer, value, world->moment.now); break;
	case 1: wr_peer_set_preshared_key(end->peer, &key); break;
	case 2: wr_device_set_up(end->device, value & 1, world->moment.now); break;
	case 3:
		wr_peer_remove(end->peer);
		add_peer(end, &world->friend, value & 1);
		break;
	case 4: FUZZ_CHECK(wr_device_set_private_key(end->device, &key) == 0); break;
	case 5: FUZZ_CHECK(wr_peer_allow(end->peer, &prefix) == 0); break;
	case 6: wr_peer_disallow(end->peer, &prefix); break;
	case 7: set_spread(end->peer, value); break;
	default: wr_peer_set_endpoint(end->peer, &world->friend.address); break;
	}
}

/* A grace period ends for what was retired before the last one began. */
static void reclaim(struct end *end)
{
	wr_port_forget(end->port);
	wr_retire_free_all(&end->retired);
	end->retired = wr_port_take_retired(end->port);
}

static void obey(struct world *world)
{
	switch (next_byte(world) % 12) {
	case 0: take_raw(world); break;
	case 1: take_signed(world); break;
	case 2: replay(world); break;
	case 3: replay_changed(world); break;
	case 4: shake_hands(world); break;
	case 5: poll(world, &world->subject); break;
	case 6: poll(world, &world->friend); break;
	case 7: leave_note(world); break;
	case 8: ask(world); break;
	case 9: configure(world); break;
	case 10: world->is_under_load = next_byte(world) & 1; break;
	default: reclaim(&world->subject); break;
	}
}

static void finish(struct end *end)
{
	wr_port_forget(end->port);
	wr_retire_free_all(&end->retired);
	wr_port_free(end->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .data = data, .left = size, .random = 1 };

	if (wr_crypto_start() < 0)
		abort();
	world.moment = (struct wr_moment){ { 1000000 * MS }, { 1700000000000 * MS } };
	start(&world, &world.subject, 1);
	start(&world, &world.friend, 2);
	add_peer(&world.subject, &world.friend, size % 2);
	add_peer(&world.friend, &world.subject, false);
	for (unsigned i = 0; world.left && i < MAX_COMMANDS; i++) {
		pass_time(&world);
		obey(&world);
		check(&world.subject);
	}
	poll(&world, &world.subject);
	check(&world.subject);
	finish(&world.subject);
	finish(&world.friend);
	return 0;
}
