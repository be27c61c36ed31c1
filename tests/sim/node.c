#include "world.h"

struct wr_instant node_now(const struct node *node)
{
	return (struct wr_instant){ node->world->now - node->boot };
}

static struct wr_moment moment_of(struct node *node)
{
	/* 2023, and whatever its owner made of it. */
	uint64_t wall = 1700000000 * S + node->world->now + (uint64_t)node->wall_offset;

	if (wall > node->wall_max)
		node->wall_max = wall;
	return (struct wr_moment){ node_now(node), { wall } };
}

static struct wr_entropy entropy_of(struct world *world)
{
	struct wr_entropy entropy;
	uint8_t *bytes = (uint8_t *)&entropy;

	for (size_t i = 0; i < sizeof(entropy); i++)
		bytes[i] = (uint8_t)draw(world);
	return entropy;
}

/* --- The data plane. --- */

static void transmit(struct side *side, struct wr_session *session, uint64_t packet, bool has_data)
{
	struct node *node = side->node;
	uint8_t plain[PAYLOAD] = { 0 }, datagram[MAX_DATAGRAM];
	size_t len = has_data ? PAYLOAD : 0;
	struct wr_aead_job job = { .src = plain,
				   .dst = datagram + WR_DATA_HEADER_LEN,
				   .len = (uint32_t)len };
	struct wr_endpoint to;

	if (!wr_session_take_counters(session, 1, &job.counter))
		fail(node->world, "a session ran out of counters");
	oracle_sealed(side, session, job.counter, packet, has_data);
	memcpy(plain, &packet, sizeof(packet));
	wr_data_header_write(datagram, session->remote_index, job.counter);
	node->world->aead->seal(node->world->context, &session->send_key, &job, 1);
	len += WR_DATA_OVERHEAD;
	if (wr_peer_endpoint(side->peer, &to))
		net_send(node, &to, datagram, len);
	node->is_woken |= wr_peer_note_sent(side->peer, session, node_now(node), len, has_data);
}

static bool send_staged(struct side *side)
{
	struct wr_session *session = wr_peer_session(side->peer, node_now(side->node));
	size_t count = side->staged_count;

	if (!session || !wr_peer_has_endpoint(side->peer))
		return false;
	side->staged_count = 0;
	for (size_t i = 0; i < count; i++)
		transmit(side, session, side->staged[i], true);
	return count > 0;
}

static void send_keepalive(struct side *side)
{
	struct wr_session *session = wr_peer_session(side->peer, node_now(side->node));

	if (session && wr_peer_has_endpoint(side->peer))
		transmit(side, session, 0, false);
}

static void stage(struct side *side, uint64_t packet)
{
	if (side->staged_count == MAX_STAGED)
		memmove(side->staged, side->staged + 1, (--side->staged_count) * sizeof(uint64_t));
	side->staged[side->staged_count++] = packet;
	side->node->is_woken |= wr_peer_ask(side->peer, WR_ATTENTION_HANDSHAKE);
}

static uint64_t new_packet(struct side *side)
{
	struct world *world = side->node->world;

	if (world->packet_count == world->packet_room) {
		world->packet_room = world->packet_room ? 2 * world->packet_room : 1024;
		world->packets = reallocarray(world->packets, world->packet_room,
					      sizeof(struct packet));
		assert(world->packets);
	}
	world->packets[world->packet_count] = (struct packet){ .from = side, .sent = world->now };
	return world->packet_count++;
}

void side_send(struct side *side)
{
	struct node *node = side->node;
	struct wr_session *session;

	if (node->is_down)
		return;
	session = wr_peer_session(side->peer, node_now(node));
	if (session && wr_peer_has_endpoint(side->peer))
		transmit(side, session, new_packet(side), true);
	else
		stage(side, new_packet(side));
	node_settle(node);
}

static void take_data(struct node *node, const struct flight *flight)
{
	uint32_t receiver = wr_data_receiver(flight->data);
	struct wr_index_entry *entry = wr_index_find(&node->port->indices, receiver);
	uint8_t plain[MAX_DATAGRAM];
	struct wr_aead_job job = { .src = flight->data + WR_DATA_HEADER_LEN,
				   .dst = plain,
				   .len = (uint32_t)(flight->len - WR_DATA_OVERHEAD),
				   .counter = wr_data_counter(flight->data) };
	struct wr_session *session;
	uint64_t packet;

	if (!entry || entry->kind != WR_INDEX_SESSION)
		return;
	session = WR_CONTAINER_OF(entry, struct wr_session, index);
	if (wr_session_is_expired(session, node_now(node)))
		return;
	node->world->aead->open(node->world->context, &session->receive_key, &job, 1);
	if (!job.is_authentic || !wr_replay_accept(&session->replay, job.counter))
		return;
	memcpy(&packet, plain, sizeof(packet));
	oracle_opened(session->peer->owner, session, packet, job.len > 0);
	node->is_woken |= wr_peer_note_received(session->peer, session, node_now(node), flight->len,
						job.len > 0);
	wr_peer_follow(session->peer, &flight->from);
}

/* --- The port's thread. --- */

