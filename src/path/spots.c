/* The addresses of the peer: from the map, from its pulses, from its packets. */
#include <stdlib.h>
#include <string.h>

#include "path/state.h"

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* What a packet can be sent to without harm: no multicast, nothing of this host's own. */
static bool is_usable(const struct wr_endpoint *endpoint)
{
	const uint8_t *bytes = endpoint->ip.bytes;

	if (endpoint->port == 0)
		return false;
	if (endpoint->ip.family == WR_IPV4)
		return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
	if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 && !endpoint->scope)
		return false; /* link-local, of who knows which link */
	return endpoint->ip.family == WR_IPV6 && bytes[0] != 0xff && !is_zero(bytes, 10);
}

static bool is_better(const struct spot *a, const struct spot *b)
{
	return a->kind < b->kind;
}

struct spot *spots_find(const struct wr_path *path, const struct wr_endpoint *endpoint)
{
	for (size_t i = 0; i < path->spot_count; i++)
		if (wr_endpoint_equal_remote(&path->spots[i].endpoint, endpoint))
			return &path->spots[i];
	return NULL;
}

/* What points to spots points to nothing, or to others, after they are moved. */
static void unpoint(struct wr_path *path)
{
	path->round.nominee = NULL;
	path->to_probe = 0;
}

static void drop(struct wr_path *path, size_t at)
{
	unpoint(path);
	path->spot_count--;
	memmove(&path->spots[at], &path->spots[at + 1],
		(path->spot_count - at) * sizeof(path->spots[0]));
}

void spots_forget(struct wr_path *path, struct spot *spot)
{
	drop(path, (size_t)(spot - path->spots));
}

static struct spot *insert(struct wr_path *path, const struct spot *spot)
{
	size_t at = 0;

	assert(path->spot_count < path->spot_room);
	while (at < path->spot_count && !is_better(spot, &path->spots[at]))
		at++;
	unpoint(path);
	memmove(&path->spots[at + 1], &path->spots[at],
		(path->spot_count - at) * sizeof(path->spots[0]));
	path->spots[at] = *spot;
	path->spot_count++;
	return &path->spots[at];
}

/* Of what was heard only, the one that was silent for longest. */
static void forget_one_learned(struct wr_path *path, size_t least)
{
	size_t count = 0, oldest = 0;

	for (size_t i = 0; i < path->spot_count; i++) {
		if (path->spots[i].sources != FROM_PACKET)
			continue;
		if (count++ == 0 || path->spots[i].heard.ns < path->spots[oldest].heard.ns)
			oldest = i;
	}
	if (count && count >= least)
		drop(path, oldest);
}

/* For one more; false if there are as many as there may be, or memory is short. */
static bool make_room(struct wr_path *path)
{
	size_t room = path->spot_room + (size_t)SPOTS_STEP;
	struct spot *spots;

	if (path->spot_count < path->spot_room)
		return true;
	if (room > SPOTS)
		return false;
	spots = reallocarray(path->spots, room, sizeof(*spots));
	if (!spots)
		return false;
	unpoint(path);
	path->spots = spots;
	path->spot_room = (uint8_t)room;
	return true;
}

static struct spot *add(struct wr_path *path, const struct wr_endpoint *endpoint,
			enum wr_candidate_kind kind, uint8_t source)
{
	struct spot spot = { .endpoint = *endpoint, .kind = kind, .sources = source };

	/* Which of our own addresses it was that they came to is not the peer's matter. */
	spot.endpoint.local = (struct wr_ip){ 0 };
	spot.endpoint.interface = 0;
	if (path->spot_count == SPOTS)
		forget_one_learned(path, 1);
	return make_room(path) ? insert(path, &spot) : NULL;
}

/* True if it was not known. */
static bool take(struct wr_path *path, uint8_t source, const struct wr_candidate *candidate)
{
	struct spot *spot = spots_find(path, &candidate->endpoint);
	struct spot other;

	if (!is_usable(&candidate->endpoint) ||
	    wr_endpoint_equal_remote(&candidate->endpoint, &path->relay))
		return false;
	if (!spot)
		return add(path, &candidate->endpoint, candidate->kind, source) != NULL;
	spot->sources |= source;
	if (spot->kind <= candidate->kind)
		return false; /* an address may be known in two ways: the better one counts */
	other = *spot;
	other.kind = candidate->kind;
	drop(path, (size_t)(spot - path->spots));
	insert(path, &other);
	return false;
}

static bool is_among(const struct spot *spot, const struct wr_candidate *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (wr_endpoint_equal_remote(&spot->endpoint, &candidates[i].endpoint))
			return true;
	return false;
}

bool spots_set(struct wr_path *path, uint8_t source, const struct wr_candidate *candidates,
	       size_t count)
{
	bool has_new = false;

	count = count < WR_PATH_CANDIDATES ? count : WR_PATH_CANDIDATES;
	for (size_t i = path->spot_count; i-- > 0;) {
		struct spot *spot = &path->spots[i];

		if (!(spot->sources & source) || is_among(spot, candidates, count))
			continue;
		spot->sources &= (uint8_t)~source;
		if (is_set(spot->heard))
			spot->sources |= FROM_PACKET;
		if (!spot->sources)
			drop(path, i);
	}
	for (size_t i = 0; i < count; i++)
		has_new |= take(path, source, &candidates[i]);
	return has_new;
}

struct spot *spots_hear(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now)
{
	struct spot *spot = spots_find(path, from);

	if (!spot && !is_usable(from))
		return NULL;
	if (!spot) {
		forget_one_learned(path, SPOTS_LEARNED);
		spot = add(path, from, WR_CANDIDATE_OBSERVED, FROM_PACKET);
	}
	if (spot)
		spot->heard = now;
	return spot;
}

size_t spots_usable(const struct wr_path *path)
{
	return path->spot_count < WR_PATH_CANDIDATES ? path->spot_count : WR_PATH_CANDIDATES;
}

bool spots_has_better(const struct wr_path *path)
{
	return path_leads(path) && path->spot_count && path->spots[0].kind < path->kind &&
	       path->spots[0].kind <= WR_CANDIDATE_GLOBAL;
}
