#include "server/sights.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "hub/hub.h"
#include "linux/clock.h"
#include "server/agents.h"
#include "server/sights_save.h"
#include "server/sights_tell.h"
#include "server/state.h"

#define SAVE_EVERY 30 /* seconds */

struct seen {
	int64_t org, machine;
	struct wr_sight sight; /* bytes: not yet in the row */
	uint64_t hub_rx, hub_tx;
	uint64_t round; /* when the hub had it last */
	bool is_dirty;  /* not yet in the row */
	bool is_urgent; /* the same, and a hub that starts again would need it */
};

struct wr_sights {
	struct wr_server *server;
	pthread_mutex_t mutex;  /* for all of the following */
	struct wr_map machines; /* struct seen, by row */
	struct wr_map orgs;     /* how many are online, as a pointer's number */
	size_t online;
	uint64_t round;
	int64_t now;
	/* The loop's. */
	int64_t saved;       /* when all was entered in the ledger */
	uint64_t handshakes; /* that the hub had counted at the last question */
	struct wr_sights_changes changes;
	struct wr_sights_rows gone;
};

struct wr_sights *wr_sights_new(struct wr_server *server)
{
	struct wr_sights *sights = calloc(1, sizeof(*sights));

	if (!sights)
		return NULL;
	sights->server = server;
	pthread_mutex_init(&sights->mutex, NULL);
	return sights;
}

struct wr_sights *wr_sights_free(struct wr_sights *sights)
{
	struct seen *seen;
	size_t at = 0;

	if (!sights)
		return NULL;
	while ((seen = wr_map_next(&sights->machines, &at)) != NULL)
		free(seen);
	wr_map_done(&sights->machines);
	wr_map_done(&sights->orgs);
	free(sights->changes.items);
	free(sights->gone.items);
	pthread_mutex_destroy(&sights->mutex);
	free(sights);
	return NULL;
}

/* --- Reading. --- */
struct wr_sight wr_sights_of(struct wr_sights *sights, int64_t machine)
{
	struct wr_sight sight = { 0 };
	const struct seen *seen;

	pthread_mutex_lock(&sights->mutex);
	seen = wr_map_get(&sights->machines, (uint64_t)machine);
	if (seen)
		sight = seen->sight;
	pthread_mutex_unlock(&sights->mutex);
	return sight;
}

size_t wr_sights_online(struct wr_sights *sights, int64_t org)
{
	size_t count;

	pthread_mutex_lock(&sights->mutex);
	count = org ? (size_t)(uintptr_t)wr_map_get(&sights->orgs, (uint64_t)org) : sights->online;
	pthread_mutex_unlock(&sights->mutex);
	return count;
}

/* --- Looking. --- */
static void count_online(struct wr_sights *sights, int64_t org, int change)
{
	uintptr_t count = (uintptr_t)wr_map_take(&sights->orgs, (uint64_t)org);

	count += (uintptr_t)(intptr_t)change;
	sights->online += (size_t)(ptrdiff_t)change;
	/* Short of memory, the figure is wrong; nothing hangs from it. */
	if (count > 0 && !wr_map_put(&sights->orgs, (uint64_t)org, (void *)count))
		wr_log_error("sights: short of memory");
}

static void set_online(struct wr_sights *sights, struct seen *seen, bool is_online)
{
	struct wr_agents *agents = sights->server->agents;

	if (seen->sight.is_online == is_online)
		return;
	seen->sight.is_online = is_online;
	count_online(sights, seen->org, is_online ? 1 : -1);
	wr_sights_change(&sights->changes, seen->machine, is_online);
	if (agents)
		wr_agents_set_online(agents, seen->org, seen->machine, is_online);
}

static struct seen *find_or_add(struct wr_sights *sights, int64_t org, int64_t machine)
{
	struct seen *seen = wr_map_get(&sights->machines, (uint64_t)machine);

	if (seen)
		return seen;
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return NULL;
	seen->org = org;
	seen->machine = machine;
	seen->round = sights->round;
	if (wr_map_put(&sights->machines, (uint64_t)machine, seen))
		return seen;
	free(seen);
	return NULL;
}

void wr_sights_set_online(struct wr_sights *sights, int64_t org, int64_t machine, bool is_online)
{
	struct seen *seen;

	pthread_mutex_lock(&sights->mutex);
	seen = find_or_add(sights, org, machine);
	if (seen) {
		seen->sight.is_judged = true;
		set_online(sights, seen, is_online);
	}
	pthread_mutex_unlock(&sights->mutex);
}

/* What came since the last look; a machine with a new key counts from zero again. */
static uint64_t growth(uint64_t *last, uint64_t now)
{
	uint64_t grown = now >= *last ? now - *last : now;

	*last = now;
	return grown;
}

static void take_newer(int64_t *seconds, struct wr_wall wall, bool *is_dirty)
{
	int64_t newer = (int64_t)(wall.ns / 1000000000);

	if (newer <= *seconds)
		return;
	*seconds = newer;
	*is_dirty = true;
}

/* By what the hub hears, or as its agent's channel tells. */
static void judge(struct wr_sights *sights, struct seen *seen, const struct wr_hub_sight *sight)
{
	struct wr_agents *agents = sights->server->agents;
	bool is_online = seen->sight.last_seen > sights->now - WR_ONLINE_SECONDS;

	if (agents) {
		wr_agents_see(agents, sight, &is_online);
		seen->sight.is_judged = wr_agents_has_agent(agents, seen->machine);
	}
	set_online(sights, seen, is_online);
}