static void do_output(struct node *node, const struct wr_output *output)
{
	struct side *side = output->peer ? output->peer->owner : NULL;

	switch (output->kind) {
	case WR_OUTPUT_NONE: break;
	case WR_OUTPUT_DATAGRAM:
		if (side)
			oracle_handshake_sent(side, output->datagram[0]);
		net_send(node, &output->to, output->datagram, output->len);
		break;
	case WR_OUTPUT_SESSION:
		node->world->handshakes++;
		if (!send_staged(side) && output->needs_keepalive)
			send_keepalive(side);
		break;
	case WR_OUTPUT_KEEPALIVE:
		oracle_keepalive_ordered(side);
		send_keepalive(side);
		break;
	case WR_OUTPUT_GIVE_UP:
		oracle_given_up(side);
		side->staged_count = 0;
		break;
	}
}

static void reclaim(struct node *node)
{
	struct wr_retire_list retired = wr_port_take_retired(node->port);

	wr_port_forget(node->port);
	wr_retire_free_all(&retired);
}

static void poll_all(struct node *node)
{
	struct wr_moment moment = moment_of(node);
	struct wr_output output = { .kind = WR_OUTPUT_NONE };

	node->is_woken = false;
	for (;;) {
		struct wr_entropy entropy = entropy_of(node->world);

		if (!wr_port_poll(node->port, &moment, &entropy, &output))
			break;
		do_output(node, &output);
		output.kind = WR_OUTPUT_NONE;
	}
	reclaim(node);
}

/* Only if it was woken, or its deadline has come: a wake-up that is missing is to be
 * missed here too. */
void node_settle(struct node *node)
{
	struct world *world = node->world;
	struct wr_instant deadline;

	while (node->is_woken || wr_is_past(wr_port_deadline(node->port), node_now(node)))
		poll_all(node);
	deadline = wr_port_deadline(node->port);
	if (wr_is_never(deadline))
		wr_heap_remove(&world->alarms, &node->alarm);
	else if (!wr_heap_set(&world->alarms, &node->alarm,
			      (struct wr_instant){ deadline.ns + node->boot }))
		abort();
}

static void take_handshake(struct node *node, const struct flight *flight)
{
	struct wr_moment moment = moment_of(node);
	struct wr_entropy entropy = entropy_of(node->world);
	struct wr_output output;
	enum wr_verdict verdict =
		wr_port_input(node->port, (struct wr_bytes){ flight->data, flight->len },
			      &flight->from, node->is_under_load, &moment, &entropy, &output);

	trace(node->world, "%zu: message %u: %s", node->number, flight->data[0],
	      wr_verdict_name(verdict));
	if (verdict == WR_TAKEN && output.peer)
		oracle_handshake_taken(output.peer->owner);
	do_output(node, &output);
}

void node_input(struct node *node, const struct flight *flight)
{
	if (node->is_down)
		return;
	if (wr_message_type((struct wr_bytes){ flight->data, flight->len }) == WR_MESSAGE_DATA)
		take_data(node, flight);
	else
		take_handshake(node, flight);
	node_settle(node);
}

/* --- Starting and stopping. --- */

static void add_peer(struct side *side)
{
	struct wr_device *device = side->node->devices[side->device];
	struct side *other = side->other;
	struct wr_key public_key = wr_x25519_public(&other->node->private_keys[other->device]);
	struct wr_endpoint endpoint = net_endpoint(other->node->address);

	side->peer = wr_device_add_peer(device, &public_key);
	assert(side->peer);
	side->peer->owner = side;
	wr_peer_set_preshared_key(side->peer, &side->link->psk);
	wr_peer_set_keepalive(side->peer, side->keepalive, node_now(side->node));
	if (!other->node->is_mobile)
		wr_peer_set_endpoint(side->peer, &endpoint);
	oracle_forget(side);
}

static void for_each_side(struct node *node, void (*act)(struct side *side))
{
	for (size_t i = 0; i < node->world->link_count; i++) {
		struct link *link = &node->world->links[i];

		for (size_t j = 0; j < 2; j++)
			if (link->sides[j].node == node)
				act(&link->sides[j]);
	}
}

void node_start(struct node *node)
{
	static const struct wr_siphash_key hash_key = { { 9 } };

	node->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert(node->port);
	for (size_t i = 0; i < node->device_count; i++) {
		node->devices[i] = wr_device_new(node->port);
		assert(node->devices[i]);
		if (wr_device_set_private_key(node->devices[i], &node->private_keys[i]) < 0)
			abort();
		wr_device_set_up(node->devices[i], !node->is_down, node_now(node));
	}
	for_each_side(node, add_peer);
	node_settle(node);
}

static void forget_peer(struct side *side)
{
	side->peer = NULL;
	side->staged_count = 0;
}

void node_stop(struct node *node)
{
	for_each_side(node, forget_peer);
	wr_heap_remove(&node->world->alarms, &node->alarm);
	node->port = wr_port_free(node->port);
	node->is_woken = false;
}

void node_set_down(struct node *node, bool is_down)
{
	node->is_down = is_down;
	for (size_t i = 0; i < node->device_count; i++)
		wr_device_set_up(node->devices[i], !is_down, node_now(node));
	for_each_side(node, oracle_forget);
	node_settle(node);
}
