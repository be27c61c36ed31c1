/* The network map, from what gossip says: who is in it, and as what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gossip/settle.h"
#include "linux/addresses.h"
#include "mesh/prefixes.h"
#include "zeroconf/inside.h"

/* All that a map is made from, one entry a member; ourselves last. */
struct draft {
	struct wr_zeroconf *zc;
	size_t count;
	struct contact **contacts; /* NULL: ourselves */
	struct wr_record *records;
	struct wr_claim *claims;
	struct wr_member *members;
	struct wr_view_routes *routes;
	struct wr_certificate *certificates;
	const char *(*tags)[WR_ITEM_TAGS + 1];
	bool has_guests;
};

static void free_draft(struct draft *draft)
{
	free(draft->contacts);
	free(draft->records);
	free(draft->claims);
	free(draft->members);
	free(draft->routes);
	free(draft->certificates);
	free(draft->tags);
}

static bool make_draft(struct wr_zeroconf *zc, struct draft *ret_draft)
{
	size_t room = zc->by_identity.count + 1;

	*ret_draft = (struct draft){
		.zc = zc,
		.contacts = calloc(room, sizeof(struct contact *)),
		.records = calloc(room, sizeof(struct wr_record)),
		.claims = calloc(room, sizeof(struct wr_claim)),
		.members = calloc(room, sizeof(struct wr_member)),
		.routes = calloc(room, sizeof(struct wr_view_routes)),
		.certificates = calloc(room, sizeof(struct wr_certificate)),
		.tags = calloc(room, sizeof(*ret_draft->tags)),
	};
	return ret_draft->contacts && ret_draft->records && ret_draft->claims &&
	       ret_draft->members && ret_draft->routes && ret_draft->certificates &&
	       ret_draft->tags;
}

/* --- Who is in it. --- */

/* A member's record, or what is known of a guest from before. */
static bool find_record(const struct wr_zeroconf *zc, const struct contact *contact,
			struct wr_record *ret_record)
{
	struct wr_gossip_sight sight;
	struct wr_bytes bytes = { NULL, 0 };
	struct wr_item item;

	if (wr_gossip_find(zc->gossip, &contact->identity, &sight))
		bytes = sight.record;
	else if (!zc_find_past(zc, &contact->identity, &bytes))
		return false;
	if (!wr_item_read(bytes, &item) || item.kind != WR_ITEM_RECORD)
		return false;
	*ret_record = item.record;
	return true;
}

static void add(struct draft *draft, struct contact *contact, const struct wr_key *identity,
		bool claims)
{
	size_t at = draft->count++;
	struct wr_certificate *certificate = &draft->certificates[at];
	struct wr_member *member = &draft->members[at];

	draft->contacts[at] = contact;
	draft->claims[at].identity = identity;
	draft->claims[at].record = claims ? &draft->records[at] : NULL;
	member->slot = (uint32_t)at;
	member->tags = draft->tags[at];
	if (!claims) {
		draft->tags[at][member->tag_count++] = ZC_GUEST_TAG;
		draft->has_guests = true;
	}
	if (!wr_admission_certificate(draft->zc->admission, identity, certificate, NULL))
		return;
	for (size_t i = 0; i < certificate->tag_count; i++)
		draft->tags[at][member->tag_count++] = certificate->tags[i];
	draft->claims[at].certified_name = certificate->name;
}

static void gather(struct draft *draft)
{
	struct wr_zeroconf *zc = draft->zc;
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at))) {
		(void)find_record(zc, contact, &draft->records[draft->count]);
		add(draft, contact, &contact->identity, contact->is_alive);
	}
	draft->records[draft->count] = zc->record;
	add(draft, NULL, &zc->identity, true);
}

/* --- A peer. --- */

static struct wr_ip v4_of(const struct wr_zeroconf *zc, const struct wr_record *record)
{
	struct wr_ip ip = { .family = WR_IPV4 };

	memcpy(ip.bytes, record->v4, sizeof(record->v4));
	return wr_prefix_holds_ip(&zc->state.range4, &ip) ? ip : (struct wr_ip){ 0 };
}

static void add_candidate(struct wr_netmap_peer *peer, enum wr_candidate_kind kind,
			  const struct wr_endpoint *endpoint)
{
	const struct wr_candidate candidate = { .kind = kind, .endpoint = *endpoint };

	for (size_t i = 0; i < peer->candidate_count; i++)
		if (wr_endpoint_equal_remote(&peer->candidates[i].endpoint, endpoint))
			return;
	if (!wr_netmap_add_candidate(peer, &candidate))
		wr_log_error("memory is short: an address of a member is not used");
}

/* Where it was heard goes first: there is no doubt that this is it. */
static void add_candidates(struct wr_netmap_peer *peer, const struct contact *contact,
			   const struct wr_record *record)
{
	if (contact->seen.ip.family != WR_FAMILY_NONE)
		add_candidate(peer,
			      wr_address_is_global(&contact->seen.ip) ? WR_CANDIDATE_OBSERVED
								      : WR_CANDIDATE_LOCAL,
			      &contact->seen);
	for (size_t i = 0; i < record->candidate_count; i++)
		if (record->candidates[i].kind < WR_CANDIDATE_KINDS)
			add_candidate(peer, (enum wr_candidate_kind)record->candidates[i].kind,
				      &record->candidates[i].endpoint);
}

