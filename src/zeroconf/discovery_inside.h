/* Discovery from inside: what says (discovery_say.c) and what hears and answers (discovery.c) have
 * one struct.
 *
 * Floor 9, for discovery only. */
#pragma once

#include "crypto/crypto.h"
#include "zeroconf/discovery.h"
#include "zeroconf/discovery_answers.h"
#include "zeroconf/discovery_ears.h"
#include "zeroconf/discovery_judge.h"
#include "zeroconf/discovery_pace.h"

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

static inline bool discovery_uses_own_port(const struct wr_discovery *discovery)
{
	return !discovery->config.send;
}

/* Of the timer's loop, not before `when`. */
void discovery_wake_at(uv_timer_t *timer, uv_timer_cb callback, struct wr_instant when);
/* A knock of ours, to one; with `asks` for an answer. 0 or a negative errno. */
int discovery_send(struct wr_discovery *discovery, const struct wr_endpoint *to, bool asks);
