#include "server/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/agents.h"
#include "server/intents.h"
#include "server/sights.h"
#include "server/state.h"

/* The hub hears something of an agent each 8 seconds (docs/agents.md). */
#define AGENT_SILENCE_SECONDS 11

/* --- What may be a route. --- */

/* What never is behind a machine: this host, this link, many at once. */
static bool is_special(const struct wr_prefix *prefix)
{
	static const char *const texts[] = { "0.0.0.0/8",   "127.0.0.0/8", "169.254.0.0/16",
					     "224.0.0.0/3", "::/8",        "fe80::/10",
					     "ff00::/8" };
	struct wr_prefix special;

	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++) {
		if (wr_prefix_parse(texts[i], strlen(texts[i]), &special) &&
		    wr_address_overlaps(prefix, &special))
			return true;
	}
	return false;
}

static bool is_in_range(const struct wr_machine_org *org, const struct wr_prefix *prefix)
{
	return (org->range.v4.ip.family && wr_address_overlaps(prefix, &org->range.v4)) ||
	       (org->range.v6.ip.family && wr_address_overlaps(prefix, &org->range.v6));
}

const char *wr_route_fault(const struct wr_machine_org *org, const char *text,
			   struct wr_prefix *ret_prefix)
{
	if (!text || !wr_prefix_parse(text, strlen(text), ret_prefix))
		return "is no prefix, as \"192.168.50.0/24\"";
	if (is_in_range(org, ret_prefix))
		return "overlaps the organisation's own range";
	if (is_special(ret_prefix))
		return "has addresses that are not for routes";
	return NULL;
}

static int count_routes(struct wr_call *call, int64_t *ret_all, int64_t *ret_approved)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT count(*), coalesce(sum(state = 'approved'), 0)"
			      " FROM machine_route WHERE organisation = ?",
			      WR_I(call->org));

	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -EIO);
	*ret_all = wr_row_int(row, 0);
	*ret_approved = wr_row_int(row, 1);
	wr_row_end(row);
	return 0;
}

int wr_route_check_count(struct wr_call *call)
{
	int64_t all = 0, approved = 0;

	if (count_routes(call, &all, &approved))
		return -1;
	if (approved > WR_ROUTES_OF_ORG)
		return wr_call_fail(call, 409, "quota",
				    "An organisation has at most %d routes: they all stand in "
				    "every machine's file.",
				    WR_ROUTES_OF_ORG);
	if (all > WR_ROUTES_OFFERED)
		return wr_call_fail(call, 409, "quota",
				    "The organisation's machines offer more than %d routes: "
				    "approve or reject some (`warren route list`).",
				    WR_ROUTES_OFFERED);
	return 0;
}

/* --- Which router is active. --- */

struct router {
	int64_t machine;
	char prefix[WR_ENDPOINT_TEXT_LEN];
	bool is_active, is_on, is_online, is_chosen;
};

struct routers {
	const struct wr_server *server;
	int64_t now;
	struct router *items;
	size_t count, room;
	bool is_short;
};

static bool make_room(void **array, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*array, more, size);
	if (!grown)
		return false;
	*array = grown;
	*room = more;
	return true;
}

static bool is_online(const struct wr_server *server, int64_t machine, bool is_agent,
		      int64_t last_seen, int64_t now)
{
	struct wr_sight sight = wr_sights_of(server->sights, machine);
	int64_t seen = sight.last_seen > last_seen ? sight.last_seen : last_seen;

	if (sight.is_judged)
		return sight.is_online;
	if (!is_agent)
		return sight.is_online || seen > now - WR_ONLINE_SECONDS;
	return (server->agents && wr_agents_is_connected(server->agents, machine)) ||
	       seen > now - AGENT_SILENCE_SECONDS;
}

static bool take_router(void *context, const struct wr_row *row)
{
	struct routers *routers = context;
	struct router *router;
	int64_t expires = wr_row_int(row, 6);

	routers->is_short = !make_room((void **)&routers->items, &routers->room, routers->count,
				       sizeof(*routers->items));
	if (routers->is_short)
		return false;
	router = &routers->items[routers->count++];
	*router = (struct router){ .machine = wr_row_int(row, 1),
				   .is_active = wr_row_int(row, 2) != 0 };
	snprintf(router->prefix, sizeof(router->prefix), "%s", wr_row_text(row, 0));
	router->is_on = !wr_row_int(row, 5) && (!expires || expires > routers->now);
	router->is_online = router->is_on &&
			    is_online(routers->server, router->machine, wr_row_int(row, 3) != 0,
				      wr_row_int(row, 4), routers->now);
	return true;
}

