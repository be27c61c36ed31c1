/* After quiet all are of one mind, and that is the truth. */
#include "gossip_world.h"

#include "gossip/settle.h"

static char text[200];

static const char *differ(const char *what, uint32_t observer, uint32_t subject)
{
	snprintf(text, sizeof(text), "%u %s %u", observer, what, subject);
	return text;
}

/* Those who should be alive are, and nobody else. */
static const char *wrong_view(const struct world *world, const struct member *observer)
{
	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *subject = &world->members[i];
		struct wr_gossip_sight sight;
		bool is_known = wr_gossip_find(observer->gossip, &subject->identity, &sight);
		bool should = subject->gossip && !subject->is_revoked;

		if (should && !is_known)
			return differ("does not know", observer->number, i);
		if (should && sight.status != WR_GOSSIP_ALIVE)
			return differ("does not see alive", observer->number, i);
		if (should && sight.version != ((uint64_t)subject->epoch << 32 | subject->renewals))
			return differ("has an old record of", observer->number, i);
		if (!should && is_known && sight.status <= WR_GOSSIP_SUSPECT)
			return differ("still sees alive", observer->number, i);
	}
	return NULL;
}

static uint64_t mixed(uint64_t number)
{
	number = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return (number ^ number >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Of who has which name and address, by what this one knows. */
static uint64_t settled(const struct world *world, const struct member *observer)
{
	struct wr_claim *claims = calloc(world->room, sizeof(struct wr_claim));
	struct wr_item *items = calloc(world->room, sizeof(struct wr_item));
	struct wr_key *identities = calloc(world->room, sizeof(struct wr_key));
	uint64_t sum = 0;
	size_t at = 0, count = 0;
	struct wr_gossip_sight sight;

	assert(claims && items && identities);
	while (wr_gossip_next(observer->gossip, &at, &sight)) {
		if (sight.status > WR_GOSSIP_SUSPECT || count == world->room)
			continue;
		if (!wr_item_read(sight.record, &items[count]))
			continue;
		identities[count] = sight.identity;
		claims[count] = (struct wr_claim){
			.identity = &identities[count],
			.record = &items[count].record,
			.certified_name = observer->admission
						  ? wr_admission_name(observer->admission,
								      &sight.identity)
						  : NULL,
		};
		count++;
	}
	if (wr_settle(claims, count) != 0)
		abort();
	for (size_t i = 0; i < count; i++)
		sum += mixed(world_find(world, claims[i].identity) * 4U +
			     (claims[i].has_name ? 2 : 0) + (claims[i].has_v4 ? 1 : 0));
	free(claims);
	free(items);
	free(identities);
	return sum;
}

const char *oracle_disagreement(struct world *world)
{
	const struct member *first = NULL;
	struct wr_gossip_figures figures, other;
	uint64_t names = 0;

	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *member = &world->members[i];
		const char *wrong;

		if (!member->gossip || member->is_revoked)
			continue;
		wrong = wrong_view(world, member);
		if (wrong)
			return wrong;
		wr_gossip_look(member->gossip, &other);
		if (!first) {
			first = member;
			figures = other;
			names = settled(world, member);
			continue;
		}
		if (other.digest != figures.digest)
			return differ("has another digest than", i, first->number);
		if (settled(world, member) != names)
			return differ("settles names otherwise than", i, first->number);
	}
	return NULL;
}
