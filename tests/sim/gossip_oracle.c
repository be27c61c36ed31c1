/* What must hold at every step, whatever happened. */
#include "gossip_world.h"

#include "gossip/settle.h"

/* A second's worth beside what the time allows (a bucket), and what one call may add. */
#define BUDGET_WINDOW 10
#define POLLS_MAX 20000
/* As the issue has it. */
#define BYTES_A_MEMBER 1024

static struct view *view_of(const struct world *world, const struct member *observer,
			    uint32_t subject)
{
	return world->views ? &world->views[(size_t)observer->number * world->room + subject]
			    : NULL;
}

static bool is_gone(enum wr_gossip_status status)
{
	return status == WR_GOSSIP_DEAD || status == WR_GOSSIP_LEFT;
}

/* It forgot everything: a new process. */
void oracle_started(struct world *world, struct member *member)
{
	for (uint32_t i = 0; world->views && i < world->room; i++)
		*view_of(world, member, i) = (struct view){ 0 };
}

static void check_genuine(struct world *world, const struct member *member, struct wr_bytes item,
			  const char *what)
{
	if (!items_genuine(world->items, item).data)
		fail(world, "%u took a %s that nobody signed", member->number, what);
}

static void note_watch(struct world *world, const struct member *member,
		       enum wr_gossip_status status)
{
	struct watch *watch = &world->watch;
	uint64_t *at;

	if (status == WR_GOSSIP_ALIVE || status == WR_GOSSIP_SUSPECT) {
		at = &watch->alive_at[member->number];
		watch->alive += !*at;
	} else {
		at = &watch->dead_at[member->number];
		watch->dead += !*at;
	}
	if (!*at)
		*at = world->now;
}

/* May others think so, though it is up? */
static bool is_excused(const struct world *world, const struct member *observer,
		       const struct member *subject)
{
	return world->is_divided || world->is_lossy || !subject->gossip ||
	       subject->troubled_until > world->now || observer->troubled_until > world->now ||
	       subject->is_revoked || observer->is_revoked;
}

/* It was told so by somebody, who was judged when he came to think it. */
static bool is_hearsay(const struct world *world, const struct member *observer,
		       const struct member *subject)
{
	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *other = &world->members[i];
		struct wr_gossip_sight sight;

		if (other != observer && other->gossip &&
		    wr_gossip_find(other->gossip, &subject->identity, &sight) &&
		    sight.status == WR_GOSSIP_DEAD)
			return true;
	}
	return false;
}

/* Since when each of the two got CPU last, if it is slow; which life of the dead one it is about.
 */
static void trace_death(const struct world *world, const struct member *observer,
			const struct member *subject)
{
	struct wr_gossip_sight sight;
	struct wr_gossip_figures figures;

	if (!world->is_traced || !wr_gossip_find(observer->gossip, &subject->identity, &sight))
		return;
	wr_gossip_look(observer->gossip, &figures);
	trace(world,
	      "%u (%s, health %u) thinks %u (%s, awake in %llu ms, %zu wait) dead, which is well; its "
	      "record is %s",
	      observer->number, observer->slow_until > world->now ? "slow" : "quick",
	      figures.health, subject->number, subject->slow_until > world->now ? "slow" : "quick",
	      (unsigned long long)(subject->wakes_at ? (subject->wakes_at - world->now) / MS : 0),
	      subject->backlog_count,
	      sight.version == ((uint64_t)subject->epoch << 32 | subject->renewals) ? "the newest"
										    : "old");
}

static void died(struct world *world, const struct member *observer, const struct member *subject)
{
	world->deaths++;
	if (subject->gossip && subject->slow_until > world->now)
		world->slow_deaths++;
	if (is_excused(world, observer, subject) || is_hearsay(world, observer, subject))
		return;
	world->false_deaths++;
	trace_death(world, observer, subject);
	if (world->is_strict)
		fail(world, "%u thinks %u dead, which is well", observer->number, subject->number);
}

static void check_view(struct world *world, struct member *observer, uint32_t subject,
		       const struct wr_gossip_sight *sight)
{
	struct view *view = view_of(world, observer, subject);

	if (view->is_known && sight->version < view->version)
		fail(world, "%u: %u went back from version %llx to %llx", observer->number, subject,
		     (unsigned long long)view->version, (unsigned long long)sight->version);
	if (is_gone(sight->status))
		view->died = sight->version + 1;
	else if (sight->status != WR_GOSSIP_SHUT_OUT && view->died > sight->version)
		fail(world, "%u: %u is resurrected at version %llx", observer->number, subject,
		     (unsigned long long)sight->version);
	view->is_known = true;
	view->version = sight->version;
	view->status = sight->status;
}

