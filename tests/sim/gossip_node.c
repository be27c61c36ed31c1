/* A member: its clock, its gossip core, and the process around it. */
#include "gossip_world.h"

/* --- What the core asks. While a world is filled all is genuine, and the world's own bytes. --- */

struct asker {
	struct world *world;
	struct member *member;
};

/* The core keeps the context: one for each member, for as long as the world is. */
static bool check(void *context, struct wr_bytes item)
{
	struct asker *asker = context;

	if (asker->world->is_filled)
		return true;
	if (asker->member->admission)
		return wr_admission_check(asker->member->admission, item);
	return items_check(asker->world->items, item);
}

static bool admits(void *context, const struct wr_key *identity)
{
	struct asker *asker = context;

	return !asker->member->admission ||
	       wr_admission_admits(asker->member->admission, identity,
				   node_wall(asker->world, asker->member)) == WR_ADMITTED;
}

static struct wr_gossip_blob *intern(void *context, struct wr_bytes item)
{
	struct asker *asker = context;

	if (asker->world->is_filled)
		return items_share(item);
	return items_intern(asker->world->items, item);
}

/* --- Its life. --- */

static void begin_alarm(struct world *world, struct member *member)
{
	uint64_t at = node_global(world, member, wr_gossip_deadline(member->gossip));

	if (at == UINT64_MAX || (member->alarm && member->alarm <= at))
		return;
	member->alarm = at;
	queue_push(&world->queue,
		   (struct event){ .at = at, .kind = EVENT_ALARM, .member = member->number });
}

void node_put(struct world *world, struct member *member, struct wr_bytes item, bool spreads)
{
	struct wr_item_head head;
	unsigned changes = 0;

	if (member->admission && wr_item_peek(item, &head) && head.kind != WR_ITEM_RECORD &&
	    wr_admission_check(member->admission, item))
		changes = wr_admission_take(member->admission, item);
	if (wr_gossip_put(member->gossip, item, spreads, node_now(world, member)) ==
	    WR_GOSSIP_REFUSED)
		fail(world, "%u: a good item is refused", member->number);
	if (changes & WR_ADMISSION_MEMBERS)
		wr_gossip_review(member->gossip, node_now(world, member));
}

void node_put_record(struct world *world, struct member *member)
{
	uint64_t version = (uint64_t)member->epoch << 32 | ++member->renewals;
	enum wr_gossip_taken taken;

	member->item.version = version;
	taken = wr_gossip_put(member->gossip, items_sign(world, &member->item, &member->seed),
			      !world->is_filled, node_now(world, member));
	/* KNOWN: an older epoch than the one that others told it of its own; it will be asked. */
	if (taken != WR_GOSSIP_TAKEN && taken != WR_GOSSIP_KNOWN)
		fail(world, "%u: its own record is not taken", member->number);
}

void node_start(struct world *world, struct member *member)
{
	struct asker *asker = member->asker ? member->asker : malloc(sizeof(*asker));
	struct wr_gossip_config config = {
		.self = member->identity,
		.seed = draw(world),
		.timing = world->timing,
		.check = check,
		.admits = admits,
		.intern = intern,
		.context = asker,
	};

	assert(asker && !member->gossip);
	*asker = (struct asker){ world, member };
	member->asker = asker;
	member->up_since = world->now;
	member->renewals = 0;
	member->item.record.flags &= ~(uint32_t)WR_RECORD_LEFT;
	if (world->has_founder) {
		member->admission = wr_admission_new(world->mesh, &world->founder);
		assert(member->admission);
	}
	member->gossip = wr_gossip_new(&config, node_now(world, member));
	assert(member->gossip);
	oracle_started(world, member);
	disk_load(world, member, member->disk);
	member->epoch++;
	node_put_record(world, member);
	trace(world, "%u starts, epoch %u", member->number, member->epoch);
	node_settle(world, member);
}

static void drop_backlog(struct world *world, struct member *member)
{
	struct packet *packet, *next;

	for (packet = member->backlog; packet; packet = next) {
		next = packet->next;
		packet_free(world, packet);
	}
	member->backlog = NULL;
	member->backlog_end = &member->backlog;
	member->backlog_count = 0;
	member->wakes_at = member->slow_until = 0;
}

void node_stop(struct world *world, struct member *member, bool is_polite)
{
	trace(world, "%u %s", member->number, is_polite ? "leaves" : "dies");
	if (is_polite) {
		member->item.record.flags |= WR_RECORD_LEFT;
		node_put_record(world, member);
		node_settle(world, member);
	}
	disk_free(member->old_disk);
	member->old_disk = member->disk;
	member->disk = disk_save(world, member);
	member->gossip = wr_gossip_free(member->gossip);
	member->admission = wr_admission_free(member->admission);
	member->alarm = 0;
	member->ended = world->now;
	drop_backlog(world, member);
}

void node_greet(struct world *world, struct member *member, struct member *other)
{
	wr_gossip_greet(member->gossip, &other->identity, node_now(world, member));
	node_settle(world, member);
}

