#include "agent/uplink.h"

#include <stdlib.h>

#include "agent/seeker.h"
#include "linux/clock.h"

/* A handshake that comes about does so at once, or with its first retry after 5 s
 * (REKEY_TIMEOUT); the next address is tried then. */
#define PATIENCE WR_SPAN_S(6)
/* Sessions are renewed after 120 s (REKEY_AFTER_TIME), with retries each 5 s: a handshake older
 * than this says that two failed. */
#define HANDSHAKE_AGE_NS (UINT64_C(135) * 1000000000)
/* The hub asks after 9 s of silence: twice is no lost packet any more. */
#define SILENCES 2
#define SILENCE_LASTS WR_SPAN_S(30)

struct wr_uplink {
	uv_loop_t *loop;
	struct wr_uplink_config config;
	struct wr_endpoint hub[2]; /* IPv4, IPv6 */
	struct wr_endpoint stand_in;
	unsigned used;  /* of `hub` */
	unsigned tried; /* of `hub`, since the last that worked */
	bool is_over_channel, has_channel;
	bool is_connected;
	unsigned silences;
	struct wr_instant silent; /* when the hub said so last */
	struct wr_instant moved;  /* when the address was chosen */
	struct wr_wall moved_wall;

	struct wr_seeker *seeker; /* while datagrams go over the channel */
};

/* --- Which address. --- */

static bool is_there(const struct wr_endpoint *endpoint)
{
	return endpoint->ip.family != WR_FAMILY_NONE;
}

struct wr_endpoint wr_uplink_endpoint(const struct wr_uplink *uplink)
{
	return uplink->is_over_channel ? uplink->stand_in : uplink->hub[uplink->used];
}

static void over_udp(struct wr_uplink *uplink, struct wr_instant now);

static void on_found(void *context)
{
	over_udp(context, wr_clock_now());
}

static void move(struct wr_uplink *uplink, unsigned used, bool is_over_channel,
		 struct wr_instant now)
{
	struct wr_endpoint endpoint;

	uplink->used = used;
	uplink->is_over_channel = is_over_channel;
	uplink->moved = now;
	uplink->moved_wall = wr_clock_wall();
	uplink->silences = 0;
	uplink->is_connected = false;
	uplink->seeker = wr_seeker_free(uplink->seeker);
	if (is_over_channel)
		uplink->seeker = wr_seeker_new(uplink->loop, &uplink->hub[used], on_found, uplink);
	endpoint = wr_uplink_endpoint(uplink);
	if (is_there(&endpoint))
		uplink->config.moved(uplink->config.context, &endpoint, is_over_channel);
}

/* The next address: the other family's, then the channel. */
static void try_next(struct wr_uplink *uplink, struct wr_instant now)
{
	unsigned other = 1 - uplink->used;

	if (is_there(&uplink->hub[other]) && uplink->tried < 2) {
		uplink->tried++;
		move(uplink, other, false, now);
	} else if (uplink->has_channel && is_there(&uplink->stand_in)) {
		move(uplink, uplink->used, true, now);
	} else {
		uplink->tried = 1;
		uplink->moved = now;
	}
}

static void over_udp(struct wr_uplink *uplink, struct wr_instant now)
{
	uplink->tried = 1;
	move(uplink, is_there(&uplink->hub[0]) ? 0 : 1, false, now);
}

/* --- What is told. --- */

void wr_uplink_set_hub(struct wr_uplink *uplink, const struct wr_endpoint endpoints[2],
		       struct wr_instant now)
{
	if (wr_endpoint_equal_remote(&uplink->hub[0], &endpoints[0]) &&
	    wr_endpoint_equal_remote(&uplink->hub[1], &endpoints[1]))
		return;
	uplink->hub[0] = endpoints[0];
	uplink->hub[1] = endpoints[1];
	over_udp(uplink, now);
}

void wr_uplink_set_stand_in(struct wr_uplink *uplink, const struct wr_endpoint *stand_in)
{
	uplink->stand_in = *stand_in;
}

void wr_uplink_set_channel(struct wr_uplink *uplink, bool is_open, struct wr_instant now)
{
	uplink->has_channel = is_open;
	if (!is_open && uplink->is_over_channel)
		over_udp(uplink, now);
}

void wr_uplink_is_silent(struct wr_uplink *uplink, struct wr_instant now)
{
	/* Lately, not in all. */
	if (wr_is_past(wr_after(uplink->silent, SILENCE_LASTS), now))
		uplink->silences = 0;
	uplink->silent = now;
	if (!uplink->is_over_channel && ++uplink->silences >= SILENCES)
		try_next(uplink, now);
}

void wr_uplink_network_changed(struct wr_uplink *uplink, struct wr_instant now)
{
	if (uplink->is_over_channel)
		over_udp(uplink, now);
}

void wr_uplink_look(struct wr_uplink *uplink, struct wr_wall latest_handshake,
		    struct wr_instant now)
{
	uint64_t wall = wr_clock_wall().ns;
	bool is_fresh = latest_handshake.ns != 0 && (latest_handshake.ns > wall ||
						     wall - latest_handshake.ns < HANDSHAKE_AGE_NS);

	if (wr_is_past(wr_after(uplink->silent, SILENCE_LASTS), now))
		uplink->silences = 0;
	uplink->is_connected = is_fresh && !uplink->silences;
	if (latest_handshake.ns > uplink->moved_wall.ns)
		uplink->tried = 1;
	if (!is_fresh && !uplink->is_over_channel &&
	    wr_is_past(wr_after(uplink->moved, PATIENCE), now))
		try_next(uplink, now);
}

bool wr_uplink_is_over_channel(const struct wr_uplink *uplink)
{
	return uplink->is_over_channel;
}

bool wr_uplink_is_connected(const struct wr_uplink *uplink)
{
	return uplink->is_connected;
}

/* --- Life. --- */

struct wr_uplink *wr_uplink_new(uv_loop_t *loop, const struct wr_uplink_config *config)
{
	struct wr_uplink *uplink = calloc(1, sizeof(*uplink));

	if (!uplink)
		return NULL;
	uplink->loop = loop;
	uplink->config = *config;
	return uplink;
}

struct wr_uplink *wr_uplink_free(struct wr_uplink *uplink)
{
	if (uplink)
		wr_seeker_free(uplink->seeker);
	free(uplink);
	return NULL;
}
