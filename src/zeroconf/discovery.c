#include "zeroconf/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "mesh/l2.h"
#include "zeroconf/discovery_answers.h"
#include "zeroconf/discovery_ears.h"
#include "zeroconf/discovery_judge.h"
#include "zeroconf/discovery_pace.h"

/* Between two announcements, whatever the network does. */
#define LEAST_PAUSE WR_SPAN_MS(200)

struct wr_discovery {
	struct wr_discovery_config config;
	struct wr_key identity;
	struct wr_ears *ears;
	struct wr_judge *judge;
	uv_timer_t announce, answer; /* the next of each */
	uint16_t port;               /* WireGuard's; 0: not known yet, nothing is sent */
	uint32_t sequence;           /* of the last knock */
	size_t members;
	unsigned step;          /* of announcing; see discovery_pace.h */
	struct wr_instant last; /* announcement */
	struct wr_answers answers;
	struct wr_discovery_figures figures;
	bool is_closed;
	unsigned handles;
};

static uint64_t draw(void)
{
	uint64_t random;

	wr_random(&random, sizeof(random));
	return random;
}

/* In whole milliseconds, not before `when`. */
static void wake_at(uv_timer_t *timer, uv_timer_cb callback, struct wr_instant when)
{
	uint64_t now = wr_clock_now().ns;
	uint64_t ms = when.ns > now ? (when.ns - now + 999999) / 1000000 : 0;

	uv_update_time(timer->loop);
	uv_timer_start(timer, callback, ms, 0);
}

/* --- Knocks of ours. --- */

static bool uses_own_port(const struct wr_discovery *discovery)
{
	return !discovery->config.send;
}

/* Each is another one: who has heard one of us takes no other with the same number. */
static void write_knock(struct wr_discovery *discovery, bool asks, uint8_t ret[WR_KNOCK_LEN])
{
	const struct wr_mesh_keys *keys = discovery->config.keys;
	struct wr_knock knock = {
		.flags = (uint8_t)((asks ? WR_KNOCK_ASKS : 0) |
				   (discovery->config.is_open ? WR_KNOCK_OPEN : 0)),
		.identity = discovery->identity,
		.port = discovery->port,
		.knock_port = uses_own_port(discovery) ? wr_ears_own_port(discovery->ears)
						       : discovery->port,
		.epoch = discovery->config.epoch,
		.sequence = ++discovery->sequence,
	};

	memcpy(knock.mesh, keys->tag, sizeof(knock.mesh));
	wr_knock_write(&knock, &discovery->config.seed, &keys->mac, ret);
}

static int send_to(struct wr_discovery *discovery, const struct wr_endpoint *to, bool asks)
{
	uint8_t bytes[WR_KNOCK_LEN];
	struct wr_bytes datagram = { bytes, sizeof(bytes) };
	int status;

	if (!discovery->port)
		return -EAGAIN;
	write_knock(discovery, asks, bytes);
	status = uses_own_port(discovery)
			 ? wr_ears_tell(discovery->ears, to, datagram)
			 : discovery->config.send(discovery->config.context, datagram, to);
	discovery->figures.sent += status == 0;
	return status;
}

/* --- Announcing. --- */

static void announce_everywhere(struct wr_discovery *discovery)
{
	size_t places = wr_ears_places(discovery->ears);

	for (size_t i = 0; i < places; i++) {
		uint8_t bytes[WR_KNOCK_LEN];
		struct wr_bytes datagram = { bytes, sizeof(bytes) };

		write_knock(discovery, true, bytes);
		discovery->figures.sent += wr_ears_say(discovery->ears, i, datagram) == 0;
	}
}

static void on_announce(uv_timer_t *timer)
{
	struct wr_discovery *discovery = timer->data;
	struct wr_instant now = wr_clock_now();
	struct wr_span pause;

	/* News may have been lost, or an interface was not ready when it came. */
	wr_ears_follow(discovery->ears);
	announce_everywhere(discovery);
	discovery->last = now;
	pause = wr_pace_pause(discovery->step++, discovery->members, draw());
	wake_at(timer, on_announce, wr_after(now, pause));
}

void wr_discovery_hurry(struct wr_discovery *discovery)
{
	discovery->step = 0;
	if (discovery->port && discovery->config.has_lan && !discovery->is_closed)
		wake_at(&discovery->announce, on_announce,
			discovery->last.ns ? wr_after(discovery->last, LEAST_PAUSE)
					   : (struct wr_instant){ 0 });
}

void wr_discovery_set_port(struct wr_discovery *discovery, uint16_t port)
{
	if (discovery->port == port)
		return;
	discovery->port = port;
	if (port)
		wr_discovery_hurry(discovery);
	else
		uv_timer_stop(&discovery->announce);
}

void wr_discovery_set_size(struct wr_discovery *discovery, size_t members)
{
	discovery->members = members;
}

int wr_discovery_knock(struct wr_discovery *discovery, const struct wr_endpoint *to)
{
	return send_to(discovery, to, true);
}

/* --- Answering. --- */

static void on_answer(uv_timer_t *timer);

static void arm_answers(struct wr_discovery *discovery)
{
	struct wr_instant next = wr_answers_deadline(&discovery->answers);

	if (!wr_is_never(next))
		wake_at(&discovery->answer, on_answer, next);
}

static void on_answer(uv_timer_t *timer)
{
	struct wr_discovery *discovery = timer->data;
	struct wr_instant now = wr_clock_now();
	struct wr_endpoint to;

	while (wr_answers_take(&discovery->answers, now, &to))
		(void)send_to(discovery, &to, false);
	arm_answers(discovery);
}