static int read_routers(struct wr_db *db, int64_t org, struct routers *routers)
{
	struct wr_value values[] = { WR_I(org) };
	int64_t count = wr_db_each(db,
				   "SELECT r.prefix, r.machine, r.is_active, m.is_agent,"
				   " coalesce(m.last_seen, 0), m.is_disabled OR m.is_pending,"
				   " coalesce(m.expires, 0) FROM machine_route r"
				   " JOIN machine m ON m.id = r.machine WHERE r.organisation = ?"
				   " AND r.state = 'approved' AND r.is_offered"
				   " ORDER BY r.prefix, r.since, r.machine",
				   1, values, take_router, routers);

	if (routers->is_short)
		return -ENOMEM;
	return count < 0 ? (int)count : 0;
}

/* Where nobody is online all stays as it is: it is no better elsewhere. */
static unsigned rank(const struct router *router)
{
	return router->is_online ? 3 : router->is_on ? 1 + router->is_active : 0;
}

/* Of those from `begin` on that have the same prefix; returns where the next begin. */
static size_t choose_one(struct routers *routers, size_t begin)
{
	struct router *items = routers->items;
	size_t best = begin, at;

	for (at = begin; at < routers->count && !strcmp(items[at].prefix, items[begin].prefix);
	     at++) {
		if (rank(&items[at]) > rank(&items[best]))
			best = at;
	}
	items[best].is_chosen = true;
	return at;
}

static int note_move(struct wr_route_moves *moves, int64_t machine)
{
	for (size_t i = 0; i < moves->count; i++) {
		if (moves->machines[i] == machine)
			return 0;
	}
	if (!make_room((void **)&moves->machines, &moves->room, moves->count,
		       sizeof(*moves->machines)))
		return -ENOMEM;
	moves->machines[moves->count++] = machine;
	return 0;
}

static int move(struct wr_db *db, const struct router *router, struct wr_route_moves *moves)
{
	int error = WR_DB_RUN(db,
			      "UPDATE machine_route SET is_active = ? WHERE machine = ?"
			      " AND prefix = ?",
			      WR_I(router->is_chosen), WR_I(router->machine), WR_T(router->prefix));

	return error ? error : note_move(moves, router->machine);
}

/* First who loses: a prefix has one active router at any time. */
static int write_moves(struct wr_db *db, const struct routers *routers,
		       struct wr_route_moves *moves)
{
	int error = 0;

	for (unsigned winners = 0; winners < 2; winners++) {
		for (size_t i = 0; i < routers->count && !error; i++) {
			const struct router *router = &routers->items[i];

			if (router->is_active != router->is_chosen &&
			    router->is_chosen == (winners == 1))
				error = move(db, router, moves);
		}
	}
	return error;
}

int wr_routes_choose(struct wr_server *server, struct wr_db *db, int64_t org, int64_t now,
		     struct wr_route_moves *ret_moves)
{
	struct routers routers = { .server = server, .now = now };
	int error = WR_DB_RUN(db,
			      "UPDATE machine_route SET is_active = 0 WHERE organisation = ?"
			      " AND is_active AND NOT (state = 'approved' AND is_offered)",
			      WR_I(org));

	*ret_moves = (struct wr_route_moves){ .count = 0 };
	if (!error)
		error = read_routers(db, org, &routers);
	for (size_t at = 0; at < routers.count && !error;)
		at = choose_one(&routers, at);
	if (!error)
		error = write_moves(db, &routers, ret_moves);
	free(routers.items);
	return error;
}

void wr_route_moves_done(struct wr_route_moves *moves)
{
	free(moves->machines);
	*moves = (struct wr_route_moves){ .count = 0 };
}

int wr_routes_settle(struct wr_call *call)
{
	struct wr_route_moves moves;
	int error = wr_routes_choose(call->server, call->db, call->org, wr_call_time(call), &moves);
	int status = error ? wr_call_fail_db(call, error) : 0;

	for (size_t i = 0; i < moves.count && !status; i++)
		status = wr_intend_machine(call, moves.machines[i], false);
	wr_route_moves_done(&moves);
	return status;
}
