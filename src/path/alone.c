/* Without a relay: none is there, or it is silent for as long as somebody waits for an answer.
 *
 * Probes want a session, and a handshake goes where traffic goes. So the endpoint itself is moved
 * from one spot to the next, each for as long as WireGuard takes to try again, and to the relay in
 * its turn. Whatever is answered there, stays. */
#include "path/state.h"

/* WireGuard paper, section 6.4: an initiation each 5 s, with up to a third of a second more. */
#define EACH WR_SPAN_MS(5500)
/* In a mesh the owner begins a handshake anew at each (a backend that sends to one address only): a
 * round trip around the world. */
#define EACH_QUICK WR_SPAN_MS(400)
/* Pulses on a session that is there are answered at once. */
#define EACH_PULSE WR_SPAN_S(1)
/* A relay that only loses much is better than to be away from it. With a session, probes find what
 * there is; that the peer has lost its own WireGuard sees after 15 s without an answer. */
#define UNANSWERED 15
#define SILENT_FOR WR_SPAN_S(20)
/* Where the peer is heard, there is less to lose. */
#define UNANSWERED_HEARD 3
#define SILENT_FOR_HEARD WR_SPAN_MS(2500)
/* Without a session, while the hub is not heard of either. */
#define SILENT_FOR_NEW WR_SPAN_S(4)
/* We have been asking for so long, and nothing came over the relay. */
static bool is_silent_for(const struct wr_path *path, struct wr_span span, struct wr_instant now)
{
	return wr_is_past(wr_after(later(path->waiting_since, path->last_alive), span), now);
}

bool alone_may_go(const struct wr_path *path, struct wr_instant now)
{
	if (path_is_direct(path))
		return false;
	return !has_address(&path->relay) ||
	       (path->unanswered >= UNANSWERED_HEARD && is_silent_for(path, SILENT_FOR_HEARD, now));
}

static bool is_relay_silent(const struct wr_path *path, struct wr_instant now)
{
	if (!has_address(&path->relay))
		return true;
	if (!path->unanswered)
		return false;
	if (!path_has_session(path, now))
		return path->is_relay_doubted && is_silent_for(path, SILENT_FOR_NEW, now);
	return path->unanswered >= UNANSWERED && is_silent_for(path, SILENT_FOR, now);
}

/* The owner sends handshakes to all spots at once. */
static bool is_answer_to_decide(const struct wr_path *path, struct wr_instant now)
{
	return path->config.is_mesh && path->config.can_probe && !path_has_session(path, now);
}

static bool may_search(const struct wr_path *path, struct wr_instant now)
{
	return !path_is_direct(path) && path->config.may_be_direct && path->spot_count &&
	       !wr_is_never(watch_if_busy(path, now)) && is_relay_silent(path, now) &&
	       !is_answer_to_decide(path, now);
}

static void end(struct wr_path *path)
{
	if (!path->is_searching)
		return;
	path->is_searching = false;
	if (!path_is_direct(path) && has_address(&path->relay))
		path_set_endpoint(path, &path->relay);
}

/* The spots, then the relay. Each time between two spots, where there is a session: what is known
 * to have worked comes first, and nothing is sent in vain for longer than one turn once it works
 * again. */
static const struct wr_endpoint *turn(struct wr_path *path, struct wr_instant now)
{
	size_t spots = spots_usable(path), at = path->search_at++;
	bool has_relay = has_address(&path->relay);

	if (has_relay && path_has_session(path, now))
		return at % 2 ? &path->relay : &path->spots[at / 2 % spots].endpoint;
	at %= spots + has_relay;
	return at < spots ? &path->spots[at].endpoint : &path->relay;
}

static struct wr_span each(const struct wr_path *path, struct wr_instant now)
{
	if (!path->config.is_mesh)
		return EACH;
	return path_has_session(path, now) ? EACH_PULSE : EACH_QUICK;
}

static void next(struct wr_path *path, struct wr_instant now)
{
	const struct wr_endpoint *to = turn(path, now);

	/* It was tried already. */
	if (path->config.is_mesh && !path->is_searching &&
	    wr_endpoint_equal_remote(to, &path->endpoint))
		to = turn(path, now);
	path_set_endpoint(path, to);
	path->is_searching = true;
	path->search_next = wr_after(now, each(path, now));
	path->searched = now;
	path->has_ask = true;
}

void alone_advance(struct wr_path *path, struct wr_instant now)
{
	if (!may_search(path, now)) {
		end(path);
		path->search_at = 0;
	} else if (!path->is_searching || wr_is_past(path->search_next, now)) {
		next(path, now);
	}
}

/* What was sent to the spot in its turn has come there, and was answered. */
void alone_answered(struct wr_path *path, struct wr_instant sent, struct wr_instant now)
{
	struct spot *spot = path_may_be_there(path) ? spots_find(path, &path->endpoint) : NULL;

	if (spot && sent.ns + 1000 >= later(path->searched, path->fell).ns)
		path_go_direct(path, spot, now);
}

struct wr_instant alone_deadline(const struct wr_path *path)
{
	/* When it begins is seen with the pulses that ask in vain. */
	return path->is_searching ? path->search_next : WR_NEVER;
}