static void check_member(struct world *world, struct member *observer, const struct wr_key *who)
{
	uint32_t subject = world_find(world, who);
	struct wr_gossip_sight sight;
	enum wr_gossip_status before;

	if (!wr_gossip_find(observer->gossip, who, &sight))
		fail(world, "%u tells of a member that it does not know", observer->number);
	if (subject == NOBODY)
		return; /* one of the many that a hostile member invented, and signed for */
	world_mix(world, sight.version << 3 | sight.status);
	if (subject == world->watch.member)
		note_watch(world, observer, sight.status);
	if (world->views) {
		before = view_of(world, observer, subject)->status;
		check_genuine(world, observer, sight.record, "record");
		check_view(world, observer, subject, &sight);
		trace(world, "%u: %u is %s, %llx", observer->number, subject,
		      wr_gossip_status_name(sight.status), (unsigned long long)sight.version);
		if (before == WR_GOSSIP_DEAD && sight.status == before)
			return;
	}
	/* Of a life that has ended it is true. */
	if (sight.status == WR_GOSSIP_DEAD && sight.version >> 32 >= world->members[subject].epoch)
		died(world, observer, &world->members[subject]);
	if (observer->admission && sight.status <= WR_GOSSIP_SUSPECT &&
	    wr_admission_admits(observer->admission, who, node_wall(world, observer)) !=
		    WR_ADMITTED)
		fail(world, "%u: %u is not admitted, and %s", observer->number, subject,
		     wr_gossip_status_name(sight.status));
}

/* What newcomers may be given at once beside that (src/gossip/post.c). */
#define WELCOME_BYTES (512 * 1024)

static void check_sent(struct world *world, struct member *member,
		       const struct wr_gossip_output *output)
{
	uint64_t window = world->now / (BUDGET_WINDOW * S);

	if (output->bytes.len > WR_FRAME_MAX_LEN || !output->bytes.len)
		fail(world, "%u: a frame of %zu bytes", member->number, output->bytes.len);
	if (memcmp(&output->identity, &member->identity, sizeof(member->identity)) == 0)
		fail(world, "%u sends to itself", member->number);
	if (window != member->window) {
		member->window = window;
		member->window_bytes = 0;
	}
	member->window_bytes += output->bytes.len;
	if (member->window_bytes >
	    (BUDGET_WINDOW + 1) * world->timing.bytes_per_second + WELCOME_BYTES)
		fail(world, "%u: %llu bytes in %u s", member->number,
		     (unsigned long long)member->window_bytes, BUDGET_WINDOW);
}

static void check_polls(struct world *world, struct member *member)
{
	if (member->polled_at != world->now)
		member->polls = 0;
	member->polled_at = world->now;
	if (++member->polls > POLLS_MAX)
		fail(world, "%u is polled again and again", member->number);
}

void oracle_output(struct world *world, struct member *member,
		   const struct wr_gossip_output *output)
{
	check_polls(world, member);
	switch (output->action) {
	case WR_GOSSIP_SEND: check_sent(world, member, output); break;
	case WR_GOSSIP_MEMBER: check_member(world, member, &output->identity); break;
	case WR_GOSSIP_ITEM: check_genuine(world, member, output->bytes, "item"); break;
	case WR_GOSSIP_FORGOT:
	case WR_GOSSIP_RENEW: break;
	}
}

/* Nothing that is due is left, or the loop would spin. */
void oracle_polled(struct world *world, struct member *member)
{
	if (wr_is_past(wr_gossip_deadline(member->gossip), node_now(world, member)))
		fail(world, "%u: its deadline is past, but there is nothing to do", member->number);
}

void oracle_check_sizes(struct world *world)
{
	for (uint32_t i = 0; i < world->count; i++) {
		struct wr_gossip_figures figures;

		if (!world->members[i].gossip)
			continue;
		wr_gossip_look(world->members[i].gossip, &figures);
		if (figures.members > WR_GOSSIP_MEMBERS)
			fail(world, "%u knows %zu", i, figures.members);
		/* Beside the members there are what is new, and tables that double. */
		if (figures.memory > 96 * 1024 + figures.members * 2 * BYTES_A_MEMBER)
			fail(world, "%u keeps %llu bytes of %zu members", i,
			     (unsigned long long)figures.memory, figures.members);
	}
}
