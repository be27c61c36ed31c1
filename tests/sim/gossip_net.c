/* The net between members: WireGuard's sessions, loss, delay, duplicates, NATs and relays. */
#include "gossip_world.h"

/* WireGuard: a session ends after 180 s, its beginner makes the next after 120; an initiation is
 * repeated after 5; who hears nothing for 15 s takes the session for dead; what was received and
 * not answered is answered by a keepalive after 10. */
#define SESSION_MS 180000
#define REKEY_MS 120000
#define RETRY_MS 5000
#define SILENCE_MS 15000
#define KEEPALIVE_MS 10000
#define TRIES 3

static uint32_t ms(const struct world *world)
{
	return (uint32_t)(world->now / MS) & ~UINT32_C(1);
}

static struct pair *pair_of(const struct world *world, const struct member *a,
			    const struct member *b)
{
	size_t high = a->number > b->number ? a->number : b->number;
	size_t low = a->number > b->number ? b->number : a->number;

	return &world->pairs[high * (high - 1) / 2 + low];
}

void net_count(struct world *world, struct member *member, size_t frame, size_t wire)
{
	uint64_t second = world->now / S;

	if (second != member->second) {
		member->second = second;
		member->second_bytes = member->second_wire = 0;
	}
	member->frames += frame > 0;
	member->frame_bytes += frame;
	member->wire_bytes += wire;
	member->second_bytes += frame;
	member->second_wire += wire;
	if (member->second_bytes > member->worst_second)
		member->worst_second = member->second_bytes;
	if (member->second_wire > member->worst_wire)
		member->worst_wire = member->second_wire;
}

static bool is_let(const struct world *world, const struct member *from, const struct member *to)
{
	return !(world->blocked[from->island] & 1U << to->island);
}

/* As the net is; whether somebody listens there is another question. */
bool net_reaches(const struct world *world, const struct member *from, const struct member *to,
		 uint32_t *ret_relay)
{
	const struct member *chooser;

	*ret_relay = NOBODY;
	if (from->is_open || to->is_open)
		return is_let(world, from, to);
	/* The relays of the one with the greater identity, if it has any. */
	chooser = memcmp(&from->identity, &to->identity, sizeof(from->identity)) > 0 ? from : to;
	if (chooser->relays[0] == NOBODY)
		chooser = chooser == from ? to : from;
	for (size_t i = 0; i < WR_ARRAY_LEN(chooser->relays); i++) {
		const struct member *relay;

		if (chooser->relays[i] == NOBODY)
			continue;
		relay = &world->members[chooser->relays[i]];
		if (relay->gossip && is_let(world, from, relay) && is_let(world, relay, to)) {
			*ret_relay = relay->number;
			return true;
		}
	}
	return false;
}

static uint64_t delay(struct world *world, const struct member *from, const struct member *to,
		      uint32_t relay)
{
	uint64_t path = from->latency + to->latency;

	if (relay != NOBODY)
		path += 2 * world->members[relay].latency;
	return path + below(world, world->jitter + 1);
}

static bool is_lost(struct world *world)
{
	return world->loss && below(world, 1000) < world->loss;
}

/* A device answers the handshake of those that it has as peers: whose record is known. */
static bool is_peer(const struct world *world, const struct member *at, const struct member *who)
{
	struct wr_gossip_sight sight;

	return world->is_lan || (at->gossip && wr_gossip_find(at->gossip, &who->identity, &sight) &&
				 sight.status != WR_GOSSIP_SHUT_OUT);
}

/* Who tries one of the dead again knocks first: it may have forgotten everybody. */
static bool has_knocked(struct world *world, struct member *from, const struct member *to)
{
	struct wr_gossip_sight sight;

	if (!wr_gossip_find(from->gossip, &to->identity, &sight) ||
	    (sight.status != WR_GOSSIP_DEAD && sight.status != WR_GOSSIP_LEFT))
		return false;
	world->knocks++;
	net_count(world, from, 0, KNOCK_LEN);
	return true;
}

static bool has_session(const struct world *world, const struct pair *pair)
{
	uint32_t now = ms(world);

	return pair->ready && now < (pair->ready & ~UINT32_C(1)) + SESSION_MS;
}

/* One of them began anew, and the other does not know yet. */
static bool is_stale(const struct world *world, const struct pair *pair, const struct member *from,
		     const struct member *to)
{
	uint64_t ready = (uint64_t)(pair->ready | 1) * MS;

	if (ready < from->up_since)
		return true;
	return ready < to->up_since && world->now > to->up_since + SILENCE_MS * MS;
}

/* Initiations until one and its response arrive. False: none did, and the frame is lost. */
static bool shake(struct world *world, struct member *from, struct member *to, struct pair *pair,
		  uint32_t relay, bool can)
{
	uint32_t side = from->number > to->number, back;
	uint64_t at = world->now;

	if (pair->spoke && (pair->spoke & 1) == side &&
	    ms(world) < (pair->spoke & ~UINT32_C(1)) + RETRY_MS)
		return false;
	pair->spoke = ms(world) | side;
	can = can && to->gossip && (is_peer(world, to, from) || has_knocked(world, from, to)) &&
	      net_reaches(world, to, from, &back);
	for (unsigned i = 0; i < TRIES; i++, at += RETRY_MS * MS) {
		net_count(world, from, 0, INITIATION_LEN);
		if (!can)
			return false;
		if (is_lost(world))
			continue;
		net_count(world, to, 0, RESPONSE_LEN);
		if (is_lost(world))
			continue;
		at += delay(world, from, to, relay) + delay(world, to, from, relay);
		pair->ready = ((uint32_t)(at / MS) & ~UINT32_C(1)) | side;
		world->handshakes++;
		return true;
	}
	return false;
}

