/* The whole map, from a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"
#include "policy/policy.h"

static void read_self(struct wr_netmap_reader *reader, const json_t *self, struct wr_netmap *map)
{
	snprintf(reader->place, sizeof(reader->place), "self");
	wr_netmap_word(reader, self, "machine", wr_netmap_is_uid, "name of a machine", map->uid,
		       sizeof(map->uid));
	wr_netmap_word(reader, self, "name", wr_netmap_is_label, "label", map->name,
		       sizeof(map->name));
	wr_netmap_key(reader, self, &map->public_key);
	wr_netmap_addresses(reader, self, true, &map->v4, &map->v6);
	free(map->routes);
	map->routes = NULL;
	map->route_count = 0;
	wr_netmap_routes(reader, self, &map->routes, &map->route_count);
}

static void take_range(struct wr_netmap_reader *reader, const json_t *item, struct wr_netmap *map)
{
	const char *text = json_string_value(item);
	struct wr_prefix range, *place;

	if (!text || !wr_prefix_parse(text, strlen(text), &range)) {
		wr_netmap_fault(reader, "ranges", "has something that is no prefix");
		return;
	}
	place = range.ip.family == WR_IPV4 ? &map->range4 : &map->range6;
	if (range.length == 0)
		wr_netmap_fault(reader, "ranges", "has a default route");
	else if (place->ip.family != WR_FAMILY_NONE)
		wr_netmap_fault(reader, "ranges", "has two of one family");
	else
		*place = range;
}

static void read_network(struct wr_netmap_reader *reader, const json_t *network,
			 struct wr_netmap *map)
{
	const json_t *list, *item;
	size_t i;

	snprintf(reader->place, sizeof(reader->place), "network");
	wr_netmap_word(reader, network, "name", wr_netmap_is_label, "label", map->network,
		       sizeof(map->network));
	wr_netmap_word(reader, network, "suffix", wr_netmap_is_domain, "domain", map->suffix,
		       sizeof(map->suffix));
	map->range4 = map->range6 = (struct wr_prefix){ 0 };
	if (wr_netmap_list(reader, network, "ranges", true, 2, &list) == 0)
		wr_netmap_fault(reader, "ranges", "is empty");
	json_array_foreach(list, i, item) take_range(reader, item, map);
}

/* One on this very host (127.0.0.1) is fine. */
static bool is_hub_endpoint(const struct wr_endpoint *endpoint)
{
	struct wr_endpoint elsewhere = *endpoint;

	if (endpoint->ip.family == WR_IPV4 && endpoint->ip.bytes[0] == 127)
		elsewhere.ip.bytes[0] = 192;
	return wr_netmap_is_endpoint(&elsewhere);
}

static void take_endpoint(struct wr_netmap_reader *reader, const json_t *item,
			  struct wr_netmap *map)
{
	const char *text = json_string_value(item);
	struct wr_endpoint endpoint, *place;

	if (!text || !wr_endpoint_parse(text, strlen(text), &endpoint) ||
	    !is_hub_endpoint(&endpoint)) {
		wr_netmap_fault(reader, "endpoints", "has something that is none");
		return;
	}
	place = &map->hub_endpoints[endpoint.ip.family == WR_IPV4 ? 0 : 1];
	if (place->ip.family != WR_FAMILY_NONE)
		wr_netmap_fault(reader, "endpoints", "has two of one family");
	else
		*place = endpoint;
}

static void clear_hub(struct wr_netmap *map)
{
	map->hub_key = (struct wr_key){ 0 };
	map->hub_v4 = map->hub_v6 = (struct wr_ip){ 0 };
	memset(map->hub_endpoints, 0, sizeof(map->hub_endpoints));
	map->stun_port = 0;
}

static void read_hub(struct wr_netmap_reader *reader, const json_t *hub, struct wr_netmap *map)
{
	const json_t *list, *item;
	size_t i;

	snprintf(reader->place, sizeof(reader->place), "hub");
	clear_hub(map);
	wr_netmap_key(reader, hub, &map->hub_key);
	wr_netmap_addresses(reader, hub, false, &map->hub_v4, &map->hub_v6);
	wr_netmap_list(reader, hub, "endpoints", true, 2, &list);
	json_array_foreach(list, i, item) take_endpoint(reader, item, map);
	if (json_object_get(hub, "stun_port"))
		map->stun_port = (uint16_t)wr_netmap_number(reader, hub, "stun_port", UINT16_MAX);
}

static void read_record(struct wr_netmap_reader *reader, const json_t *json,
			struct wr_netmap_record *record)
{
	const char *text;

	wr_netmap_word(reader, json, "name", wr_netmap_is_domain, "name", record->name,
		       sizeof(record->name));
	text = wr_netmap_text(reader, json, "address");
	if (!reader->has_fault && !wr_ip_parse(text, strlen(text), &record->ip))
		wr_netmap_fault(reader, "address", "is none");
}

