#include "wg/port.h"

#include <stdlib.h>
#include <string.h>

#include "wg/attempt.h"
#include "wg/match.h"
#include "wg/notes.h"
#include "wg/rotation.h"
#include "wg/timers.h"

/* Initiations with a valid cookie, of one address, as the kernel has in ratelimiter.c; but
 * more of them (20 and 5 there), for a hub sees an office of machines behind one
 * address start together, and they retry together: some 15 ms of a core a second. */
static const struct wr_budget_rule handshake_budget = {
	.per_second = 50,
	.burst = 250,
	.prefix4 = 32,
	.prefix6 = 64,
};

struct wr_port *wr_port_new(const struct wr_timing *timing, const struct wr_siphash_key *hash_key)
{
	struct wr_port *port = aligned_alloc(_Alignof(struct wr_port), sizeof(*port));

	if (!port)
		return NULL;
	memset(port, 0, sizeof(*port));
	port->timing = *timing;
	port->hash_key = *hash_key;
	port->keys = wr_mac1_set_new();
	port->lookups = wr_budget_new(&wr_match_budget, hash_key);
	port->handshakes = wr_budget_new(&handshake_budget, hash_key);
	if (!wr_index_init(&port->indices) || !port->keys || !port->lookups || !port->handshakes)
		return wr_port_free(port);
	return port;
}

void wr_port_set_least_wall(struct wr_port *port, struct wr_wall wall, struct wr_instant now)
{
	port->least_wall = wall;
	port->least_since = now;
}

struct wr_port *wr_port_free(struct wr_port *port)
{
	if (!port)
		return NULL;
	while (port->device_first)
		wr_device_remove(port->device_first);
	wr_retire_free_all(&port->retire);
	wr_index_done(&port->indices);
	wr_heap_done(&port->timers);
	wr_mac1_set_free(port->keys);
	wr_source_cache_free(port->sources);
	wr_budget_free(port->lookups);
	wr_budget_free(port->handshakes);
	wr_early_done(&port->early);
	wr_relay_free(port->relay);
	free(port->by_slot);
	wr_wipe(port, sizeof(*port));
	free(port);
	return NULL;
}

/* --- The attention stack. Any thread pushes; only the port's pops, so a head that
 * is still the same has the same peer below it. --- */

static struct wr_peer *pop(struct wr_port *port)
{
	struct wr_peer *head = atomic_load_explicit(&port->attention, memory_order_acquire);

	while (head) {
		struct wr_peer *below = atomic_load_explicit(&head->activity.attention_next,
							     memory_order_relaxed);

		if (atomic_compare_exchange_weak_explicit(&port->attention, &head, below,
							  memory_order_acquire,
							  memory_order_acquire))
			break;
	}
	return head;
}

/* Back on top; for a peer whose bits still stand. */
static void push_again(struct wr_port *port, struct wr_peer *peer)
{
	struct wr_peer *head = atomic_load_explicit(&port->attention, memory_order_relaxed);

	do {
		atomic_store_explicit(&peer->activity.attention_next, head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&port->attention, &head, peer, memory_order_release, memory_order_relaxed));
}

void wr_port_forget(struct wr_port *port)
{
	struct wr_peer *kept = NULL;
	struct wr_peer *peer;

	while ((peer = pop(port))) {
		if (peer->is_removed)
			continue;
		atomic_store_explicit(&peer->activity.attention_next, kept, memory_order_relaxed);
		kept = peer;
	}
	while (kept) {
		peer = kept;
		kept = atomic_load_explicit(&peer->activity.attention_next, memory_order_relaxed);
		push_again(port, peer);
	}
}

/* --- What the data plane asked for. --- */

/* The session may have been replaced since they asked. */
static void rekey(struct wr_peer *peer, struct wr_instant now)
{
	const struct wr_session *current = wr_rotation_current(peer);

	if (current && wr_session_is_worn(current, now))
		wr_attempt_begin(peer, now, (struct wr_span){ 0 });
	atomic_store_explicit(&peer->activity.ask_after,
			      wr_after(now, peer->port->timing.rekey_timeout).ns,
			      memory_order_relaxed);
}