/* --- What it does. --- */

static void take_item(struct world *world, struct member *member, struct wr_bytes item)
{
	if (!member->admission)
		return;
	if (!(wr_admission_take(member->admission, item) & WR_ADMISSION_MEMBERS))
		return;
	wr_gossip_review(member->gossip, node_now(world, member));
}

static void send(struct world *world, struct member *member, const struct wr_gossip_output *output)
{
	uint32_t to = world_find(world, &output->identity);

	if (to == NOBODY) {
		/* An identity that a hostile member made up. */
		net_count(world, member, output->bytes.len, 0);
		return;
	}
	net_send(world, member, &world->members[to], output->bytes);
}

static void renew(struct world *world, struct member *member, uint64_t version)
{
	if (version > ((uint64_t)member->epoch << 32 | member->renewals)) {
		member->epoch = (uint32_t)(version >> 32);
		member->renewals = (uint32_t)version - 1;
	}
	node_put_record(world, member);
}

static void obey(struct world *world, struct member *member, const struct wr_gossip_output *output)
{
	/* Copied: the bytes are the core's until the next call. */
	uint8_t bytes[WR_ITEM_MAX_LEN];
	struct wr_bytes item = { bytes, output->bytes.len };

	switch (output->action) {
	case WR_GOSSIP_SEND: send(world, member, output); break;
	case WR_GOSSIP_RENEW: renew(world, member, output->version); break;
	case WR_GOSSIP_ITEM:
		memcpy(bytes, output->bytes.data, item.len);
		take_item(world, member, item);
		break;
	case WR_GOSSIP_MEMBER:
	case WR_GOSSIP_FORGOT: break;
	}
}

void node_settle(struct world *world, struct member *member)
{
	struct wr_gossip_output output;

	while (wr_gossip_poll(member->gossip, node_now(world, member), &output)) {
		if (!world->is_filled)
			oracle_output(world, member, &output);
		obey(world, member, &output);
	}
	oracle_polled(world, member);
	begin_alarm(world, member);
}

/* --- What happens to it. --- */

void node_slow(struct world *world, struct member *member, uint64_t span, uint64_t stuck)
{
	member->slow_until = world->now + span;
	member->stuck = stuck;
	member->wakes_at = world->now + (stuck < span ? below(world, stuck) + 1 : span);
	queue_push(&world->queue, (struct event){ .at = member->wakes_at,
						  .kind = EVENT_WAKE,
						  .member = member->number });
}

static void receive(struct world *world, struct member *member, struct packet *packet)
{
	world_mix(world, (uint64_t)packet->from << 32 | packet->len);
	wr_gossip_receive(member->gossip, &world->members[packet->from].identity,
			  (struct wr_bytes){ packet->data, packet->len }, node_now(world, member));
	packet_free(world, packet);
	node_settle(world, member);
}

static void keep(struct world *world, struct member *member, struct packet *packet)
{
	if (member->backlog_count == BACKLOG_MAX) {
		packet_free(world, packet);
		return;
	}
	packet->next = NULL;
	*member->backlog_end = packet;
	member->backlog_end = &packet->next;
	member->backlog_count++;
}

static void wake(struct world *world, struct member *member)
{
	struct packet *packet = member->backlog, *next;

	member->wakes_at = 0;
	member->backlog = NULL;
	member->backlog_end = &member->backlog;
	member->backlog_count = 0;
	/* Timers first, as a loop does that was late for them. */
	node_settle(world, member);
	for (; packet; packet = next) {
		next = packet->next;
		receive(world, member, packet);
	}
	if (world->now >= member->slow_until)
		return;
	member->wakes_at = world->now + member->stuck / 2 + below(world, member->stuck);
	queue_push(&world->queue, (struct event){ .at = member->wakes_at,
						  .kind = EVENT_WAKE,
						  .member = member->number });
}

/* It waited for a handshake, and its sender ended meanwhile. */
static bool was_sent(const struct world *world, const struct packet *packet)
{
	const struct member *from = &world->members[packet->from];

	return (from->gossip && from->up_since == packet->born) || packet->left <= from->ended;
}

void node_event(struct world *world, const struct event *event)
{
	struct member *member = &world->members[event->member];

	world_mix(world, event->at ^ (uint64_t)event->member << 40 ^ event->kind);
	if (event->kind == EVENT_WAKE) {
		if (member->gossip && member->wakes_at == event->at)
			wake(world, member);
		return;
	}
	if (event->kind == EVENT_ALARM) {
		if (!member->gossip || member->alarm != event->at)
			return;
		member->alarm = 0;
		if (!member->wakes_at)
			node_settle(world, member);
		return;
	}
	if (!member->gossip || !was_sent(world, event->packet))
		packet_free(world, event->packet);
	else if (member->wakes_at)
		keep(world, member, event->packet);
	else
		receive(world, member, event->packet);
}
