#include "zeroconf/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/clock.h"
#include "zeroconf/discovery_inside.h"

/* --- Answering. --- */

static void on_answer(uv_timer_t *timer);

static void arm_answers(struct wr_discovery *discovery)
{
	struct wr_instant next = wr_answers_deadline(&discovery->answers);

	if (!wr_is_never(next))
		discovery_wake_at(&discovery->answer, on_answer, next);
}

static void on_answer(uv_timer_t *timer)
{
	struct wr_discovery *discovery = timer->data;
	struct wr_instant now = wr_clock_now();
	struct wr_endpoint to;

	while (wr_answers_take(&discovery->answers, now, &to))
		(void)discovery_send(discovery, &to, false);
	arm_answers(discovery);
}

static bool is_to_answer(const struct wr_discovery *discovery, const struct wr_knock *knock,
			 const struct wr_endpoint *from)
{
	const struct wr_discovery_config *config = &discovery->config;

	return knock->flags & WR_KNOCK_ASKS &&
	       (!config->is_news || config->is_news(config->context, knock, from));
}

static void answer(struct wr_discovery *discovery, const struct wr_knock *knock,
		   const struct wr_endpoint *from, struct wr_instant now)
{
	struct wr_endpoint to = *from;
	struct wr_span delay;
	uint64_t random;

	/* What did not come by multicast came from where answers are heard, or from what a NAT made
	 * of that. */
	if (from->port == WR_DISCOVERY_PORT)
		to.port = knock->knock_port;
	wr_random(&random, sizeof(random));
	if (!wr_pace_answers(discovery->members, random, &delay))
		return;
	if (!delay.ns) {
		(void)discovery_send(discovery, &to, false);
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
	if (is_to_answer(discovery, &knock, from))
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

uint16_t wr_discovery_own_port(const struct wr_discovery *discovery)
{
	return discovery_uses_own_port(discovery) ? wr_ears_own_port(discovery->ears) : 0;
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
		.has_own_port = discovery_uses_own_port(discovery),
		.own_port = discovery->config.own_port,
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
