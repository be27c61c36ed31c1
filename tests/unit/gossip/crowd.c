#include "crowd.h"

#include "crypto/sign.h"

#define START UINT64_C(1000000000000)
#define MS UINT64_C(1000000)

/* --- Items. --- */

size_t crowd_record(struct crowd *crowd, unsigned i, uint64_t version, uint32_t flags,
		    uint8_t ret_bytes[WR_ITEM_MAX_LEN])
{
	struct crowd_member *member = &crowd->members[i];
	struct wr_item item = {
		.kind = WR_ITEM_RECORD,
		.signer = member->identity,
		.subject = member->identity,
		.version = version,
		.record.flags = flags,
		.record.program = "test",
	};
	size_t len;

	snprintf(item.record.name, sizeof(item.record.name), "m%u", i);
	len = wr_item_write(&item, &member->seed, ret_bytes);
	assert_true(len > 0);
	return len;
}

void crowd_put(struct crowd *crowd, unsigned i, uint64_t version, uint32_t flags)
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len = crowd_record(crowd, i, version, flags, bytes);

	crowd->members[i].version = version;
	wr_gossip_put(crowd->members[i].gossip, (struct wr_bytes){ bytes, len }, true,
		      crowd_now(crowd));
}

static bool check(void *context, struct wr_bytes item)
{
	(void)context;
	return wr_item_check(item);
}

static int member_of(const struct crowd *crowd, const struct wr_key *identity)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (memcmp(&crowd->members[i].identity, identity, sizeof(*identity)) == 0)
			return (int)i;
	return -1;
}

static bool admits(void *context, const struct wr_key *identity)
{
	const struct crowd *crowd = context;
	int i = member_of(crowd, identity);

	return i >= 0 && !crowd->members[i].is_unadmitted;
}

/* --- Life. --- */

struct wr_instant crowd_now(const struct crowd *crowd)
{
	return (struct wr_instant){ crowd->now };
}

struct crowd *crowd_new(unsigned count)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	assert_non_null(crowd);
	assert_true(count <= CROWD_MAX);
	crowd->count = count;
	crowd->now = START;
	crowd->delay_ms = 20;
	crowd->random = unit_random_start("crowd");
	crowd->timing = wr_gossip_timing();
	for (unsigned i = 0; i < count; i++) {
		struct crowd_member *member = &crowd->members[i];

		for (unsigned at = 0; at < WR_KEY_LEN; at++)
			member->seed.bytes[at] = (uint8_t)unit_random_next(&crowd->random);
		member->identity = wr_sign_public(&member->seed);
	}
	return crowd;
}

void crowd_kill(struct crowd *crowd, unsigned i)
{
	crowd->members[i].gossip = wr_gossip_free(crowd->members[i].gossip);
}

void crowd_free(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		crowd_kill(crowd, i);
	while (crowd->frames) {
		struct crowd_frame *frame = crowd->frames;

		crowd->frames = frame->next;
		free(frame);
	}
	free(crowd);
}

void crowd_start(struct crowd *crowd, unsigned i)
{
	struct crowd_member *member = &crowd->members[i];
	struct wr_gossip_config config = {
		.self = member->identity,
		.seed = unit_random_next(&crowd->random),
		.timing = crowd->timing,
		.check = check,
		.admits = admits,
		.context = crowd,
	};

	assert_null(member->gossip);
	member->gossip = wr_gossip_new(&config, crowd_now(crowd));
	assert_non_null(member->gossip);
	crowd_put(crowd, i, member->version + 1, 0);
}

void crowd_meet(struct crowd *crowd, unsigned a, unsigned b)
{
	wr_gossip_greet(crowd->members[a].gossip, &crowd->members[b].identity, crowd_now(crowd));
	wr_gossip_greet(crowd->members[b].gossip, &crowd->members[a].identity, crowd_now(crowd));
}

void crowd_gather(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		crowd_start(crowd, i);
		if (i)
			crowd_meet(crowd, i, 0);
	}
}

/* --- The network. --- */

static void queue(struct crowd *crowd, struct crowd_frame *frame)
{
	struct crowd_frame **at = &crowd->frames;

	while (*at && (*at)->at <= frame->at)
		at = &(*at)->next;
	frame->next = *at;
	*at = frame;
}

static void carry(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes bytes)
{
	struct crowd_frame *frame;

	crowd->members[from].sent += bytes.len;
	if (crowd->tap)
		crowd->tap(crowd, from, to, bytes);
	if (crowd->members[from].side != crowd->members[to].side || crowd->members[from].is_deaf ||
	    unit_random_next(&crowd->random) % 100 < crowd->loss_percent)
		return;
	frame = malloc(sizeof(*frame) + bytes.len);
	assert_non_null(frame);
	*frame = (struct crowd_frame){
		.at = crowd->now + (crowd->delay_ms / 2 +
				    unit_random_next(&crowd->random) % (crowd->delay_ms + 1)) *
					   MS,
		.order = crowd->order++,
		.from = from,
		.to = to,
		.len = bytes.len,
	};
	memcpy(frame->bytes, bytes.data, bytes.len);
	queue(crowd, frame);
}

