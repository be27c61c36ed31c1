/* A member: its path machine, what it needs of WireGuard, its traffic. */
#include "path_world.h"

#define SESSION_LIFE (180 * S)
#define REKEY_AFTER (120 * S)
#define HANDSHAKE_RETRY (5 * S)
#define HELLO_EVERY (8 * S)
#define LOOK_EVERY (1 * S)
/* As often as a backend tells that a peer is heard elsewhere. */
#define HEARD_EVERY (100 * MS)

static struct wr_instant now_of(const struct world *world)
{
	return (struct wr_instant){ world->now };
}

static void arm(struct world *world, struct wr_heap_node *node, uint64_t at)
{
	if (!wr_heap_set(&world->alarms, node, (struct wr_instant){ at }))
		abort();
}

static struct host *other_of(struct world *world, const struct host *host)
{
	return &world->hosts[!host->number];
}

/* --- Sending. --- */

static struct packet *packet_of(struct world *world, struct host *host, enum what what,
				struct address to)
{
	struct packet *packet = calloc(1, sizeof(*packet));

	assert(packet);
	packet->what = what;
	packet->sender = host->number;
	packet->receiver = !host->number;
	packet->from = host->address;
	packet->to = to;
	packet->sent = world->now;
	host->packets++;
	return packet;
}

static void send_what(struct world *world, struct host *host, enum what what,
		      const struct wr_endpoint *to)
{
	if (to->ip.family != WR_FAMILY_NONE)
		net_send(world, packet_of(world, host, what, address_of(to)));
}

/* The same initiation to all addresses that the peer may be at. */
static void spread(struct world *world, struct host *host)
{
	struct wr_endpoint spots[WR_PATH_CANDIDATES];
	size_t count = wr_path_spots(host->path, spots);

	for (size_t i = 0; i < count; i++)
		if (!wr_endpoint_equal_remote(&spots[i], &host->endpoint))
			send_what(world, host, INITIATION, &spots[i]);
}

static void begin_session(struct world *world, struct host *host)
{
	if (world->now < host->initiated + HANDSHAKE_RETRY && host->initiated)
		return;
	host->initiated = world->now;
	send_what(world, host, INITIATION, &host->endpoint);
	if (world->is_mesh && !host->is_kernel && !host->has_session)
		spread(world, host);
}

static bool has_session(struct world *world, struct host *host)
{
	if (host->has_session && host->session_used + SESSION_LIFE < world->now)
		host->has_session = false;
	/* WireGuard's sender notices after 15 s that nothing comes back. */
	if (host->is_unheard && host->unheard + 15 * S < world->now)
		host->has_session = false;
	return host->has_session;
}

static void send_data(struct world *world, struct host *host)
{
	struct packet *packet;

	host->numbers++;
	if (!has_session(world, host)) {
		host->last_delivered = 0; /* it waits for a session: nobody's black hole */
		/* Initiations are seen in the figures. */
		if (!world->is_mesh || host->is_kernel)
			wr_path_sent(host->path, now_of(world));
		begin_session(world, host);
		return;
	}
	if (host->shaken + REKEY_AFTER < world->now)
		begin_session(world, host);
	oracle_sent(world, host);
	host->session_used = world->now;
	host->sent_now++;
	packet = packet_of(world, host, DATA, address_of(&host->endpoint));
	packet->number = host->numbers;
	host->relayed_data += same(packet->to, world->hub);
	net_send(world, packet);
}

static void send_pulse(struct world *world, struct host *host)
{
	struct packet *packet;
	struct wr_pulse pulse;

	wr_path_tell(host->path, now_of(world), &pulse);
	if (!has_session(world, host))
		return;
	host->session_used = world->now;
	packet = packet_of(world, host, PULSE, address_of(&host->endpoint));
	packet->len = wr_pulse_write(&pulse, packet->data);
	assert(packet->len <= sizeof(packet->data));
	net_send(world, packet);
}

/* --- The path machine. --- */