static void read_records(struct wr_netmap_reader *reader, const json_t *message, bool is_needed,
			 struct wr_netmap *map)
{
	const json_t *list, *item;
	size_t count = wr_netmap_list(reader, message, "records", is_needed, WR_NETMAP_RECORDS,
				      &list);
	struct wr_netmap_record *records;
	size_t i;

	if (!list)
		return;
	records = calloc(count + 1, sizeof(*records));
	if (!records) {
		wr_netmap_fault(reader, "records", "memory is short");
		return;
	}
	json_array_foreach(list, i, item)
	{
		snprintf(reader->place, sizeof(reader->place), "records[%zu]", i);
		read_record(reader, item, &records[i]);
	}
	free(map->records);
	map->records = records;
	map->record_count = count;
}

static void read_policy(struct wr_netmap_reader *reader, const json_t *message,
			struct wr_netmap *map)
{
	const char *text = wr_netmap_text(reader, message, "policy");
	char *policy;

	if (reader->has_fault)
		return;
	if (strlen(text) > WR_POLICY_TEXT_MAX) {
		wr_netmap_fault(reader, "policy", "is longer than a policy may be");
		return;
	}
	policy = strdup(text);
	if (!policy) {
		wr_netmap_fault(reader, "policy", "memory is short");
		return;
	}
	free(map->policy);
	map->policy = policy;
}

/* An object that is there, or has to be. */
static void read_part(struct wr_netmap_reader *reader, const json_t *message, const char *name,
		      bool is_needed,
		      void (*read)(struct wr_netmap_reader *reader, const json_t *part,
				   struct wr_netmap *map),
		      struct wr_netmap *map)
{
	const json_t *part;

	reader->place[0] = '\0';
	part = wr_netmap_object(reader, message, name);
	if (!part && is_needed)
		wr_netmap_fault(reader, name, "is missing");
	if (part && !reader->has_fault)
		read(reader, part, map);
	reader->place[0] = '\0';
}

void wr_netmap_read_head(struct wr_netmap_reader *reader, const json_t *message, bool is_whole,
			 struct wr_netmap *map)
{
	const json_t *hub = json_object_get(message, "hub");

	reader->place[0] = '\0';
	if (is_whole || json_object_get(message, "epoch"))
		wr_netmap_word(reader, message, "epoch", wr_netmap_is_uid, "epoch", map->epoch,
			       sizeof(map->epoch));
	map->generation = wr_netmap_number(reader, message, "generation", INT64_MAX);
	wr_netmap_word(reader, message, "version", wr_netmap_is_version, "version", map->version,
		       sizeof(map->version));
	read_part(reader, message, "self", is_whole, read_self, map);
	read_part(reader, message, "network", is_whole, read_network, map);
	if (json_is_null(hub))
		clear_hub(map);
	else
		read_part(reader, message, "hub", false, read_hub, map);
	if (is_whole || json_object_get(message, "policy"))
		read_policy(reader, message, map);
	read_records(reader, message, is_whole, map);
	reader->place[0] = '\0';
}

static void read_peers(struct wr_netmap_reader *reader, const json_t *message,
		       struct wr_netmap *map)
{
	const json_t *list;
	size_t count = wr_netmap_list(reader, message, "peers", true, WR_NETMAP_PEERS, &list);

	if (reader->has_fault)
		return;
	map->peers = calloc(count + 1, sizeof(struct wr_netmap_peer *));
	if (!map->peers) {
		wr_netmap_fault(reader, "peers", "memory is short");
		return;
	}
	wr_netmap_add_peers(reader, list, map);
}

static void read_type(struct wr_netmap_reader *reader, const json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	if (!type || strcmp(type, "map") != 0)
		wr_netmap_fault(reader, "type", "is not \"map\"");
}

struct wr_netmap *wr_netmap_parse(const json_t *message, char ret_why[WR_NETMAP_WHY])
{
	struct wr_netmap_reader reader = { .why = ret_why };
	struct wr_netmap *map = calloc(1, sizeof(*map));

	if (!map) {
		wr_netmap_fault(&reader, NULL, "memory is short");
		return NULL;
	}
	read_type(&reader, message);
	if (!reader.has_fault)
		wr_netmap_read_head(&reader, message, true, map);
	if (!reader.has_fault)
		read_peers(&reader, message, map);
	if (!reader.has_fault && !wr_netmap_index(map))
		wr_netmap_fault(&reader, NULL, "memory is short");
	if (!reader.has_fault)
		wr_netmap_check(&reader, map);
	return reader.has_fault ? wr_netmap_free(map) : map;
}
