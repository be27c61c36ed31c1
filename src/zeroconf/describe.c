/* What the status says of a mesh. */
#include <net/if.h>

#include "zeroconf/inside.h"

static json_t *key_json(const struct wr_key *key)
{
	char text[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(key, text);
	return json_string(text);
}

static const char *admission(const struct wr_zeroconf *zc)
{
	return wr_admission_is_closed(zc->admission) ? "closed"
	       : zc->state.has_secret                ? "secret"
						     : "open";
}

/* --- Counters. --- */

static json_t *knocks_json(const struct wr_zeroconf *zc)
{
	struct wr_discovery_figures figures = { 0 };

	if (zc->discovery)
		wr_discovery_look(zc->discovery, &figures);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent",
			 (json_int_t)figures.sent, "received", (json_int_t)figures.received, "good",
			 (json_int_t)figures.good, "foreign", (json_int_t)figures.foreign,
			 "malformed", (json_int_t)figures.malformed, "forged",
			 (json_int_t)figures.forged, "replayed", (json_int_t)figures.replayed,
			 "limited", (json_int_t)figures.limited);
}

static json_t *items_json(const struct wr_zeroconf *zc)
{
	struct wr_admission_figures figures;

	wr_admission_look(zc->admission, &figures);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "certificates",
			 (json_int_t)figures.certificates, "revocations",
			 (json_int_t)figures.revocations, "forged", (json_int_t)figures.forged,
			 "foreign", (json_int_t)figures.foreign, "other_founders",
			 (json_int_t)figures.other_founders);
}

static json_t *gossip_json(const struct wr_gossip_figures *figures)
{
	json_t *object = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames_in", (json_int_t)figures->frames_in,
		"frames_out", (json_int_t)figures->frames_out, "bytes_in",
		(json_int_t)figures->bytes_in, "bytes_out", (json_int_t)figures->bytes_out,
		"malformed", (json_int_t)figures->malformed, "unadmitted",
		(json_int_t)figures->unadmitted, "refused", (json_int_t)figures->refused);
	json_t *more = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I}", "probes",
				 (json_int_t)figures->probes, "lost", (json_int_t)figures->lost,
				 "suspected", (json_int_t)figures->suspected, "died",
				 (json_int_t)figures->died, "refuted", (json_int_t)figures->refuted,
				 "syncs", (json_int_t)figures->syncs, "health",
				 (int)figures->health, "memory", (json_int_t)figures->memory);

	json_object_update(object, more);
	json_decref(more);
	return object;
}

/* --- Who is there. --- */

static json_t *guests_json(const struct wr_zeroconf *zc)
{
	json_t *array = json_array();
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at)))
		if (contact->until.ns && !contact->is_alive)
			json_array_append_new(
				array, json_pack("{s:o, s:s, s:s, s:o, s:s}", "identity",
						 key_json(&contact->identity), "uid", contact->uid,
						 "name", contact->name, "endpoint",
						 wr_netmap_endpoint_json(&contact->seen), "state",
						 contact->is_pleading  ? "waits to be admitted"
						 : contact->has_shaken ? "introduced"
								       : "silent"));
	return array;
}

static json_t *relays_json(const struct wr_zeroconf *zc)
{
	const struct wr_netmap *map = wr_node_map(zc->node);
	json_t *array = json_array();

	for (size_t i = 0; i < zc->record.relay_count; i++) {
		const struct contact *contact = zc_find(zc, &zc->record.relays[i]);
		const struct wr_netmap_peer *peer = contact && map
							    ? wr_netmap_find(map, contact->uid)
							    : NULL;

		if (peer)
			json_array_append_new(array, json_string(peer->name));
	}
	return array;
}

static json_t *l2_json(const struct wr_zeroconf *zc)
{
	char name[IF_NAMESIZE] = "";

	if (!zc->l2 || !if_indextoname(wr_l2_index(zc->l2), name))
		return json_null();
	return json_pack("{s:s, s:i}", "interface", name, "mtu", (int)wr_l2_mtu(zc->l2));
}