/* The kernel's sends to one address at a time; so it is made to begin anew at each. */
static void renew(struct world *world, struct host *host)
{
	struct wr_path_sight sight;

	wr_path_look(host->path, &sight);
	if (!world->is_mesh || !host->is_kernel || !sight.is_searching || has_session(world, host))
		return;
	host->initiated = 0;
	begin_session(world, host);
}

static void take_step(struct world *world, struct host *host, const struct wr_path_step *step)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	if (step->action != WR_PATH_ASK)
		wr_endpoint_format(&step->endpoint, text);
	switch (step->action) {
	case WR_PATH_SWITCH:
		trace(world, "%d switches to %s", host->number, text);
		host->endpoint = host->set = step->endpoint;
		renew(world, host);
		break;
	case WR_PATH_PROBE:
		trace(world, "%d probes %s", host->number, text);
		if (host->is_kernel)
			fail(world, "a probe of what cannot");
		if (has_session(world, host))
			send_what(world, host, KEEPALIVE, &step->endpoint);
		break;
	case WR_PATH_ASK:
		trace(world, "%d pulses", host->number);
		send_pulse(world, host);
		break;
	}
}

void node_settle(struct world *world, struct host *host)
{
	struct wr_instant deadline;
	struct wr_path_step step;

	if (host->is_asleep)
		return;
	while (wr_path_poll(host->path, now_of(world), &step)) {
		take_step(world, host, &step);
		oracle_settled(world, host);
	}
	oracle_settled(world, host);
	deadline = wr_path_deadline(host->path);
	if (wr_is_past(deadline, now_of(world)))
		fail(world, "host %d is never done", host->number);
	wr_heap_remove(&world->alarms, &host->alarm);
	if (!wr_is_never(deadline))
		arm(world, &host->alarm, deadline.ns);
}

/* What the kernel's endpoint has become is seen by a look only. */
static void see_endpoint(struct world *world, struct host *host)
{
	if (!host->is_kernel || wr_endpoint_equal_remote(&host->endpoint, &host->set))
		return;
	host->set = host->endpoint;
	wr_path_heard(host->path, &host->endpoint, now_of(world));
}

static void look(struct world *world, struct host *host)
{
	if (host->sent_now)
		wr_path_sent(host->path, now_of(world));
	host->sent_now = 0;
	if (host->is_alive)
		wr_path_alive(host->path, now_of(world));
	host->is_alive = false;
	see_endpoint(world, host);
	if (has_session(world, host))
		arm(world, &host->look, world->now + LOOK_EVERY);
	node_settle(world, host);
}

static void shook(struct world *world, struct host *host)
{
	trace(world, "%d has a session", host->number);
	host->has_session = true;
	host->is_half_open = host->is_unheard = false;
	host->shaken = world->now;
	host->session_used = world->now;
	wr_path_handshake(host->path, now_of(world));
	if (!wr_heap_has(&host->look))
		arm(world, &host->look, world->now + LOOK_EVERY);
}

void node_set_own(struct world *world, struct host *host)
{
	struct wr_path_own *own = &host->own;

	own->count = 0;
	own->candidates[own->count++] = (struct wr_candidate){
		host->net == INTERNET ? WR_CANDIDATE_GLOBAL : WR_CANDIDATE_LOCAL,
		endpoint_of(host->address),
	};
	if (host->v6.port)
		own->candidates[own->count++] = (struct wr_candidate){ WR_CANDIDATE_GLOBAL,
								       endpoint_of(host->v6) };
	if (host->observed.port)
		own->candidates[own->count++] = (struct wr_candidate){
			WR_CANDIDATE_OBSERVED,
			endpoint_of(host->observed),
		};
	if (host->has_mapping)
		own->candidates[own->count++] = (struct wr_candidate){
			WR_CANDIDATE_MAPPED,
			endpoint_of(nat_map_port(world, host)),
		};
}

void node_know_each_other(struct world *world)
{
	for (int i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i], *other = other_of(world, host);

		wr_path_set_candidates(host->path, other->own.candidates, other->own.count,
				       now_of(world));
		node_settle(world, host);
	}
}

