#include "zeroconf/discovery_known.h"

#include <stdlib.h>

struct wr_known_identity {
	struct wr_key identity;
	uint64_t epoch;
	uint32_t sequence; /* the latest */
	uint64_t seen;     /* that one, and a bit for each before it */
	struct wr_known_identity *newer, *older;
};

void wr_known_init(struct wr_known *known, size_t most, const struct wr_siphash_key *key)
{
	assert(most > 0);
	*known = (struct wr_known){ .most = most, .key = *key };
}

void wr_known_done(struct wr_known *known)
{
	struct wr_known_identity *next;

	for (struct wr_known_identity *at = known->newest; at; at = next) {
		next = at->older;
		free(at);
	}
	wr_map_done(&known->map);
	known->newest = known->oldest = NULL;
}

static uint64_t place_of(const struct wr_known *known, const struct wr_key *identity)
{
	return wr_siphash(&known->key, (struct wr_bytes){ identity->bytes, WR_KEY_LEN });
}

/* Of two identities with one hash (of 64 bits), only one is known. */
static struct wr_known_identity *find(const struct wr_known *known, const struct wr_key *identity)
{
	struct wr_known_identity *found = wr_map_get(&known->map, place_of(known, identity));

	return found && wr_key_equal(&found->identity, identity) ? found : NULL;
}

bool wr_known_is_new(const struct wr_known *known, const struct wr_knock *knock)
{
	const struct wr_known_identity *noted = find(known, &knock->identity);
	uint32_t before;

	if (!noted || knock->epoch > noted->epoch)
		return true;
	if (knock->epoch < noted->epoch)
		return false;
	if (knock->sequence > noted->sequence)
		return true;
	before = noted->sequence - knock->sequence;
	return before < WR_KNOWN_WINDOW && !(noted->seen >> before & 1);
}

static void note_sequence(struct wr_known_identity *one, const struct wr_knock *knock)
{
	uint32_t ahead = knock->sequence - one->sequence;

	if (knock->epoch != one->epoch) {
		one->epoch = knock->epoch;
		one->sequence = knock->sequence;
		one->seen = 1;
	} else if (knock->sequence > one->sequence) {
		one->sequence = knock->sequence;
		one->seen = ahead < WR_KNOWN_WINDOW ? one->seen << ahead | 1 : 1;
	} else {
		one->seen |= UINT64_C(1) << (one->sequence - knock->sequence);
	}
}

static void unlink_one(struct wr_known *known, struct wr_known_identity *one)
{
	*(one->newer ? &one->newer->older : &known->newest) = one->older;
	*(one->older ? &one->older->newer : &known->oldest) = one->newer;
}

static void link_newest(struct wr_known *known, struct wr_known_identity *one)
{
	one->newer = NULL;
	one->older = known->newest;
	*(known->newest ? &known->newest->newer : &known->oldest) = one;
	known->newest = one;
}

static void forget(struct wr_known *known, struct wr_known_identity *one)
{
	wr_map_take(&known->map, place_of(known, &one->identity));
	unlink_one(known, one);
	free(one);
}

static struct wr_known_identity *add(struct wr_known *known, const struct wr_key *identity)
{
	uint64_t place = place_of(known, identity);
	struct wr_known_identity *other = wr_map_get(&known->map, place);
	struct wr_known_identity *one = calloc(1, sizeof(*one));

	if (!one)
		return NULL;
	if (!other && known->map.count == known->most)
		other = known->oldest;
	if (other)
		forget(known, other);
	one->identity = *identity;
	if (!wr_map_put(&known->map, place, one)) {
		free(one);
		return NULL;
	}
	link_newest(known, one);
	return one;
}

bool wr_known_note(struct wr_known *known, const struct wr_knock *knock)
{
	struct wr_known_identity *one = find(known, &knock->identity);

	if (!one)
		one = add(known, &knock->identity);
	if (!one)
		return false;
	note_sequence(one, knock);
	unlink_one(known, one);
	link_newest(known, one);
	return true;
}

size_t wr_known_count(const struct wr_known *known)
{
	return known->map.count;
}
