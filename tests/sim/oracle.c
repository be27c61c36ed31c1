#include "world.h"

/* WireGuard paper, section 6.1; the jitter and the retry are the kernel's. */
#define KEEPALIVE_TIMEOUT (10 * S)
#define REKEY_TIMEOUT (5 * S)
#define REJECT_AFTER (180 * S)
#define JITTER (333 * MS)
/* An initiation that has to wait for the one before. */
#define RETRY (REKEY_TIMEOUT + JITTER)
/* The notes of the data plane move in steps of this; overdue is what is later. */
#define GRAIN (2 * MS)

static uint64_t now_of(const struct side *side)
{
	return side->node->world->now;
}

/* --- Each nonce once, each packet once. --- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);

	return z ^ z >> 29;
}

static struct nonce *nonce_place(struct world *world, const struct nonce *nonce)
{
	uint64_t i = mix(nonce->key, nonce->counter) & (world->nonce_room - 1);

	while (world->nonces[i].counter &&
	       (world->nonces[i].key != nonce->key || world->nonces[i].counter != nonce->counter))
		i = (i + 1) & (world->nonce_room - 1);
	return &world->nonces[i];
}

static void grow_nonces(struct world *world)
{
	struct nonce *old = world->nonces;
	uint64_t old_room = world->nonce_room;

	world->nonce_room = old_room ? 2 * old_room : 4096;
	world->nonces = calloc(world->nonce_room, sizeof(*world->nonces));
	assert(world->nonces);
	for (uint64_t i = 0; i < old_room; i++)
		if (old[i].counter)
			*nonce_place(world, &old[i]) = old[i];
	free(old);
}

static void use_nonce(struct world *world, const struct wr_key *key, uint64_t counter)
{
	struct nonce nonce = { .counter = counter + 1 };
	struct nonce *place;

	memcpy(&nonce.key, key->bytes, sizeof(nonce.key));
	if (2 * world->nonce_count >= world->nonce_room)
		grow_nonces(world);
	place = nonce_place(world, &nonce);
	if (place->counter)
		fail(world, "nonce %llu used twice with one key", (unsigned long long)counter);
	*place = nonce;
	world->nonce_count++;
}

static void sent(struct side *side)
{
	side->unanswered_received = 0;
	side->traversal = now_of(side);
}

static void received(struct side *side)
{
	side->unanswered_sent = 0;
	side->traversal = now_of(side);
}

void oracle_sealed(struct side *side, const struct wr_session *session, uint64_t counter,
		   uint64_t packet, bool has_data)
{
	struct world *world = side->node->world;
	uint64_t age = node_now(side->node).ns - session->created.ns;

	trace(world, "%zu to %zu: %s %llu on %08x", side->node->number, side->other->node->number,
	      has_data ? "packet" : "keepalive", (unsigned long long)packet, session->remote_index);
	use_nonce(world, &session->send_key, counter);
	if (age >= REJECT_AFTER)
		fail(world, "node %zu sent with a session that has expired", side->node->number);
	if (session->peer != side->peer)
		fail(world, "node %zu sent with another peer's session", side->node->number);
	sent(side);
	if (!has_data)
		return;
	world->packets[packet].sealed_age = age;
	if (!side->unanswered_sent)
		side->unanswered_sent = now_of(side);
}

void oracle_opened(struct side *side, const struct wr_session *session, uint64_t packet,
		   bool has_data)
{
	struct world *world = side->node->world;

	trace(world, "%zu has %s %llu on %08x", side->node->number,
	      has_data ? "packet" : "keepalive", (unsigned long long)packet, session->index.index);
	if (node_now(side->node).ns - session->created.ns >= REJECT_AFTER)
		fail(world, "node %zu took a packet of an expired session", side->node->number);
	received(side);
	if (!has_data)
		return;
	if (packet >= world->packet_count || world->packets[packet].from != side->other)
		fail(world, "node %zu took a packet from someone else", side->node->number);
	if (world->packets[packet].accepted)
		fail(world, "packet %llu was taken twice", (unsigned long long)packet);
	world->packets[packet].accepted = world->now;
	world->delivered++;
	if (!side->unanswered_received)
		side->unanswered_received = now_of(side);
}

/* --- Not too often. --- */

void oracle_handshake_sent(struct side *side, enum wr_message_type type)
{
	uint64_t now = now_of(side);

	trace(side->node->world, "%zu to %zu: %s", side->node->number, side->other->node->number,
	      type == WR_MESSAGE_INITIATION ? "initiation" : "response");
	if (type == WR_MESSAGE_INITIATION) {
		if (side->initiation && now - side->initiation < REKEY_TIMEOUT)
			fail(side->node->world, "node %zu sent two initiations within %llu ms",
			     side->node->number,
			     (unsigned long long)((now - side->initiation) / MS));
		side->initiation = now;
		side->unanswered_sent = 0;
	}
	sent(side);
}

void oracle_handshake_taken(struct side *side)
{
	received(side);
}