void net_meet(struct world *world, struct member *a, struct member *b)
{
	struct pair *pair = pair_of(world, a, b);

	pair->ready = ms(world) | (a->number > b->number);
	pair->spoke = pair->ready;
	world->handshakes++;
	world->knocks++;
	net_count(world, a, 0, KNOCK_LEN + INITIATION_LEN + KEEPALIVE_LEN);
	net_count(world, b, 0, KNOCK_LEN + RESPONSE_LEN);
}

bool net_choose_relay(struct world *world, struct member *member, size_t which)
{
	uint32_t other = member->relays[!which], chosen;

	chosen = member->relays[which];
	if (chosen != NOBODY && world->members[chosen].gossip)
		return false;
	for (unsigned tries = 0; tries < 32; tries++) {
		chosen = (uint32_t)below(world, world->count);
		if (chosen == other || !world->members[chosen].gossip ||
		    !world->members[chosen].is_open || world->members[chosen].is_revoked)
			continue;
		member->relays[which] = chosen;
		member->item.record.relays[which] = world->members[chosen].identity;
		if (member->item.record.relay_count <= which)
			member->item.record.relay_count = (uint8_t)(which + 1);
		return true;
	}
	return false;
}

static void deliver(struct world *world, struct member *from, struct member *to,
		    struct wr_bytes frame, uint64_t left, uint64_t takes)
{
	struct packet *packet = packet_new(world, frame.len);

	packet->from = from->number;
	packet->to = to->number;
	packet->born = from->up_since;
	packet->left = left;
	memcpy(packet->data, frame.data, frame.len);
	hostile_catch(world, packet);
	queue_push(&world->queue, (struct event){ .at = left + takes,
						  .kind = EVENT_FRAME,
						  .member = to->number,
						  .packet = packet });
}

/* Sessions that are in use are renewed without anybody waiting. */
static void renew(struct world *world, struct member *from, struct member *to, struct pair *pair)
{
	uint32_t side = from->number > to->number;

	if (!to->gossip || (pair->ready & 1) != side ||
	    ms(world) < (pair->ready & ~UINT32_C(1)) + REKEY_MS)
		return;
	pair->ready = ms(world) | side;
	net_count(world, from, 0, INITIATION_LEN);
	net_count(world, to, 0, RESPONSE_LEN);
	world->handshakes++;
}

static void count_frame(struct world *world, struct member *from, struct pair *pair, size_t len,
			uint32_t relay, uint32_t side)
{
	size_t wire = len + FRAME_OVERHEAD;

	/* An exchange ends with a frame that is answered by nothing but a keepalive. */
	if (ms(world) > (pair->spoke & ~UINT32_C(1)) + KEEPALIVE_MS)
		wire += KEEPALIVE_LEN;
	pair->spoke = ms(world) | side;
	net_count(world, from, len, wire);
	if (relay != NOBODY) {
		net_count(world, &world->members[relay], 0, len + FRAME_OVERHEAD);
		world->relayed++;
	}
}

static void trace_frame(const struct world *world, const struct member *from,
			const struct member *to, struct wr_bytes frame, const char *what)
{
	static const char letters[WR_FRAME_KINDS] = ".PANaWIhwscdRL";
	char parts[64] = { 0 };
	struct wr_frame_part part;

	if (!world->are_frames_traced)
		return;
	if (wr_frame_check(frame)) {
		struct wr_reader reader = wr_frame_parts(frame);

		for (size_t i = 0; i < sizeof(parts) - 1 && wr_frame_next(&reader, &part); i++)
			parts[i] = letters[part.kind];
	}
	trace(world, "%u > %u: %zu %s %s", from->number, to->number, frame.len, parts, what);
}

void net_send(struct world *world, struct member *from, struct member *to, struct wr_bytes frame)
{
	struct pair *pair = pair_of(world, from, to);
	uint32_t relay, side = from->number > to->number;
	bool can = net_reaches(world, from, to, &relay);
	uint64_t at = world->now;

	world->frames++;
	if (!has_session(world, pair) || is_stale(world, pair, from, to)) {
		if (!shake(world, from, to, pair, relay, can)) {
			net_count(world, from, frame.len, 0);
			world->frames_lost++;
			trace_frame(world, from, to, frame, "no handshake");
			return;
		}
		pair->spoke = 0;
	} else if (can) {
		renew(world, from, to, pair);
	}
	count_frame(world, from, pair, frame.len, relay, side);
	if ((uint64_t)(pair->ready | 1) * MS > at)
		at = (uint64_t)(pair->ready | 1) * MS;
	if (!can || (uint64_t)(pair->ready | 1) * MS < to->up_since || is_lost(world)) {
		world->frames_lost++;
		trace_frame(world, from, to, frame, can ? "lost" : "cut off");
		return;
	}
	trace_frame(world, from, to, frame, at > world->now ? "after a handshake" : "");
	deliver(world, from, to, frame, at, delay(world, from, to, relay));
	if (world->duplicates && below(world, 1000) < world->duplicates)
		deliver(world, from, to, frame, at,
			delay(world, from, to, relay) + below(world, 300) * MS);
}