static bool can_send(const struct wr_peer *peer, struct wr_instant now)
{
	const struct wr_session *session = wr_peer_session(peer, now);

	return session && atomic_load_explicit(&session->send_counter, memory_order_relaxed) <=
				  WR_REKEY_AFTER_MESSAGES;
}

/* Does what was asked for, but for timers; true if there may be something to send
 * that waited for a session. */
static bool attend(struct wr_peer *peer, uint32_t why, const struct wr_moment *moment,
		   bool *ret_has_shaken)
{
	bool has_session = false;

	if (why & WR_ATTENTION_CONFIRM) {
		*ret_has_shaken = wr_rotation_confirm(peer);
		if (*ret_has_shaken)
			wr_attempt_succeeded(peer, moment->wall);
		has_session = can_send(peer, moment->now);
	}
	if (why & WR_ATTENTION_REKEY)
		rekey(peer, moment->now);
	if (why & WR_ATTENTION_HANDSHAKE) {
		if (can_send(peer, moment->now))
			has_session = true;
		else
			wr_attempt_begin(peer, moment->now, (struct wr_span){ 0 });
	}
	return has_session;
}

static bool poll_attention(struct wr_peer *peer, const struct wr_moment *moment,
			   const struct wr_entropy *entropy, struct wr_output *output)
{
	uint32_t why = atomic_exchange(&peer->activity.attention, 0);
	bool has_shaken = false, has_output = true;

	if (peer->is_removed)
		return false;
	wr_relay_heard(peer);
	if (attend(peer, why, moment, &has_shaken)) {
		wr_timers_schedule(peer, moment->now);
		*output = (struct wr_output){ .kind = WR_OUTPUT_SESSION, .peer = peer };
	} else {
		has_output = wr_timers_run(peer, moment, entropy, output);
	}
	if (has_shaken && !has_output)
		*output = (struct wr_output){ .kind = WR_OUTPUT_NONE };
	if (has_shaken)
		output->shook = peer;
	return has_output || has_shaken;
}

/* An initiation whose peer has come since. That it is refused all the same is told to nobody: it
 * was counted when it came. True if there was one: it may have used the randomness. */
static bool take_early(struct wr_port *port, const struct wr_moment *moment,
		       const struct wr_entropy *entropy, struct wr_output *output)
{
	struct wr_early_message early;
	struct wr_bytes datagram = { early.datagram, sizeof(early.datagram) };

	if (!wr_early_take(&port->early, moment->now, &early))
		return false;
	if (wr_port_input(port, datagram, &early.from, false, moment, entropy, output) != WR_TAKEN)
		*output = (struct wr_output){ .kind = WR_OUTPUT_NONE };
	return true;
}

bool wr_port_poll(struct wr_port *port, const struct wr_moment *moment,
		  const struct wr_entropy *entropy, struct wr_output *ret_output)
{
	struct wr_peer *peer;

	if (take_early(port, moment, entropy, ret_output))
		return true;
	while ((peer = pop(port))) {
		if (poll_attention(peer, moment, entropy, ret_output))
			return true;
	}
	while (wr_is_past(wr_heap_deadline(&port->timers), moment->now)) {
		peer = WR_CONTAINER_OF(wr_heap_first(&port->timers), struct wr_peer, timer);
		if (wr_timers_run(peer, moment, entropy, ret_output))
			return true;
	}
	return false;
}

struct wr_instant wr_port_deadline(const struct wr_port *port)
{
	return port->early.called ? (struct wr_instant){ 0 } : wr_heap_deadline(&port->timers);
}

struct wr_retire_list wr_port_take_retired(struct wr_port *port)
{
	return wr_retire_take(&port->retire);
}