static void say_hello(struct world *world, struct host *host)
{
	arm(world, &host->hello, world->now + HELLO_EVERY);
	net_send(world, packet_of(world, host, TO_HUB, world->hub));
	host->packets--;
}

void node_start(struct world *world, struct host *host)
{
	struct wr_path_config config = {
		.may_be_direct = true,
		.can_probe = !host->is_kernel,
		.is_first = host->number == 0,
		.is_mesh = world->is_mesh,
		.jitter_seed = draw(world) | 1,
		.own = &host->own,
	};
	struct wr_endpoint relay = endpoint_of(world->hub);

	host->path = wr_path_new(&config, now_of(world));
	assert(host->path);
	host->rounds = host->probes_at_round = 0;
	host->has_session = host->is_half_open = false;
	host->initiated = 0;
	if (!world->is_mesh)
		wr_path_set_relay(host->path, &relay, now_of(world));
	say_hello(world, host);
	node_settle(world, host);
}

void node_stop(struct host *host)
{
	host->path = wr_path_free(host->path);
}

void node_restart(struct world *world, struct host *host)
{
	node_stop(host);
	wr_heap_remove(&world->alarms, &host->alarm);
	node_start(world, host);
	node_know_each_other(world);
}

void node_set_pace(struct world *world, struct host *host, uint64_t every)
{
	host->every = every;
	host->last_delivered = 0;
	wr_heap_remove(&world->alarms, &host->pace);
	if (every)
		arm(world, &host->pace, world->now + below(world, every));
}

void node_fire(struct world *world, struct host *host, struct wr_heap_node *node)
{
	if (host->is_asleep) {
		arm(world, node, world->now + S);
		return;
	}
	if (node == &host->alarm) {
		node_settle(world, host);
	} else if (node == &host->look) {
		look(world, host);
	} else if (node == &host->hello) {
		say_hello(world, host);
	} else {
		arm(world, node, world->now + host->every);
		send_data(world, host);
		if (world->is_mesh)
			node_settle(world, host);
	}
}

/* --- Receiving. --- */

/* An authentic packet. */
static void hear(struct world *world, struct host *host, const struct wr_endpoint *from)
{
	size_t at = 0;

	if (host->is_kernel)
		host->endpoint = *from;
	if (host->is_kernel || wr_endpoint_equal_remote(from, &host->endpoint))
		return;
	for (size_t i = 0; i < WR_ARRAY_LEN(host->told); i++) {
		if (wr_endpoint_equal_remote(&host->told[i].from, from)) {
			at = i;
			break;
		}
		if (host->told[i].told < host->told[at].told)
			at = i;
	}
	if (wr_endpoint_equal_remote(&host->told[at].from, from) &&
	    world->now < host->told[at].told + HEARD_EVERY)
		return;
	host->told[at].from = *from;
	host->told[at].told = world->now;
	wr_path_heard(host->path, from, now_of(world));
}

/* Without a session traffic goes to where the first answer, or question, came from. */
static bool follow(struct world *world, struct host *host, const struct wr_endpoint *from)
{
	if (!world->is_mesh || host->is_kernel || has_session(world, host))
		return false;
	host->endpoint = host->set = *from;
	wr_path_answered(host->path, from, now_of(world));
	return true;
}

static void receive_initiation(struct world *world, struct host *host, const struct packet *packet,
			       const struct wr_endpoint *from)
{
	if (packet->sent <= host->newest)
		return;
	host->newest = packet->sent;
	(void)follow(world, host, from);
	/* What the responder sends before it heard the initiator again would not be understood. */
	host->is_half_open = true;
	host->initiated = world->now;
	if (host->is_kernel)
		host->endpoint = *from;
	send_what(world, host, RESPONSE, from);
}

