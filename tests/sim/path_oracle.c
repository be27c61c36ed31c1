/* What must be so, whatever happens. */
#include "path_world.h"

/* The longest that a flow may be without a packet that arrives, while the relay works. */
#define BLACK_HOLE (7 * S)
/* Fewer may be lost by the weather. */
#define LOST_MIN 25
#define POLLS_MAX 200

void oracle_sent(struct world *world, struct host *host)
{
	if (!host->last_delivered || host->last_delivered < world->relay_since ||
	    world->is_hub_down || world->hosts[!host->number].is_asleep ||
	    !world->hosts[!host->number].has_session)
		host->last_delivered = world->now;
	if (host->last_delivered == world->now)
		host->lost = 0;
	host->sent_total++;
	host->lost++;
	if (world->now > host->last_delivered + BLACK_HOLE + S && host->lost > LOST_MIN)
		fail(world, "nothing of host %d arrived for %llu ms", host->number,
		     (unsigned long long)((world->now - host->last_delivered) / MS));
}

void oracle_delivered(struct world *world, const struct packet *packet)
{
	struct host *host = &world->hosts[packet->sender];

	host->delivered++;
	if (!world->is_hub_down && packet->sent > host->last_delivered + BLACK_HOLE &&
	    host->last_delivered && host->last_delivered >= world->relay_since &&
	    host->lost > LOST_MIN)
		fail(world, "host %d sent into a black hole for %llu ms", host->number,
		     (unsigned long long)((packet->sent - host->last_delivered) / MS));
	if (packet->sent <= host->last_delivered)
		return;
	host->last_delivered = packet->sent;
	host->lost = 0;
}

/* What was before does not count. */
void oracle_forgive(struct world *world)
{
	world->relay_since = world->now;
	for (int i = 0; i < HOSTS; i++)
		world->hosts[i].last_delivered = 0;
}

void oracle_settled(struct world *world, struct host *host)
{
	struct wr_path_sight sight;

	wr_path_look(host->path, &sight);
	if (sight.rounds != host->rounds) {
		host->rounds = sight.rounds;
		/* The first probes of a round may be of the same poll. */
		host->probes_at_round = sight.probes ? sight.probes - 1 : 0;
	}
	if (sight.probes - host->probes_at_round > WR_PATH_PROBES + 1)
		fail(world, "host %d sent %llu probes in a round", host->number,
		     (unsigned long long)(sight.probes - host->probes_at_round));
	if (!wr_endpoint_equal_remote(&sight.endpoint, &host->way)) {
		host->way = sight.endpoint;
		host->switches++;
	}
	if (sight.state == WR_PATH_DIRECT && !host->direct_at)
		host->direct_at = world->now;
	else if (sight.state != WR_PATH_DIRECT && sight.state != WR_PATH_SUSPECT)
		host->direct_at = 0;
	if (world->now != host->polls_at)
		host->polls_now = 0;
	host->polls_at = world->now;
	if (++host->polls_now > POLLS_MAX)
		fail(world, "host %d is polled again and again", host->number);
}
