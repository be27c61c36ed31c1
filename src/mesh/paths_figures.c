/* Whether data go to a peer, as the backend's figures show: looked at each second while a session
 * may be alive, not at all when nothing can be seen. */
#include "linux/clock.h"
#include "mesh/paths_parts.h"
#include "wire/message.h"

#define LOOK_EVERY WR_SPAN_S(1)
/* While the hub is not heard of, somebody may wait for a handshake with any peer in vain. */
#define LOOK_EVERY_ALONE WR_SPAN_S(2)
/* WireGuard paper, section 6.1: a session that old seals nothing any more; the next packet begins
 * with a handshake, which is told. */
#define SESSION_LIFE WR_SPAN_S(185)
/* What came from elsewhere was no sign of the relay. */
#define ELSEWHERE_FOR WR_SPAN_MS(1500)
#define HEADERS_V4 28
#define HEADERS_V6 48
#define MTU_MIN 1280

/* A second's handshakes and keepalives are no data: two attempts each way, a cookie, and the
 * keepalive that answers data. */
static bool are_data(uint64_t bytes)
{
	for (unsigned i = 0; i < 3 * 3 * 2 * 2; i++) {
		uint64_t other = i % 3 * WR_INITIATION_LEN + i / 3 % 3 * WR_RESPONSE_LEN +
				 i / 9 % 2 * WR_COOKIE_LEN + i / 18 * WR_KEEPALIVE_LEN;

		if (bytes == other)
			return false;
	}
	return true;
}

/* Sent since the last look, our own pulses and probes not counted. */
static uint64_t sent_since(struct member *member, uint64_t tx_bytes)
{
	uint64_t grown = tx_bytes >= member->tx_bytes ? tx_bytes - member->tx_bytes : 0;
	uint64_t own = grown < member->own_bytes ? grown : member->own_bytes;

	member->own_bytes -= own;
	return grown - own;
}

static void see_endpoint(struct member *member, const struct wr_backend_sight *sight,
			 struct wr_instant now)
{
	struct wr_paths *paths = member->paths;

	/* Somebody deleted the peer, and it was made anew. */
	if (sight->endpoint.ip.family == WR_FAMILY_NONE &&
	    member->endpoint.ip.family != WR_FAMILY_NONE)
		(void)!wr_backend_set_endpoint(paths->config.backend, &member->key,
					       &member->endpoint);
	if (sight->endpoint.ip.family == WR_FAMILY_NONE)
		paths_spread_anew(member);
	if (wr_backend_can_probe(paths->config.backend) ||
	    wr_endpoint_equal_remote(&sight->endpoint, &member->endpoint) ||
	    sight->endpoint.ip.family == WR_FAMILY_NONE)
		return;
	member->endpoint = sight->endpoint;
	(void)now;
	paths_heard(member, &sight->endpoint);
	paths_wake(member);
}

void wr_paths_spent(struct wr_paths *paths, const struct wr_key *peer, size_t bytes)
{
	struct member *member = paths_find_key(paths, peer);

	if (!member)
		return;
	bytes += member->v6.family == WR_IPV6 ? HEADERS_V6 : HEADERS_V4;
	member->own_bytes += wr_data_padded(bytes, MTU_MIN) + WR_DATA_OVERHEAD;
}

bool paths_has_session(const struct member *member, struct wr_instant now)
{
	return member->shook.ns && !wr_is_past(wr_after(member->shook, SESSION_LIFE), now);
}

/* Its keepalives make a new handshake each two minutes. */
static bool is_hub_doubted(const struct wr_paths *paths, struct wr_instant now)
{
	return !paths->hub_shook.ns || wr_is_past(wr_after(paths->hub_shook, SESSION_LIFE), now);
}

/* Data, or initiations for data that wait. */
static bool is_wanted(const struct member *member, uint64_t sent, struct wr_instant now)
{
	/* In a mesh the engine sees to it that what waits finds its way. */
	if (member->paths->is_mesh && wr_backend_can_probe(member->paths->config.backend))
		return are_data(sent);
	return are_data(sent) || (sent >= WR_INITIATION_LEN && !paths_has_session(member, now));
}

static void see_received(struct member *member, const struct wr_backend_sight *sight,
			 struct wr_instant now)
{
	bool is_elsewhere = member->elsewhere.ns &&
			    !wr_is_past(wr_after(member->elsewhere, ELSEWHERE_FOR), now);

	if (sight->last_received.ns > member->last_received.ns && !is_elsewhere)
		wr_path_alive(member->path, now);
	member->last_received = sight->last_received;
}

static void see(void *context, const struct wr_backend_sight *sight)
{
	struct wr_paths *paths = context;
	struct member *member = paths_find_key(paths, &sight->public_key);

	if (!member)
		return;
	wr_path_doubt_relay(member->path, paths->is_hub_doubted);
	if (is_wanted(member, sent_since(member, sight->tx_bytes), paths->looked)) {
		wr_path_sent(member->path, paths->looked);
		paths_watch_relay(member, paths->looked);
		paths_wake(member);
	}
	member->tx_bytes = sight->tx_bytes;
	member->rx_bytes = sight->rx_bytes;
	member->latest_handshake = sight->latest_handshake;
	see_received(member, sight, paths->looked);
	see_endpoint(member, sight, paths->looked);
}

static bool has_live_session(struct wr_paths *paths, struct wr_instant now)
{
	struct member *member;
	size_t at = 0;

	while ((member = paths_next(paths, &at)))
		if (paths_has_session(member, now))
			return true;
	return false;
}

void paths_look_now(struct wr_paths *paths, struct wr_instant now)
{
	paths->looked = now;
	if (!paths->config.backend)
		return;
	paths->is_hub_doubted = is_hub_doubted(paths, now);
	(void)!wr_backend_look(paths->config.backend, see, paths);
	paths_wake_kept(paths, now);
	if (has_live_session(paths, now))
		paths->look_at = wr_after(now, LOOK_EVERY);
	else if (paths->is_hub_doubted && paths->by_uid.count)
		paths->look_at = wr_after(now, LOOK_EVERY_ALONE);
	else
		paths->look_at = WR_NEVER;
}

void paths_look_soon(struct wr_paths *paths)
{
	struct wr_instant due = wr_after(wr_clock_now(), LOOK_EVERY);

	if (due.ns < paths->look_at.ns)
		paths->look_at = due;
}
