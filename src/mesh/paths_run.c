/* What path machines are asked to do, is done: from the timer only, so that nothing is re-entered.
 */
#include <string.h>

#include "linux/clock.h"
#include "mesh/paths_parts.h"
#include "wire/message.h"
#include "wire/pulse.h"

/* A member's steps at a time: a machine that never ends is a bug that must not take the loop. */
#define STEPS_MAX 128
#define HEADERS_V4 28
#define HEADERS_V6 48
#define MTU_MIN 1280
/* A relayed pulse goes each 5 s while there is traffic, and is answered. */
#define RELAY_SILENT WR_SPAN_S(7)

/* --- Where it is. --- */

/* Without a session the backend sends where the answer came from. */
static bool is_answer(const struct member *member, const struct wr_endpoint *from)
{
	struct wr_paths *paths = member->paths;
	struct wr_backend_sight sight;

	return paths->is_mesh && wr_backend_can_probe(paths->config.backend) &&
	       wr_backend_look_one(paths->config.backend, &member->key, &sight) == 0 &&
	       wr_endpoint_equal_remote(&sight.endpoint, from);
}

void paths_heard(struct member *member, const struct wr_endpoint *from)
{
	struct wr_paths *paths = member->paths;
	const struct member *relay = paths_relay_between(member, from);
	struct wr_instant now = wr_clock_now();

	if (!paths->is_mesh && paths_is_relay(paths, from)) {
		wr_path_heard_relayed(member->path, now);
		return;
	}
	if (relay) {
		paths_heard_by_relay(member, relay, from, is_answer(member, from));
		return;
	}
	member->elsewhere = now;
	if (is_answer(member, from))
		wr_path_answered(member->path, from, now);
	else
		wr_path_heard(member->path, from, now);
}

/* All that the backend may try at once for a session. */
static void spread(struct member *member)
{
	struct wr_paths *paths = member->paths;
	struct wr_endpoint endpoints[WR_PATH_CANDIDATES];
	uint64_t number = UINT64_C(0xcbf29ce484222325);
	size_t count;

	if (!paths->is_mesh || !wr_backend_can_probe(paths->config.backend))
		return;
	count = wr_path_spots(member->path, endpoints);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < sizeof(endpoints[i].ip.bytes); j++)
			number = (number ^ endpoints[i].ip.bytes[j]) * UINT64_C(0x100000001b3);
		number = (number ^ endpoints[i].port) * UINT64_C(0x100000001b3);
	}
	if (number == member->spread)
		return;
	/* A peer that is not there yet is told when it is heard of. */
	if (wr_backend_set_spread(paths->config.backend, &member->key, endpoints, count) == 0)
		member->spread = number;
}

void paths_spread_anew(struct member *member)
{
	struct wr_endpoint endpoints[WR_PATH_CANDIDATES];

	if (!member->paths->is_mesh || !wr_path_spots(member->path, endpoints))
		return;
	member->spread = 0;
	paths_wake(member);
}

/* --- Pulses. --- */

void paths_send_pulse(struct member *member, struct wr_instant now, bool is_wanted,
		      uint32_t *ret_sequence)
{
	struct wr_paths *paths = member->paths;
	bool has_v4 = member->v4.family && paths->socket.families[0].poll;
	const struct wr_ip *to = has_v4 ? &member->v4 : &member->v6;
	uint8_t data[WR_PULSE_MAX_LEN];
	struct wr_pulse pulse;
	size_t len;

	wr_path_tell(member->path, now, &pulse);
	*ret_sequence = pulse.sequence;
	/* A pulse alone is no reason for a handshake. */
	if (!is_wanted && !paths_has_session(member, now))
		return;
	len = wr_pulse_write(&pulse, data);
	if (wr_paths_socket_send(&paths->socket, to, (struct wr_bytes){ data, len }) == 0)
		member->own_bytes += wr_data_padded(len + (has_v4 ? HEADERS_V4 : HEADERS_V6),
						    MTU_MIN) +
				     WR_DATA_OVERHEAD;
}

/* What a tunnel must not go to. */
static void drop_inside(const struct member *member, struct wr_pulse *pulse)
{
	size_t kept = 0;

	for (size_t i = 0; i < pulse->candidate_count; i++)
		if (paths_is_outside(member, &pulse->candidates[i].endpoint))
			pulse->candidates[kept++] = pulse->candidates[i];
	pulse->candidate_count = (uint8_t)kept;
}

/* The kernel's endpoint is where the last packet came from, so where this pulse did. */
static void see_where_from(struct member *member, struct wr_instant now)
{
	struct wr_paths *paths = member->paths;
	struct wr_backend_sight sight;

	if (wr_backend_can_probe(paths->config.backend) ||
	    wr_backend_look_one(paths->config.backend, &member->key, &sight) < 0)
		return;
	(void)now;
	member->endpoint = sight.endpoint;
	paths_heard(member, &sight.endpoint);
}

/* Where the peer heard us, but for what it heard over a relay. */
static void tell_observed(const struct member *member, const struct wr_pulse *pulse)
{
	const struct wr_paths_config *config = &member->paths->config;

	for (size_t i = 0; config->observed && i < pulse->heard_count; i++)
		config->observed(config->context, &member->key, &pulse->heard[i].endpoint);
}