void oracle_keepalive_ordered(struct side *side)
{
	uint64_t now = now_of(side), least = KEEPALIVE_TIMEOUT;

	if (side->keepalive && side->keepalive * S < least)
		least = side->keepalive * S;
	if (side->keepalive_output && now - side->keepalive_output + GRAIN < least)
		fail(side->node->world, "node %zu was to send two keepalives within %llu ms",
		     side->node->number, (unsigned long long)((now - side->keepalive_output) / MS));
	side->keepalive_output = now;
}

void oracle_given_up(struct side *side)
{
	trace(side->node->world, "%zu to %zu: given up", side->node->number,
	      side->other->node->number);
	side->unanswered_received = 0;
}

void oracle_forget(struct side *side)
{
	side->initiation = 0;
	side->keepalive_output = 0;
	side->unanswered_sent = 0;
	side->unanswered_received = 0;
	side->traversal = now_of(side);
}

/* --- Not too late. --- */

static bool is_late(const struct side *side, uint64_t since, uint64_t bound)
{
	return since && now_of(side) > since + bound + GRAIN;
}

static void check_side(struct side *side)
{
	struct world *world = side->node->world;
	size_t number = side->node->number;
	bool has_session = wr_peer_session(side->peer, node_now(side->node));

	if (is_late(side, side->unanswered_received, KEEPALIVE_TIMEOUT)) {
		if (has_session)
			fail(world, "node %zu owes a keepalive", number);
		side->unanswered_received = 0;
	}
	if (is_late(side, side->unanswered_sent,
		    KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + JITTER + RETRY))
		fail(world, "node %zu owes an initiation: nothing came back", number);
	if (side->keepalive && wr_peer_has_endpoint(side->peer) &&
	    is_late(side, side->traversal, side->keepalive * S + RETRY))
		fail(world, "node %zu owes a persistent keepalive", number);
	/* Where the endpoint is not known, the interval begins when it is. */
	if (!wr_peer_has_endpoint(side->peer))
		side->traversal = now_of(side);
}

void oracle_check_timers(struct world *world)
{
	for (size_t i = 0; i < world->link_count; i++) {
		for (size_t j = 0; j < 2; j++) {
			struct side *side = &world->links[i].sides[j];

			if (!side->node->is_down)
				check_side(side);
		}
	}
}

/* --- What has to arrive. --- */

/* A session ends at both ends 180 s after it was made there: a packet sent in its
 * last moment may come too late, if nothing went before that would have renewed it. */
static bool is_excused(const struct packet *packet)
{
	return packet->sealed_age > REJECT_AFTER - 2 * S;
}

static bool is_busy(const struct link *link)
{
	return link->sides[0].pace && link->sides[0].pace <= 2 * S && link->sides[1].pace &&
	       link->sides[1].pace <= 2 * S;
}

/* A packet between two that talk all the time never waits for a handshake: keys are
 * renewed before they expire. */
static void check_packet(struct world *world, uint64_t number)
{
	const struct packet *packet = &world->packets[number];
	uint64_t latest = packet->sent + world->weather.delay + world->weather.spread;

	if (packet->accepted && packet->accepted <= latest)
		return;
	fail(world, "packet %llu of node %zu to %zu, sent at %llu ms, %s",
	     (unsigned long long)number, packet->from->node->number,
	     packet->from->other->node->number, (unsigned long long)(packet->sent / MS),
	     packet->accepted ? "came late" : "never came");
}

void oracle_check_delivery(struct world *world, uint64_t since)
{
	/* What was just sent may be on its way. */
	uint64_t until = world->now - S;

	for (uint64_t i = 0; i < world->packet_count; i++) {
		const struct packet *packet = &world->packets[i];

		if (packet->sent >= since && packet->sent <= until && is_busy(packet->from->link) &&
		    !is_excused(packet))
			check_packet(world, i);
	}
}

/* --- Nothing leaks. --- */

static uint32_t indices_of(const struct wr_peer *peer)
{
	bool has[] = { peer->handshake.state == WR_HANDSHAKE_INITIATED,
		       atomic_load(&peer->current) != NULL, peer->previous != NULL,
		       atomic_load(&peer->next) != NULL };

	return (uint32_t)has[0] + has[1] + has[2] + has[3];
}

void oracle_check_indices(struct world *world)
{
	for (size_t i = 0; i < world->node_count; i++) {
		const struct node *node = &world->nodes[i];
		uint32_t count = 0;

		for (size_t j = 0; j < world->link_count; j++)
			for (size_t k = 0; k < 2; k++)
				if (world->links[j].sides[k].node == node)
					count += indices_of(world->links[j].sides[k].peer);
		if (count != node->port->indices.count)
			fail(world, "node %zu has %u indices for %u sessions", i,
			     node->port->indices.count, count);
	}
}

void oracle_check_silence(struct world *world)
{
	for (size_t i = 0; i < world->node_count; i++) {
		const struct node *node = &world->nodes[i];

		if (node->port->indices.count)
			fail(world, "node %zu keeps %u sessions for ever", i,
			     node->port->indices.count);
		if (!wr_is_never(wr_port_deadline(node->port)))
			fail(world, "node %zu does not rest", i);
	}
}