static void act(struct crowd *crowd, unsigned i, const struct wr_gossip_output *output)
{
	struct crowd_member *member = &crowd->members[i];
	int to;

	switch (output->action) {
	case WR_GOSSIP_SEND:
		to = member_of(crowd, &output->identity);
		if (to >= 0)
			carry(crowd, i, (unsigned)to, output->bytes);
		break;
	case WR_GOSSIP_RENEW:
		member->renewals++;
		crowd_put(crowd, i, output->version, 0);
		break;
	case WR_GOSSIP_MEMBER: member->events++; break;
	case WR_GOSSIP_ITEM: member->items++; break;
	case WR_GOSSIP_FORGOT: member->forgotten++; break;
	}
}

static void poll_one(struct crowd *crowd, unsigned i)
{
	struct wr_gossip_output output;
	unsigned actions = 0;

	while (crowd->members[i].gossip &&
	       wr_gossip_poll(crowd->members[i].gossip, crowd_now(crowd), &output)) {
		act(crowd, i, &output);
		assert_true(++actions < 100000);
	}
	if (!crowd->members[i].gossip)
		return;
	crowd->members[i].due = wr_gossip_deadline(crowd->members[i].gossip).ns;
	assert_true(crowd->members[i].due > crowd->now);
}

void crowd_inject(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame)
{
	struct crowd_member *member = &crowd->members[to];

	if (!member->gossip || member->is_deaf)
		return;
	member->came += frame.len;
	wr_gossip_receive(member->gossip, &crowd->members[from].identity, frame, crowd_now(crowd));
	poll_one(crowd, to);
}

static bool is_asleep(const struct crowd *crowd, unsigned i)
{
	return crowd->members[i].runs_each && crowd->members[i].wakes_at > crowd->now;
}

static bool deliver(struct crowd *crowd)
{
	struct crowd_frame *frame = crowd->frames;

	if (!frame || frame->at > crowd->now)
		return false;
	crowd->frames = frame->next;
	if (is_asleep(crowd, frame->to)) {
		frame->at = crowd->members[frame->to].wakes_at;
		queue(crowd, frame);
		return true;
	}
	crowd_inject(crowd, frame->from, frame->to, (struct wr_bytes){ frame->bytes, frame->len });
	free(frame);
	return true;
}

static uint64_t next_time(const struct crowd *crowd)
{
	uint64_t next = crowd->frames ? crowd->frames->at : UINT64_MAX;

	for (unsigned i = 0; i < crowd->count; i++) {
		const struct crowd_member *member = &crowd->members[i];
		uint64_t due = member->gossip ? member->due : UINT64_MAX;

		if (is_asleep(crowd, i))
			due = member->wakes_at;
		if (due < next)
			next = due;
	}
	return next;
}

/* Timers first, as a loop does that was late for them; asleep again once all is read. */
static void wake(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (crowd->members[i].runs_each && !is_asleep(crowd, i))
			poll_one(crowd, i);
}

static void fall_asleep(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (crowd->members[i].runs_each && !is_asleep(crowd, i))
			crowd->members[i].wakes_at = crowd->now + crowd->members[i].runs_each;
}

static void poll_due(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (crowd->members[i].gossip && !is_asleep(crowd, i) &&
		    crowd->members[i].due <= crowd->now)
			poll_one(crowd, i);
}

void crowd_run(struct crowd *crowd, uint64_t ms)
{
	uint64_t end = crowd->now + ms * MS;

	for (unsigned i = 0; i < crowd->count; i++)
		if (!is_asleep(crowd, i))
			poll_one(crowd, i);
	fall_asleep(crowd);
	for (;;) {
		uint64_t next = next_time(crowd);

		if (next > end)
			break;
		crowd->now = next > crowd->now ? next : crowd->now;
		wake(crowd);
		while (deliver(crowd))
			continue;
		poll_due(crowd);
		fall_asleep(crowd);
	}
	crowd->now = end;
}

/* --- Looking. --- */

struct wr_gossip_figures crowd_look(struct crowd *crowd, unsigned i)
{
	struct wr_gossip_figures figures;

	wr_gossip_look(crowd->members[i].gossip, &figures);
	return figures;
}

static bool is_settled(struct crowd *crowd, unsigned alive)
{
	struct wr_gossip_figures first = { 0 };
	bool has_first = false;

	for (unsigned i = 0; i < crowd->count; i++) {
		struct wr_gossip_figures figures;

		if (!crowd->members[i].gossip || crowd->members[i].is_deaf)
			continue;
		figures = crowd_look(crowd, i);
		if (!has_first)
			first = figures;
		has_first = true;
		if (figures.alive != alive || figures.digest != first.digest)
			return false;
	}
	return true;
}

bool crowd_settles(struct crowd *crowd, unsigned alive, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += 100) {
		if (is_settled(crowd, alive))
			return true;
		crowd_run(crowd, 100);
	}
	if (is_settled(crowd, alive))
		return true;
	for (unsigned i = 0; i < crowd->count; i++)
		if (crowd->members[i].gossip)
			print_message("m%u: %zu alive of %zu, digest %llx\n", i,
				      crowd_look(crowd, i).alive, crowd_look(crowd, i).members,
				      (unsigned long long)crowd_look(crowd, i).digest);
	return false;
}

enum wr_gossip_status crowd_status(struct crowd *crowd, unsigned seer, unsigned seen)
{
	struct wr_gossip_sight sight;

	assert_true(wr_gossip_find(crowd->members[seer].gossip, &crowd->members[seen].identity,
				   &sight));
	return sight.status;
}