void paths_received(void *context, const struct wr_ip *from, struct wr_bytes datagram)
{
	struct wr_paths *paths = context;
	struct member *member = paths_find_ip(paths, from);
	struct wr_instant now = wr_clock_now();
	struct wr_pulse pulse;

	if (!member || !paths->config.backend || !wr_pulse_read(datagram, &pulse))
		return;
	drop_inside(member, &pulse);
	see_where_from(member, now);
	wr_path_told(member->path, &pulse, now);
	tell_observed(member, &pulse);
	pings_answered(member, &pulse);
	paths_look_soon(paths);
	paths_wake(member);
}

/* --- Steps. --- */

/* The kernel would try again only after 5 s. */
static void try_there(const struct member *member, struct wr_instant now)
{
	struct wr_paths *paths = member->paths;
	struct wr_path_sight sight;

	wr_path_look(member->path, &sight);
	if (paths->is_mesh && !wr_backend_can_probe(paths->config.backend) && sight.is_searching &&
	    !paths_has_session(member, now))
		(void)!wr_backend_renew(paths->config.backend, &member->key);
}

static void do_step(struct member *member, const struct wr_path_step *step, struct wr_instant now)
{
	struct wr_backend *backend = member->paths->config.backend;
	uint32_t sequence;

	switch (step->action) {
	case WR_PATH_SWITCH:
		member->endpoint = step->endpoint;
		/* A peer that is not there yet is tried again when it is heard of. */
		(void)!wr_backend_set_endpoint(backend, &member->key, &step->endpoint);
		paths_switched(member, &step->endpoint, now);
		try_there(member, now);
		break;
	case WR_PATH_PROBE:
		if (wr_backend_probe(backend, &member->key, &step->endpoint) == 0)
			member->own_bytes += WR_KEEPALIVE_LEN;
		break;
	case WR_PATH_ASK: paths_send_pulse(member, now, false, &sequence); break;
	}
}

/* Another round has begun, and the peer was not heard of for longer than relayed pulses take. */
static void ask_otherwise(struct member *member, const struct wr_path_sight *sight)
{
	struct wr_paths *paths = member->paths;
	bool is_silent = wr_is_past(wr_after(sight->last_pulse, RELAY_SILENT), wr_clock_now());

	if (sight->rounds != member->rounds && is_silent && paths->config.ask)
		paths->config.ask(paths->config.context, member->uid);
	member->rounds = sight->rounds;
}

static void tell(struct member *member)
{
	struct wr_paths *paths = member->paths;
	struct wr_path_sight sight;

	wr_path_look(member->path, &sight);
	ask_otherwise(member, &sight);
	if (sight.state == member->told_state && sight.reason == member->told_reason &&
	    wr_endpoint_equal_remote(&sight.endpoint, &member->told_endpoint))
		return;
	paths_relay_changed(member, &sight);
	member->told_state = sight.state;
	member->told_reason = sight.reason;
	member->told_endpoint = sight.endpoint;
	if (paths->config.changed)
		paths->config.changed(paths->config.context, member->uid);
}

static void run_member(struct member *member, struct wr_instant now)
{
	struct wr_path_step step;
	struct wr_instant deadline;

	for (unsigned i = 0; i < STEPS_MAX && wr_path_poll(member->path, now, &step); i++)
		do_step(member, &step, now);
	spread(member);
	if (member->is_hasty)
		(void)!wr_backend_hasten(member->paths->config.backend, &member->key);
	member->is_hasty = false;
	deadline = wr_path_deadline(member->path);
	if (wr_is_never(deadline))
		wr_heap_remove(&member->paths->due, &member->due);
	else if (!wr_heap_set(&member->paths->due, &member->due, deadline))
		return; /* memory is short: it waits for the next that happens to it */
	tell(member);
}

/* --- The timer. --- */

static void on_timer(uv_timer_t *timer)
{
	struct wr_paths *paths = timer->data;

	paths->armed = WR_NEVER;
	paths_run(paths);
}

void paths_arm(struct wr_paths *paths)
{
	struct wr_instant now = wr_clock_now();
	struct wr_instant due = wr_heap_deadline(&paths->due);
	uint64_t wait;

	due = wr_sooner(due, paths->look_at);
	due = wr_sooner(paths->config.backend ? due : WR_NEVER, pings_deadline(paths));
	if (due.ns == paths->armed.ns)
		return;
	paths->armed = due;
	if (wr_is_never(due)) {
		uv_timer_stop(&paths->timer);
		return;
	}
	wait = wr_is_past(due, now) ? 0 : (due.ns - now.ns + 999999) / 1000000;
	uv_update_time(paths->loop);
	uv_timer_start(&paths->timer, on_timer, wait, 0);
}

void paths_wake(struct member *member)
{
	if (wr_heap_set(&member->paths->due, &member->due, (struct wr_instant){ 0 }))
		paths_arm(member->paths);
}

void paths_run(struct wr_paths *paths)
{
	struct wr_instant now = wr_clock_now();
	struct wr_heap_node *node;
	size_t most = paths->due.count;

	if (!paths->config.backend) {
		pings_run(paths, now);
		paths_arm(paths);
		return;
	}
	if (wr_is_past(paths->look_at, now))
		paths_look_now(paths, now);
	while (most-- > 0 && (node = wr_heap_first(&paths->due)) && wr_is_past(node->deadline, now))
		run_member(WR_CONTAINER_OF(node, struct member, due), now);
	pings_run(paths, now);
	paths_arm(paths);
}
