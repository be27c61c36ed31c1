#include "node/portmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/addresses.h"
#include "node/portmap_ask.h"

/* RFC 6886 section 3.3, RFC 6887 section 15: two hours, renewed after one. */
#define LIFETIME_S 7200
/* What a router gives is not believed to be less. */
#define SHORTEST_S 120
/* Where no router helped; four times as long after each try, as one answer may have been lost. */
#define FIRST_AGAIN_S 5
#define LAST_AGAIN_S 600

static const struct wr_ask_way *const ways[] = { &wr_ask_pcp, &wr_ask_nat_pmp, &wr_ask_upnp };

/* One question at a time: what gives a mapping back must not be overtaken by what renews it. */
enum stage {
	STAGE_ASKING,     /* for a mapping, or to renew it */
	STAGE_LEAVING,    /* what cannot be cancelled goes on to its end first */
	STAGE_GIVING_BACK /* then begins anew, or is gone */
};

struct wr_portmap {
	uv_loop_t *loop;
	struct wr_portmap_config config;
	uv_timer_t timer; /* to renew, or to ask again */
	struct wr_portmap_sight sight;
	struct wr_ask_order order;    /* that is mapped, or asked for */
	struct wr_ask *ask;           /* under way; NULL: none */
	const struct wr_ask_way *way; /* by which it is asked, or mapped; NULL: neither */
	enum stage stage;
	bool is_renewal;
	bool is_closed;
	unsigned again_s; /* the next wait, if nobody helps */
	uint8_t nonce[WR_PCP_NONCE_LEN];
};

const char *wr_portmap_method_name(enum wr_portmap_method method)
{
	static const char *const names[WR_PORTMAP_METHODS] = {
		[WR_PORTMAP_NONE] = "none",
		[WR_PORTMAP_PCP] = "PCP",
		[WR_PORTMAP_NAT_PMP] = "NAT-PMP",
		[WR_PORTMAP_UPNP] = "UPnP",
	};

	return names[method];
}

/* --- What is seen. --- */

static void tell(struct wr_portmap *portmap, const struct wr_portmap_sight *before)
{
	if (portmap->sight.method != before->method ||
	    !wr_endpoint_equal_remote(&portmap->sight.external, &before->external))
		portmap->config.changed(portmap->config.context);
}

static void set_unmapped(struct wr_portmap *portmap, const char *why)
{
	portmap->sight.method = WR_PORTMAP_NONE;
	portmap->sight.external = (struct wr_endpoint){ 0 };
	portmap->sight.is_global = false;
	portmap->sight.seconds = 0;
	portmap->sight.why = why;
}

/* --- Asking. --- */

static void ask_by(struct wr_portmap *portmap, size_t first);
static void give_back(struct wr_portmap *portmap);
static void left(struct wr_portmap *portmap);
static void on_time(uv_timer_t *timer);

static void keep_order(struct wr_portmap *portmap, const struct wr_ask_answer *answer)
{
	portmap->order.external_port = answer->external.port;
	portmap->order.upnp = answer->upnp;
}

static void take_mapping(struct wr_portmap *portmap, const struct wr_ask_answer *answer)
{
	struct wr_portmap_sight *sight = &portmap->sight;

	sight->method = portmap->way->method;
	sight->external = answer->external;
	sight->is_global = wr_address_is_global(&answer->external.ip);
	sight->seconds = answer->seconds > SHORTEST_S ? answer->seconds : SHORTEST_S;
	if (sight->seconds > LIFETIME_S)
		sight->seconds = LIFETIME_S;
	sight->why = NULL;
	portmap->again_s = FIRST_AGAIN_S;
	keep_order(portmap, answer);
	uv_timer_start(&portmap->timer, on_time, (uint64_t)sight->seconds * 500, 0);
}

static size_t number_of(const struct wr_ask_way *way)
{
	size_t i = 0;

	while (ways[i] != way)
		i++;
	return i;
}

static void take_answer(struct wr_portmap *portmap, const struct wr_ask_answer *answer)
{
	struct wr_portmap_sight before = portmap->sight;

	portmap->sight.is_looking = false;
	if (!answer->error) {
		take_mapping(portmap, answer);
		tell(portmap, &before);
	} else if (portmap->is_renewal) {
		/* The router has forgotten it, or is another: from the beginning. */
		set_unmapped(portmap, "the router did not renew it");
		tell(portmap, &before);
		ask_by(portmap, 0);
	} else {
		ask_by(portmap, number_of(portmap->way) + 1);
	}
}

static void on_answer(void *context, const struct wr_ask_answer *answer)
{
	struct wr_portmap *portmap = context;

	portmap->ask = NULL;
	if (portmap->stage == STAGE_ASKING) {
		take_answer(portmap, answer);
	} else if (portmap->stage == STAGE_LEAVING) {
		if (!answer->error)
			keep_order(portmap, answer);
		give_back(portmap);
	} else {
		left(portmap);
	}
}

static void give_up(struct wr_portmap *portmap, const char *why)
{
	portmap->way = NULL;
	portmap->sight.is_looking = false;
	set_unmapped(portmap, why);
	uv_timer_start(&portmap->timer, on_time, (uint64_t)portmap->again_s * 1000, 0);
	portmap->again_s *= 4;
	if (portmap->again_s > LAST_AGAIN_S)
		portmap->again_s = LAST_AGAIN_S;
}