static void take_endpoint(struct wr_sights *sights, struct seen *seen,
			  const struct wr_hub_sight *sight)
{
	struct wr_agents *agents = sights->server->agents;

	if (sight->endpoint.ip.family == WR_FAMILY_NONE)
		return;
	if (!wr_endpoint_equal_remote(&seen->sight.endpoint, &sight->endpoint)) {
		seen->is_urgent = true;
		if (agents)
			wr_agents_set_observed(agents, seen->org, seen->machine, &sight->endpoint);
	}
	seen->sight.endpoint = sight->endpoint;
}

static void see(void *context, const struct wr_hub_sight *sight)
{
	struct wr_sights *sights = context;
	struct seen *seen = find_or_add(sights, (int64_t)sight->org, (int64_t)sight->number);
	uint64_t rx, tx;

	if (!seen)
		return;
	seen->round = sights->round;
	rx = growth(&seen->hub_rx, sight->rx_bytes);
	tx = growth(&seen->hub_tx, sight->tx_bytes);
	seen->is_dirty |= rx > 0 || tx > 0;
	seen->sight.rx_bytes += rx;
	seen->sight.tx_bytes += tx;
	take_newer(&seen->sight.latest_handshake, sight->latest_handshake, &seen->is_urgent);
	take_newer(&seen->sight.last_seen, sight->last_seen, &seen->is_dirty);
	take_endpoint(sights, seen, sight);
	seen->is_dirty |= seen->is_urgent;
	judge(sights, seen, sight);
}

/* The hub has these no more; what was not saved yet is kept until it is. */
static void find_gone(struct wr_sights *sights)
{
	struct seen *seen;
	size_t at = 0;

	sights->gone.count = 0;
	while ((seen = wr_map_next(&sights->machines, &at)) != NULL) {
		if (seen->round == sights->round)
			continue;
		set_online(sights, seen, false);
		if (!seen->is_dirty)
			wr_sights_row(&sights->gone, seen->machine);
	}
}

static void drop_gone(struct wr_sights *sights)
{
	for (size_t i = 0; i < sights->gone.count; i++)
		free(wr_map_take(&sights->machines, (uint64_t)sights->gone.items[i]));
}

static void look(struct wr_sights *sights)
{
	pthread_mutex_lock(&sights->mutex);
	sights->round++;
	sights->now = (int64_t)(wr_clock_wall().ns / 1000000000);
	wr_hub_look(sights->server->hub, 0, see, sights);
	find_gone(sights);
	drop_gone(sights);
	pthread_mutex_unlock(&sights->mutex);
}

static bool is_save_due(struct wr_sights *sights)
{
	if (sights->now < sights->saved + SAVE_EVERY && sights->now >= sights->saved)
		return false;
	sights->saved = sights->now;
	return true;
}

static void flush(struct wr_sights *sights, bool is_only_urgent)
{
	struct wr_sights_rows rows = { 0 };
	const struct seen *seen;
	size_t at = 0;

	pthread_mutex_lock(&sights->mutex);
	while ((seen = wr_map_next(&sights->machines, &at)) != NULL) {
		if (is_only_urgent ? seen->is_urgent : seen->is_dirty)
			wr_sights_row(&rows, seen->machine);
	}
	pthread_mutex_unlock(&sights->mutex);
	wr_sights_save(sights->server, &rows);
}

bool wr_sights_are_due(struct wr_sights *sights)
{
	uint64_t before = sights->handshakes;

	sights->handshakes = wr_hub_handshakes(sights->server->hub);
	return sights->handshakes != before;
}

void wr_sights_tick(struct wr_sights *sights)
{
	look(sights);
	wr_sights_tell(sights->server, &sights->changes);
	flush(sights, !is_save_due(sights));
}

/* --- Saving: see sights_save.c. --- */
void wr_sights_flush(struct wr_sights *sights)
{
	if (sights->server->hub)
		look(sights);
	flush(sights, false);
}

bool wr_sights_take(struct wr_sights *sights, int64_t machine, struct wr_sight *ret_sight)
{
	struct seen *seen;
	bool is_dirty;

	pthread_mutex_lock(&sights->mutex);
	seen = wr_map_get(&sights->machines, (uint64_t)machine);
	is_dirty = seen && seen->is_dirty;
	if (is_dirty) {
		*ret_sight = seen->sight;
		seen->sight.rx_bytes = 0;
		seen->sight.tx_bytes = 0;
		seen->is_dirty = seen->is_urgent = false;
	}
	pthread_mutex_unlock(&sights->mutex);
	return is_dirty;
}

void wr_sights_give_back(struct wr_sights *sights, int64_t machine, const struct wr_sight *sight)
{
	struct seen *seen;

	pthread_mutex_lock(&sights->mutex);
	seen = wr_map_get(&sights->machines, (uint64_t)machine);
	if (seen) {
		seen->sight.rx_bytes += sight->rx_bytes;
		seen->sight.tx_bytes += sight->tx_bytes;
		seen->is_dirty = true;
	}
	pthread_mutex_unlock(&sights->mutex);
}