static unsigned lan_interfaces(const struct wr_zeroconf *zc)
{
	struct wr_discovery_figures figures = { 0 };

	if (zc->discovery)
		wr_discovery_look(zc->discovery, &figures);
	return figures.interfaces;
}

static json_t *tags_json(const struct wr_zeroconf *zc, const struct wr_key *identity)
{
	struct wr_certificate certificate;
	json_t *array = json_array();

	if (wr_admission_certificate(zc->admission, identity, &certificate, NULL))
		for (size_t i = 0; i < certificate.tag_count; i++)
			json_array_append_new(array, json_string(certificate.tags[i]));
	return array;
}

static json_t *rule_name_json(const struct wr_zeroconf *zc, const struct wr_key *identity,
			      const char *name, const char *uid)
{
	return json_string(zc_rule_name(wr_admission_name(zc->admission, identity), name, uid));
}

/* --- All. --- */

void zc_describe(void *context, json_t *status)
{
	struct wr_zeroconf *zc = context;
	const struct wr_key *founder = wr_admission_founder(zc->admission);
	struct wr_gossip_figures figures;
	json_t *mesh;

	wr_gossip_look(zc->gossip, &figures);
	mesh = json_pack("{s:s, s:s, s:o, s:o, s:b, s:b, s:s, s:I, s:I, s:I, s:i, s:b}", "name",
			 zc->state.mesh, "admission", admission(zc), "identity",
			 key_json(&zc->identity), "founder",
			 founder ? key_json(founder) : json_null(), "is_founder",
			 (int)zc->is_founder, "is_admitted", (int)zc_is_in(zc), "refusal",
			 zc->refusal, "members", (json_int_t)figures.members, "alive",
			 (json_int_t)figures.alive, "policy_version",
			 (json_int_t)zc->policy_version, "lan_interfaces", (int)lan_interfaces(zc),
			 "is_open", (int)zc_is_open(zc));
	json_object_set_new(mesh, "tags", tags_json(zc, &zc->identity));
	json_object_set_new(mesh, "relays", relays_json(zc));
	json_object_set_new(mesh, "guests", guests_json(zc));
	json_object_set_new(mesh, "l2", l2_json(zc));
	json_object_set_new(mesh, "knocks", knocks_json(zc));
	json_object_set_new(mesh, "items", items_json(zc));
	json_object_set_new(mesh, "gossip", gossip_json(&figures));
	json_object_set_new(status, "rule_name",
			    rule_name_json(zc, &zc->identity, zc->state.name, zc->uid));
	json_object_set_new(status, "kind", json_string("mesh"));
	json_object_set_new(status, "mesh", mesh);
}

void zc_describe_peer(void *context, const struct wr_netmap_peer *peer, json_t *status)
{
	struct wr_zeroconf *zc = context;
	const struct contact *contact = zc_find_key(zc, &peer->public_key);
	struct wr_gossip_sight sight;
	struct wr_item item;
	bool is_open = false, is_known;

	if (!contact)
		return;
	is_known = wr_gossip_find(zc->gossip, &contact->identity, &sight);
	if (is_known && wr_item_read(sight.record, &item))
		is_open = item.record.flags & WR_RECORD_OPEN;
	json_object_set_new(status, "identity", key_json(&contact->identity));
	json_object_set_new(status, "tags", tags_json(zc, &contact->identity));
	json_object_set_new(status, "rule_name",
			    rule_name_json(zc, &contact->identity, peer->name, peer->uid));
	json_object_set_new(status, "liveness",
			    json_string(is_known ? wr_gossip_status_name(sight.status) : "guest"));
	json_object_set_new(status, "is_open", json_boolean(is_open));
	json_object_set_new(status, "is_hidden", json_boolean(!contact->is_alive));
}