static void ask_by(struct wr_portmap *portmap, size_t first)
{
	portmap->is_renewal = false;
	portmap->order.upnp.url[0] = '\0';
	for (size_t i = first; i < WR_ARRAY_LEN(ways) && !portmap->ask; i++) {
		portmap->way = ways[i];
		portmap->ask = ways[i]->start(portmap->loop, &portmap->order, on_answer, portmap);
	}
	portmap->sight.is_looking = true;
	if (!portmap->ask)
		give_up(portmap, "the router maps no ports, by PCP, NAT-PMP or UPnP");
}

static void begin(struct wr_portmap *portmap)
{
	struct wr_gateway gateway;

	portmap->sight.gateway = (struct wr_ip){ 0 };
	if (wr_addresses_gateway(WR_IPV4, &gateway) || !gateway.local.family) {
		give_up(portmap, "there is no default gateway");
		return;
	}
	portmap->sight.gateway = gateway.ip;
	if (wr_address_is_global(&gateway.local)) {
		give_up(portmap, "none is needed: this host's own address is the Internet's");
		return;
	}
	portmap->order = (struct wr_ask_order){ .gateway = gateway.ip,
						.local = gateway.local,
						.port = portmap->config.port,
						.external_port = portmap->config.port,
						.seconds = LIFETIME_S };
	memcpy(portmap->order.nonce, portmap->nonce, sizeof(portmap->nonce));
	ask_by(portmap, 0);
}

static void renew(struct wr_portmap *portmap)
{
	portmap->is_renewal = true;
	portmap->ask = portmap->way->start(portmap->loop, &portmap->order, on_answer, portmap);
	portmap->sight.is_looking = portmap->ask != NULL;
	if (!portmap->ask)
		uv_timer_start(&portmap->timer, on_time, SHORTEST_S * 500, 0);
}

static void on_time(uv_timer_t *timer)
{
	struct wr_portmap *portmap = timer->data;

	if (portmap->sight.method != WR_PORTMAP_NONE)
		renew(portmap);
	else
		begin(portmap);
}

/* --- Giving back. --- */

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void left(struct wr_portmap *portmap)
{
	portmap->stage = STAGE_ASKING;
	portmap->way = NULL;
	if (portmap->is_closed)
		uv_close((uv_handle_t *)&portmap->timer, on_closed);
	else
		uv_timer_start(&portmap->timer, on_time, 0, 0);
}

/* Also what was asked for without an answer: the router may have mapped it. */
static void give_back(struct wr_portmap *portmap)
{
	struct wr_ask_order order = portmap->order;

	order.seconds = 0;
	portmap->stage = STAGE_GIVING_BACK;
	/* For UPnP only if we know where: else it would be looked for again. */
	if (portmap->way && (portmap->way != &wr_ask_upnp || order.upnp.url[0]))
		portmap->ask = portmap->way->start(portmap->loop, &order, on_answer, portmap);
	if (!portmap->ask)
		left(portmap);
}

static void leave(struct wr_portmap *portmap)
{
	if (portmap->stage != STAGE_ASKING)
		return;
	uv_timer_stop(&portmap->timer);
	if (portmap->ask && portmap->way->cancel)
		portmap->way->cancel(WR_TAKE(portmap->ask));
	portmap->stage = STAGE_LEAVING;
	if (!portmap->ask)
		give_back(portmap);
}

/* --- For whoever uses it. --- */

int wr_portmap_open(uv_loop_t *loop, const struct wr_portmap_config *config,
		    struct wr_portmap **ret_portmap)
{
	struct wr_portmap *portmap = calloc(1, sizeof(*portmap));

	if (!portmap)
		return -ENOMEM;
	portmap->loop = loop;
	portmap->config = *config;
	wr_random(portmap->nonce, sizeof(portmap->nonce));
	uv_timer_init(loop, &portmap->timer);
	portmap->timer.data = portmap;
	portmap->sight.is_looking = true;
	portmap->again_s = FIRST_AGAIN_S;
	uv_timer_start(&portmap->timer, on_time, 0, 0);
	*ret_portmap = portmap;
	return 0;
}

static void again(struct wr_portmap *portmap, const char *why)
{
	struct wr_portmap_sight before = portmap->sight;

	portmap->again_s = FIRST_AGAIN_S;
	set_unmapped(portmap, why);
	portmap->sight.is_looking = true;
	leave(portmap);
	tell(portmap, &before);
}

void wr_portmap_set_port(struct wr_portmap *portmap, uint16_t port)
{
	if (port == portmap->config.port)
		return;
	portmap->config.port = port;
	again(portmap, "it is asked for");
}

static bool is_same_way_out(const struct wr_portmap *portmap)
{
	struct wr_gateway gateway;

	return !wr_addresses_gateway(WR_IPV4, &gateway) &&
	       wr_ip_equal(&gateway.ip, &portmap->order.gateway) &&
	       wr_ip_equal(&gateway.local, &portmap->order.local);
}

/* Where the way out is as it was, the mapping most likely stands: it is renewed, which shows if
 * it does not.  What is asked for is asked for. */
void wr_portmap_moved(struct wr_portmap *portmap)
{
	if (!portmap->way || portmap->stage != STAGE_ASKING || !is_same_way_out(portmap))
		again(portmap, "it is asked for");
	else if (!portmap->ask)
		renew(portmap);
}

void wr_portmap_look(const struct wr_portmap *portmap, struct wr_portmap_sight *ret_sight)
{
	*ret_sight = portmap->sight;
}

struct wr_portmap *wr_portmap_close(struct wr_portmap *portmap)
{
	if (portmap) {
		portmap->is_closed = true;
		leave(portmap);
	}
	return NULL;
}