static void receive_pulse(struct world *world, struct host *host, const struct packet *packet)
{
	struct wr_pulse pulse;

	if (!wr_pulse_read((struct wr_bytes){ packet->data, packet->len }, &pulse))
		fail(world, "a pulse that cannot be read");
	/* Where it came from: the endpoint has followed it. */
	host->set = host->endpoint;
	trace(world, "%d is told", host->number);
	if (host->is_kernel)
		wr_path_heard(host->path, &host->endpoint, now_of(world));
	wr_path_told(host->path, &pulse, now_of(world));
}

static void relay(struct world *world, const struct packet *packet)
{
	struct host *from = &world->hosts[packet->sender];
	struct host *to = &world->hosts[packet->receiver];
	struct packet *copy;

	if (!same(from->observed, packet->from)) {
		from->observed = packet->from;
		node_set_own(world, from);
	}
	if (packet->what == TO_HUB || world->is_mesh)
		return;
	copy = calloc(1, sizeof(*copy));
	assert(copy);
	*copy = *packet;
	copy->due = (struct wr_heap_node){ 0 };
	copy->is_relayed = true;
	copy->from = world->hub;
	copy->to = to->observed;
	net_send(world, copy);
}

/* Its packets cannot be opened. */
static void be_unheard(struct world *world, struct host *host)
{
	if (!host->is_unheard)
		host->unheard = world->now;
	host->is_unheard = true;
}

static void receive(struct world *world, struct host *host, const struct packet *packet)
{
	struct wr_endpoint from = endpoint_of(packet->from);

	if (packet->what == INITIATION) {
		receive_initiation(world, host, packet, &from);
		return;
	}
	if (packet->what == RESPONSE) {
		if (!follow(world, host, &from))
			hear(world, host, &from);
		shook(world, host);
		send_what(world, host, KEEPALIVE, &host->endpoint);
		return;
	}
	if (host->is_half_open)
		shook(world, host);
	if (!has_session(world, host)) {
		be_unheard(world, &world->hosts[packet->sender]);
		return;
	}
	hear(world, host, &from);
	if (wr_endpoint_equal_remote(&from, &host->endpoint))
		host->is_alive = true;
	if (packet->what == PULSE)
		receive_pulse(world, host, packet);
	else if (packet->what == DATA)
		oracle_delivered(world, packet);
}

void node_receive(struct world *world, struct host *host, const struct packet *packet)
{
	if (host->is_asleep || packet->receiver != host->number)
		return;
	receive(world, host, packet);
	if (!wr_heap_has(&host->look) && has_session(world, host))
		arm(world, &host->look, world->now + LOOK_EVERY);
	node_settle(world, host);
}

/* --- Time. --- */

static void arrive(struct world *world, struct packet *packet)
{
	int to = net_arrive(world, packet);

	world->flying--;
	if (world->is_hub_down && (to == HUB || packet->is_relayed))
		to = -1;
	if (to == HUB)
		relay(world, packet);
	else if (to >= 0 && (packet->is_relayed || !world->is_cut[packet->sender]))
		node_receive(world, &world->hosts[to], packet);
	free(packet);
}

static struct host *owner_of(struct world *world, struct wr_heap_node *node)
{
	struct host *host = &world->hosts[0];

	return (void *)node >= (void *)(host + 1) ? host + 1 : host;
}

void world_play(struct world *world, uint64_t span)
{
	uint64_t end = world->now + span;

	for (;;) {
		uint64_t packet = wr_heap_deadline(&world->due).ns;
		uint64_t alarm = wr_heap_deadline(&world->alarms).ns;
		struct wr_heap_node *node;

		if (packet > end && alarm > end)
			break;
		if (packet <= alarm) {
			node = wr_heap_first(&world->due);
			world->now = packet;
			wr_heap_remove(&world->due, node);
			arrive(world, WR_CONTAINER_OF(node, struct packet, due));
		} else {
			node = wr_heap_first(&world->alarms);
			world->now = alarm > world->now ? alarm : world->now;
			wr_heap_remove(&world->alarms, node);
			node_fire(world, owner_of(world, node), node);
		}
	}
	world->now = end;
}
