/* Relays of single peers: other members of the map that pass datagrams on, unopened. One of them
 * can be gone through while it is reached directly, on a live session: the peer's relay is where
 * our traffic to that member goes, and follows it. */
#include <string.h>

#include "linux/clock.h"
#include "mesh/paths_parts.h"

/* Pulses over a relay that were not answered, and since when: then the other one is tried. */
#define SILENT_PULSES 3
#define SILENT_FOR WR_SPAN_MS(2500)
/* What waits for an answer may be late because of the first: no hopping. */
#define LEAVE_GAP WR_SPAN_S(5)

/* --- Members that relay. --- */

/* It is reached by itself now, so whoever it relays for is reached through it. */
static bool carries(const struct member *relay, struct wr_instant now)
{
	struct wr_path_sight sight;

	if (!relay || !paths_has_session(relay, now))
		return false;
	wr_path_look(relay->path, &sight);
	return sight.state == WR_PATH_DIRECT || sight.state == WR_PATH_SUSPECT;
}

static struct member *relay_at(const struct member *member, size_t at)
{
	struct member *relay = at < member->relay_count
				       ? paths_find_key(member->paths, &member->relays[at])
				       : NULL;

	return relay != member ? relay : NULL;
}

static bool has_relay(const struct member *member, const struct member *relay)
{
	for (size_t i = 0; i < member->relay_count; i++)
		if (wr_key_equal(&member->relays[i], &relay->key))
			return true;
	return false;
}

/* --- Which one. --- */

static void set_relay(struct member *member, const struct wr_endpoint *relay, struct wr_instant now)
{
	wr_path_set_relay(member->path, relay, now);
	paths_wake(member);
}

/* Its answers are missing, but it has a session, and an address. */
static bool may_carry(const struct member *relay, struct wr_instant now)
{
	struct wr_path_sight sight;

	if (!relay || !paths_has_session(relay, now))
		return false;
	wr_path_look(relay->path, &sight);
	return sight.endpoint.ip.family != WR_FAMILY_NONE &&
	       wr_endpoint_equal_remote(&sight.endpoint, &relay->place);
}

/* The first of the member's, from the one in use on, that does. */
static bool use_first(struct member *member, struct wr_instant now,
		      bool (*does)(const struct member *relay, struct wr_instant now))
{
	for (size_t i = 0; i < member->relay_count; i++) {
		size_t at = (member->relay_used + i) % member->relay_count;
		const struct member *relay = relay_at(member, at);
		struct wr_path_sight sight;

		if (!does(relay, now))
			continue;
		member->relay_used = (uint8_t)at;
		wr_path_look(relay->path, &sight);
		set_relay(member, &sight.endpoint, now);
		return true;
	}
	return false;
}

/* One that carries; else one that may; else the relay for all, if there is one. */
void paths_choose_relay(struct member *member, struct wr_instant now)
{
	if (member->paths->is_mesh && !use_first(member, now, carries) &&
	    !use_first(member, now, may_carry))
		set_relay(member, &member->paths->relay, now);
}

/* A session with each that has none: whichever answers first is gone through. */
static void wake_relays(const struct member *member, struct wr_instant now)
{
	for (size_t i = 0; i < member->relay_count; i++) {
		const struct member *relay = relay_at(member, i);

		if (relay && !paths_has_session(relay, now))
			(void)!wr_backend_wake(member->paths->config.backend, &relay->key);
	}
}

/* Nothing comes back through it: the other one may do better. */
void paths_watch_relay(struct member *member, struct wr_instant now)
{
	struct member *relay = relay_at(member, member->relay_used);
	struct wr_path_sight sight;

	if (!member->relay_count)
		return;
	wr_path_look(member->path, &sight);
	if (sight.state == WR_PATH_DIRECT || sight.state == WR_PATH_SUSPECT)
		return;
	/* What goes through it is a reason to watch the way there. */
	if (relay) {
		wr_path_sent(relay->path, now);
		paths_wake(relay);
	}
	if (sight.unanswered < SILENT_PULSES ||
	    !wr_is_past(wr_after(sight.waiting_since, SILENT_FOR), now) ||
	    !wr_is_past(wr_after(member->relay_left, LEAVE_GAP), now))
		return;
	member->relay_left = now;
	member->relay_used = (uint8_t)((member->relay_used + 1) % member->relay_count);
	wake_relays(member, now);
	paths_choose_relay(member, now);
}