static bool copy_routes(struct wr_netmap_peer *peer, const struct wr_record *record)
{
	if (!record->route_count)
		return true;
	peer->routes = calloc(record->route_count, sizeof(*peer->routes));
	if (!peer->routes)
		return false;
	memcpy(peer->routes, record->routes, record->route_count * sizeof(*peer->routes));
	peer->route_count = record->route_count;
	return true;
}

/* Dead ones and guests stay peers, so that they can shake hands; without a name or routes. */
static struct wr_netmap_peer *make_peer(const struct draft *draft, size_t at)
{
	const struct contact *contact = draft->contacts[at];
	const struct wr_record *record = &draft->records[at];
	const struct wr_claim *claim = &draft->claims[at];
	struct wr_netmap_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	memcpy(peer->uid, contact->uid, sizeof(peer->uid));
	memcpy(peer->name, claim->has_name ? record->name : contact->uid,
	       claim->has_name ? sizeof(peer->name) : sizeof(contact->uid));
	peer->public_key = contact->key;
	peer->v6 = contact->v6;
	if (claim->has_v4)
		peer->v4 = v4_of(draft->zc, record);
	peer->way = WR_WAY_DIRECT;
	peer->is_online = contact->is_alive;
	add_candidates(peer, contact, record);
	if (contact->is_alive && !copy_routes(peer, record)) {
		free(peer);
		return NULL;
	}
	return peer;
}

/* --- The map. --- */

static void describe_network(const struct wr_zeroconf *zc, struct wr_netmap *map)
{
	const struct wr_mesh_state *state = &zc->state;

	snprintf(map->epoch, sizeof(map->epoch), "%s", zc->uid);
	snprintf(map->version, sizeof(map->version), "%llu", (unsigned long long)map->generation);
	memcpy(map->uid, zc->uid, sizeof(map->uid));
	snprintf(map->name, sizeof(map->name), "%s", state->name);
	map->public_key = zc->public_key;
	map->v6 = zc->v6;
	map->range4 = state->range4;
	map->range6 = zc->keys.range6;
	snprintf(map->network, sizeof(map->network), "%s", state->mesh);
	snprintf(map->suffix, sizeof(map->suffix), "%s.warren", state->mesh);
}

static bool describe_self(struct draft *draft, struct wr_netmap *map)
{
	const struct wr_mesh_state *state = &draft->zc->state;
	const struct wr_claim *own = &draft->claims[draft->count - 1];

	if (own->has_v4)
		map->v4 = v4_of(draft->zc, &draft->zc->record);
	if (!state->route_count)
		return true;
	map->routes = calloc(state->route_count, sizeof(*map->routes));
	if (!map->routes)
		return false;
	memcpy(map->routes, state->routes, state->route_count * sizeof(*map->routes));
	map->route_count = state->route_count;
	return true;
}

/* A name that a member gave itself must not be one that a rule speaks of. */
const char *zc_rule_name(const char *certified, const char *name, const char *uid)
{
	return certified && strcmp(certified, name) == 0 ? name : uid;
}

static bool apply_rules(struct draft *draft, struct wr_netmap *map)
{
	struct zc_rules *rules;

	for (size_t i = 0; i < draft->count; i++) {
		struct wr_member *member = &draft->members[i];
		bool is_self = !draft->contacts[i];

		member->name = zc_rule_name(draft->claims[i].certified_name,
					    is_self ? map->name : map->peers[i]->name,
					    is_self ? map->uid : map->peers[i]->uid);
		member->v4 = is_self ? map->v4 : map->peers[i]->v4;
		member->v6 = is_self ? map->v6 : map->peers[i]->v6;
		draft->routes[i].prefixes = is_self ? map->routes : map->peers[i]->routes;
		draft->routes[i].count = is_self ? map->route_count : map->peers[i]->route_count;
	}
	rules = zc_rules_new(draft->zc, draft->members, draft->routes, draft->count,
			     draft->has_guests);
	if (!rules)
		return false;
	map->policy = zc_rules_text(rules);
	for (size_t i = 0; i < map->peer_count; i++)
		map->peers[i]->marks = zc_rules_marks(rules, i, &map->peers[i]->mark_count);
	zc_rules_free(rules);
	return map->policy != NULL;
}

static struct wr_netmap *make(struct draft *draft)
{
	struct wr_netmap *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->peers = calloc(draft->count, sizeof(struct wr_netmap_peer *));
	map->generation = ++draft->zc->generation;
	describe_network(draft->zc, map);
	for (size_t i = 0; map->peers && i + 1 < draft->count; i++) {
		map->peers[i] = make_peer(draft, i);
		if (!map->peers[i])
			return wr_netmap_free(map);
		map->peer_count++;
	}
	if (!map->peers || !zc_settle_routes(map) || !describe_self(draft, map) ||
	    !apply_rules(draft, map))
		return wr_netmap_free(map);
	if (wr_node_map(draft->zc->node))
		wr_netmap_share(wr_node_map(draft->zc->node), map);
	return wr_netmap_index(map) ? map : wr_netmap_free(map);
}

struct wr_netmap *zc_draft_map(struct wr_zeroconf *zc, bool *ret_has_name, bool *ret_has_v4)
{
	struct draft draft;
	struct wr_netmap *map = NULL;

	if (make_draft(zc, &draft)) {
		gather(&draft);
		if (wr_settle(draft.claims, draft.count) == 0) {
			*ret_has_name = draft.claims[draft.count - 1].has_name;
			*ret_has_v4 = draft.claims[draft.count - 1].has_v4;
			map = make(&draft);
		}
	}
	free_draft(&draft);
	return map;
}
