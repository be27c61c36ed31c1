/* When the network map is made, and what happens with it. */
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

#define TRIM_AFTER WR_SPAN_S(2)
#define RECENT WR_SPAN_S(3)

/* --- Using it. --- */

static bool is_text_equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* But for its number. */
static bool is_same(const struct wr_netmap *a, const struct wr_netmap *b)
{
	if (!a || a->peer_count != b->peer_count || a->route_count != b->route_count ||
	    !wr_ip_equal(&a->v4, &b->v4) || strcmp(a->name, b->name) != 0 ||
	    !is_text_equal(a->policy, b->policy))
		return false;
	for (size_t i = 0; i < a->peer_count; i++)
		if (!wr_netmap_peer_equal(a->peers[i], b->peers[i]))
			return false;
	return true;
}

static void wake_guests(struct wr_zeroconf *zc)
{
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at)))
		zc_wake_guest(zc, contact);
}

static void use(struct wr_zeroconf *zc, struct wr_netmap *map)
{
	if (is_same(wr_node_map(zc->node), map))
		wr_netmap_free(map);
	else
		wr_node_set_map(zc->node, map);
	/* Whole pages are free now, which malloc(3) keeps. */
	zc->trim_at = wr_after(wr_clock_now(), TRIM_AFTER);
	zc->l2_due = (struct wr_instant){ 0 };
	zc_set_relays(zc);
	wake_guests(zc);
	if (zc->discovery)
		wr_discovery_set_size(zc->discovery, zc->by_identity.count + 1);
}

static void make_map(struct wr_zeroconf *zc)
{
	bool has_name = true, has_v4 = true;
	struct wr_netmap *map = zc_draft_map(zc, &has_name, &has_v4);

	if (map)
		use(zc, map);
	else
		wr_log_error("map: it cannot be made (memory, or the policy): the old one stays");
	zc_settle_own(zc, has_name, has_v4);
}

void zc_make_map(uv_timer_t *timer)
{
	struct wr_zeroconf *zc = WR_CONTAINER_OF(timer, struct wr_zeroconf, map_timer);
	uint64_t begun = wr_clock_thread();

	zc->map_is_due = false;
	uv_timer_stop(&zc->map_timer);
	make_map(zc);
	wr_map_pace_spend(&zc->map_pace, wr_clock_now(),
			  (struct wr_span){ wr_clock_thread() - begun });
}

void zc_touch_map(struct wr_zeroconf *zc)
{
	struct wr_instant now = wr_clock_now();
	uint64_t next = wr_map_pace_next(&zc->map_pace).ns;
	uint64_t wait = next > now.ns ? next - now.ns : 0;

	if (zc->map_is_due)
		return;
	zc->map_is_due = true;
	uv_timer_start(&zc->map_timer, zc_make_map, (wait + 999999) / 1000000, 0);
}

/* --- What gossip says. --- */

static void log_change(const struct contact *contact, const char *what)
{
	wr_log_verbose("member: %s is %s", contact->uid, what);
}

/* It has started again: what is sent on a session of its last life is lost, until WireGuard notices
 * after 15 s. One of the last seconds is of the new life, or is renewed by it. */
static void see_life(struct wr_zeroconf *zc, struct contact *contact, struct wr_bytes record)
{
	struct wr_backend *backend = wr_node_backend(zc->node);
	struct wr_instant now = wr_clock_now();
	struct wr_item_head head;
	uint64_t before = contact->life;

	if (!wr_item_peek(record, &head))
		return;
	contact->life = head.version >> ZC_EPOCH_BITS;
	if (before && contact->life > before && contact->shook.ns && backend &&
	    wr_is_past(wr_after(contact->shook, RECENT), now))
		(void)!wr_backend_renew(backend, &contact->key);
}

void zc_member_changed(struct wr_zeroconf *zc, const struct wr_key *identity)
{
	struct wr_gossip_sight sight;
	bool is_known = wr_gossip_find(zc->gossip, identity, &sight) &&
			sight.status != WR_GOSSIP_SHUT_OUT;
	struct contact *contact = is_known ? zc_meet(zc, identity) : zc_find(zc, identity);

	if (!contact)
		return;
	contact->is_member = is_known;
	contact->is_alive = is_known && sight.status <= WR_GOSSIP_SUSPECT;
	if (contact->is_alive)
		see_life(zc, contact, sight.record);
	log_change(contact, is_known ? wr_gossip_status_name(sight.status) : "gone");
	if (contact->is_member && contact->until.ns)
		zc_end_visit(zc, contact);
	else
		zc_part(zc, contact);
	zc_save_soon(zc);
	zc_touch_map(zc);
}