static void answer(struct wr_discovery *discovery, const struct wr_knock *knock,
		   const struct wr_endpoint *from, struct wr_instant now)
{
	struct wr_endpoint to = *from;
	struct wr_span delay;

	/* What did not come by multicast came from where answers are heard, or from what a NAT made
	 * of that. */
	if (from->port == WR_DISCOVERY_PORT)
		to.port = knock->knock_port;
	if (!wr_pace_answers(discovery->members, draw(), &delay))
		return;
	if (!delay.ns) {
		(void)send_to(discovery, &to, false);
		return;
	}
	wr_answers_add(&discovery->answers,
		       &(struct wr_answer){ .to = to, .due = wr_after(now, delay) });
	arm_answers(discovery);
}

/* --- Hearing. --- */

static uint64_t *counter_of(struct wr_discovery_figures *figures, enum wr_hearing hearing)
{
	switch (hearing) {
	case WR_HEARD_GOOD: return &figures->good;
	case WR_HEARD_FOREIGN: return &figures->foreign;
	case WR_HEARD_FORGED: return &figures->forged;
	case WR_HEARD_REPLAYED: return &figures->replayed;
	case WR_HEARD_LIMITED: return &figures->limited;
	case WR_HEARD_MALFORMED:
	case WR_HEARD_OWN:
	case WR_HEARINGS: break;
	}
	return &figures->malformed;
}

void wr_discovery_take(struct wr_discovery *discovery, struct wr_bytes datagram,
		       const struct wr_endpoint *from)
{
	struct wr_instant now = wr_clock_now();
	struct wr_knock knock;
	enum wr_hearing hearing = wr_judge_hear(discovery->judge, datagram, &from->ip, now, &knock);

	if (hearing == WR_HEARD_OWN)
		return; /* each announcement of ours comes back */
	discovery->figures.received++;
	++*counter_of(&discovery->figures, hearing);
	if (hearing != WR_HEARD_GOOD)
		return;
	if (knock.flags & WR_KNOCK_ASKS)
		answer(discovery, &knock, from, now);
	discovery->config.knocked(discovery->config.context, &knock, from);
}

static void on_heard(void *context, struct wr_bytes datagram, const struct wr_endpoint *from)
{
	wr_discovery_take(context, datagram, from);
}

static void on_changed(void *context)
{
	wr_discovery_hurry(context);
}

void wr_discovery_look(const struct wr_discovery *discovery,
		       struct wr_discovery_figures *ret_figures)
{
	*ret_figures = discovery->figures;
	ret_figures->interfaces = wr_ears_interfaces(discovery->ears);
}

/* --- Opening and closing. --- */

static int open_ears(uv_loop_t *loop, struct wr_discovery *discovery, char ret_why[200])
{
	struct wr_ears_config config = {
		.port = WR_DISCOVERY_PORT,
		.has_lan = discovery->config.has_lan,
		.has_own_port = uses_own_port(discovery),
		.alias = WR_L2_ALIAS,
		.skip = discovery->config.skip,
		.heard = on_heard,
		.changed = on_changed,
		.context = discovery,
	};

	if (!wr_ip_parse(WR_DISCOVERY_GROUP4, strlen(WR_DISCOVERY_GROUP4), &config.groups[0]) ||
	    !wr_ip_parse(WR_DISCOVERY_GROUP6, strlen(WR_DISCOVERY_GROUP6), &config.groups[1]))
		assert(false);
	return wr_ears_open(loop, &config, &discovery->ears, ret_why);
}

static void start_timer(uv_loop_t *loop, struct wr_discovery *discovery, uv_timer_t *timer)
{
	uv_timer_init(loop, timer);
	timer->data = discovery;
	discovery->handles++;
}

int wr_discovery_open(uv_loop_t *loop, const struct wr_discovery_config *config,
		      struct wr_discovery **ret_discovery, char ret_why[200])
{
	struct wr_discovery *discovery = calloc(1, sizeof(*discovery));
	struct wr_siphash_key secret;
	int status;

	snprintf(ret_why, 200, "%s", strerror(ENOMEM));
	if (!discovery)
		return -ENOMEM;
	discovery->config = *config;
	discovery->config.skip = NULL; /* not kept */
	discovery->identity = wr_sign_public(&config->seed);
	start_timer(loop, discovery, &discovery->announce);
	start_timer(loop, discovery, &discovery->answer);
	wr_random(&secret, sizeof(secret));
	discovery->judge = wr_judge_new(config->keys, &discovery->identity, WR_DISCOVERY_KNOWN,
					&secret);
	status = discovery->judge ? 0 : -ENOMEM;
	if (status == 0)
		status = open_ears(loop, discovery, ret_why);
	if (status < 0) {
		wr_discovery_close(discovery);
		return status;
	}
	*ret_discovery = discovery;
	return 0;
}

/* The last one: nobody can be in a function of it any more. */
static void on_closed(uv_handle_t *handle)
{
	struct wr_discovery *discovery = handle->data;

	if (--discovery->handles)
		return;
	wr_judge_free(discovery->judge);
	wr_wipe(discovery, sizeof(*discovery));
	free(discovery);
}

struct wr_discovery *wr_discovery_close(struct wr_discovery *discovery)
{
	if (!discovery)
		return NULL;
	discovery->is_closed = true;
	discovery->ears = wr_ears_close(discovery->ears);
	uv_close((uv_handle_t *)&discovery->announce, on_closed);
	uv_close((uv_handle_t *)&discovery->answer, on_closed);
	return NULL;
}