/* --- What happens. --- */

/* A member's path is another now: who goes through it goes along. */
void paths_relay_changed(struct member *relay, const struct wr_path_sight *sight)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	if (!relay->is_relay)
		return;
	paths_place(relay, sight);
	while ((member = paths_next(relay->paths, &at)))
		if (has_relay(member, relay))
			paths_choose_relay(member, now);
}

/* Who relays learns from a handshake which datagrams are for whom; of a session that was made
 * without it it knows nothing. */
void paths_switched(struct member *member, const struct wr_endpoint *to, struct wr_instant now)
{
	struct wr_paths *paths = member->paths;
	const struct member *relay = paths_relay_there(paths, to);

	if (!paths->is_mesh || !relay || relay == member ||
	    wr_endpoint_equal_remote(&member->shook_by, to) || !paths_has_session(member, now))
		return;
	member->shook_by = *to;
	(void)!wr_backend_renew(paths->config.backend, &member->key);
}

static bool is_placed(const struct member *relay)
{
	return relay->place.ip.family != WR_FAMILY_NONE;
}

/* It has passed a handshake on already: what we send through it has a way. */
static void follow(struct member *member, const struct member *relay, const struct wr_endpoint *to,
		   struct wr_instant now)
{
	member->shook_by = *to;
	for (size_t i = 0; i < member->relay_count; i++)
		if (relay_at(member, i) == relay)
			member->relay_used = (uint8_t)i;
	wr_path_set_relay(member->path, to, now);
}

/* Where its handshake came from: by the engine; else where traffic goes. */
static struct wr_endpoint shook_from(const struct member *member)
{
	struct wr_backend_sight sight = { .shook_from.ip.family = WR_FAMILY_NONE };
	struct wr_path_sight path;

	wr_path_look(member->path, &path);
	if (wr_backend_look_one(member->paths->config.backend, &member->key, &sight) == 0 &&
	    sight.shook_from.ip.family != WR_FAMILY_NONE)
		return sight.shook_from;
	return path.endpoint;
}

/* By which way its handshake went. Traffic takes the same: only that relay knows the session, be
 * another one chosen a hundred times. */
static void note_way(struct member *member, struct wr_instant now)
{
	struct wr_endpoint from = shook_from(member);
	const struct member *relay = paths_relay_between(member, &from);

	if (!relay) {
		member->shook_by = (struct wr_endpoint){ 0 };
		return;
	}
	follow(member, relay, is_placed(relay) ? &relay->place : &from, now);
	paths_wake(member);
}

void paths_relay_shook(struct member *relay)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	if (relay->paths->is_mesh)
		note_way(relay, now);

	if (!relay->is_relay)
		return;
	while ((member = paths_next(relay->paths, &at))) {
		if (!has_relay(member, relay) || paths_has_session(member, now))
			continue;
		paths_choose_relay(member, now);
		/* What it passes on it did not before: it had no session with us. */
		member->is_hasty = true;
		paths_wake(member);
	}
}

void wr_paths_wanted(struct wr_paths *paths, const struct wr_key *peer)
{
	struct member *member = paths_find_key(paths, peer);
	struct wr_instant now = wr_clock_now();

	if (!member || !paths->is_mesh || !paths->config.backend)
		return;
	wake_relays(member, now);
	paths_choose_relay(member, now);
}

/* Its packets come through another relay than ours go through. The first of the two sides goes
 * along only where its own may be gone: else they would change places for ever. */
static bool is_to_follow(const struct member *member, struct wr_instant now)
{
	const struct wr_paths *paths = member->paths;
	bool is_first = memcmp(&paths->map->public_key, &member->key, WR_KEY_LEN) < 0;
	struct wr_path_sight sight;

	wr_path_look(member->path, &sight);
	return !is_first || sight.unanswered > 0 ||
	       !carries(relay_at(member, member->relay_used), now);
}

void paths_heard_by_relay(struct member *member, const struct member *relay,
			  const struct wr_endpoint *from, bool is_answer)
{
	/* An answer has taken our traffic along; else it goes where it is known to be reached. */
	const struct wr_endpoint *to = is_answer || !is_placed(relay) ? from : &relay->place;
	struct wr_instant now = wr_clock_now();

	if (is_answer || is_to_follow(member, now))
		follow(member, relay, to, now);
	if (is_answer)
		wr_path_answered(member->path, to, now);
	else
		wr_path_heard_relayed(member->path, now);
}
