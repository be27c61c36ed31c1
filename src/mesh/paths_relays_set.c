/* Which members relay, for whom, and where they are. */
#include "linux/clock.h"
#include "mesh/paths_parts.h"

/* --- Places. --- */

static uint64_t place_of(const struct wr_paths *paths, const struct wr_endpoint *endpoint)
{
	uint8_t input[sizeof(endpoint->ip.bytes) + sizeof(endpoint->port)];

	memcpy(input, endpoint->ip.bytes, sizeof(endpoint->ip.bytes));
	memcpy(input + sizeof(endpoint->ip.bytes), &endpoint->port, sizeof(endpoint->port));
	return wr_siphash(&paths->secret, (struct wr_bytes){ input, sizeof(input) });
}

void paths_displace(struct member *member)
{
	struct wr_paths *paths = member->paths;
	uint64_t place = place_of(paths, &member->place);

	if (wr_map_get(&paths->by_place, place) == member)
		wr_map_take(&paths->by_place, place);
	member->place = (struct wr_endpoint){ 0 };
}

void paths_place(struct member *member, const struct wr_path_sight *sight)
{
	struct wr_paths *paths = member->paths;
	bool is_direct = sight->state == WR_PATH_DIRECT || sight->state == WR_PATH_SUSPECT;

	if (!is_direct || wr_endpoint_equal_remote(&member->place, &sight->endpoint))
		return;
	paths_displace(member);
	member->place = sight->endpoint;
	(void)!wr_map_put(&paths->by_place, place_of(paths, &member->place), member);
}

const struct member *paths_relay_there(const struct wr_paths *paths,
				       const struct wr_endpoint *endpoint)
{
	const struct member *member = wr_map_get(&paths->by_place, place_of(paths, endpoint));

	return member && wr_endpoint_equal_remote(&member->place, endpoint) ? member : NULL;
}

static const struct member *at_its(const struct wr_paths *paths, const struct wr_key *key,
				   const struct wr_endpoint *from)
{
	const struct member *relay = paths_find_key(paths, key);

	return relay && wr_path_claim(relay->path, from) != WR_PATH_UNKNOWN ? relay : NULL;
}

/* One that relays has several addresses, and sends from another one than we send to, until both
 * sides have found together: its place is where we do. */
const struct member *paths_relay_between(const struct member *member,
					 const struct wr_endpoint *from)
{
	const struct wr_paths *paths = member->paths;
	const struct member *relay = paths_relay_there(paths, from);

	if (!relay && wr_path_claim(member->path, from) == WR_PATH_NAMED)
		return NULL;
	for (size_t i = 0; i < member->relay_count && !relay; i++)
		relay = at_its(paths, &member->relays[i], from);
	for (size_t i = 0; i < paths->kept_count && !relay; i++)
		relay = at_its(paths, &paths->kept[i], from);
	return relay != member ? relay : NULL;
}

/* --- Setting. --- */

static void note_relay(struct wr_paths *paths, const struct wr_key *key)
{
	struct member *relay = paths_find_key(paths, key);
	struct wr_path_sight sight;

	if (!relay)
		return;
	relay->is_relay = true;
	wr_path_look(relay->path, &sight);
	paths_place(relay, &sight);
}

static bool are_same(const struct wr_key *a, const struct wr_key *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!wr_key_equal(&a[i], &b[i]))
			return false;
	return true;
}

/* Its packets came through a relay of its before we were told that it is one. */
static void review_direct(struct member *member, struct wr_instant now)
{
	struct wr_path_sight sight;

	wr_path_look(member->path, &sight);
	if (paths_relay_between(member, &sight.endpoint)) {
		wr_path_disown(member->path, now);
		paths_wake(member);
	}
}

void wr_paths_set_relays(struct wr_paths *paths, const char *uid, const struct wr_key *relays,
			 size_t count)
{
	struct member *member = paths_find_uid(paths, uid);
	struct wr_instant now = wr_clock_now();

	if (!member)
		return;
	count = count < WR_PATHS_RELAYS ? count : WR_PATHS_RELAYS;
	if (count == member->relay_count && are_same(relays, member->relays, count))
		return;
	for (size_t i = 0; i < count; i++)
		member->relays[i] = relays[i];
	member->relay_count = (uint8_t)count;
	member->relay_used = 0;
	for (size_t i = 0; i < count; i++)
		note_relay(paths, &relays[i]);
	paths_choose_relay(member, now);
	review_direct(member, now);
}

void wr_paths_keep(struct wr_paths *paths, const struct wr_key *keys, size_t count)
{
	count = count < WR_PATHS_RELAYS ? count : WR_PATHS_RELAYS;
	paths->kept_count = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		paths->kept[i] = keys[i];
		note_relay(paths, &keys[i]);
	}
	paths_look_soon(paths);
	paths_arm(paths);
}

/* Relays that are new in the map, or made anew. */
void paths_review_relays(struct wr_paths *paths, struct wr_instant now)
{
	struct member *member;
	size_t at = 0;

	if (!paths->is_mesh)
		return;
	for (size_t i = 0; i < paths->kept_count; i++)
		note_relay(paths, &paths->kept[i]);
	while ((member = paths_next(paths, &at)))
		for (size_t i = 0; i < member->relay_count; i++)
			note_relay(paths, &member->relays[i]);
	at = 0;
	while ((member = paths_next(paths, &at)))
		paths_choose_relay(member, now);
}

/* WireGuard keeps what is there alive (mesh/reconcile.h, wr_reconciler_set_kept()). */
void paths_wake_kept(struct wr_paths *paths, struct wr_instant now)
{
	for (size_t i = 0; i < paths->kept_count; i++) {
		const struct member *relay = paths_find_key(paths, &paths->kept[i]);

		if (relay && !paths_has_session(relay, now))
			(void)!wr_backend_wake(paths->config.backend, &relay->key);
	}
}
