#include "mesh/enforce_hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/prefixes.h"

/* --- Slots. --- */

struct wr_enforce_slot {
	char uid[WR_NETMAP_UID_LEN + 1];
	uint32_t slot;
	size_t peer; /* of the map: its place */
};

static int compare_uids(const void *a, const void *b)
{
	const struct wr_enforce_slot *left = a, *right = b;

	return strcmp(left->uid, right->uid);
}

static uint32_t slot_before(const struct wr_enforce_slots *slots,
			    const struct wr_enforce_slot *slot)
{
	const struct wr_enforce_slot *found = slots->count
						      ? bsearch(slot, slots->items, slots->count,
								sizeof(*slot), compare_uids)
						      : NULL;

	return found ? found->slot : 0;
}

/* Those that are new get the lowest that are free. Returns the end of the slots that are in use,
 * or 0 where memory is short. */
static uint32_t fill_slots(struct wr_enforce_slot *items, size_t count, uint32_t end)
{
	bool *is_used = calloc((size_t)end + count + WR_ENFORCE_FIRST, sizeof(*is_used));
	uint32_t next = WR_ENFORCE_FIRST;

	if (!is_used)
		return 0;
	for (size_t i = 0; i < count; i++)
		is_used[items[i].slot] = true;
	end = WR_ENFORCE_FIRST;
	for (size_t i = 0; i < count; i++) {
		while (!items[i].slot && is_used[next])
			next++;
		if (!items[i].slot)
			items[i].slot = next++;
		if (items[i].slot >= end)
			end = items[i].slot + 1;
	}
	free(is_used);
	return end;
}

/* Returns as fill_slots(). */
static uint32_t assign_slots(struct wr_enforce_slots *slots, const struct wr_netmap *map)
{
	struct wr_enforce_slot *items = calloc(map->peer_count + 1, sizeof(*items));
	uint32_t end = WR_ENFORCE_FIRST;

	if (!items)
		return 0;
	for (size_t i = 0; i < map->peer_count; i++) {
		memcpy(items[i].uid, map->peers[i]->uid, sizeof(items[i].uid));
		items[i].peer = i;
		items[i].slot = slot_before(slots, &items[i]);
		if (items[i].slot >= end)
			end = items[i].slot + 1;
	}
	qsort(items, map->peer_count, sizeof(*items), compare_uids);
	end = fill_slots(items, map->peer_count, end);
	if (!end) {
		free(items);
		return 0;
	}
	free(slots->items);
	*slots = (struct wr_enforce_slots){ items, map->peer_count };
	return end;
}

void wr_enforce_slots_done(struct wr_enforce_slots *slots)
{
	free(slots->items);
	*slots = (struct wr_enforce_slots){ 0 };
}

/* --- Hosts. --- */

/* What is filled in while hosts are listed. */
struct filling {
	struct wr_enforce_hosts *hosts;
	size_t prefixes, tags, texts;
};

static struct wr_enforce_host *add_host(struct filling *filling, uint32_t slot, const char *name,
					const struct wr_ip *v4, const struct wr_ip *v6)
{
	struct wr_enforce_hosts *hosts = filling->hosts;
	struct wr_enforce_host *host = &hosts->items[hosts->count++];

	*host = (struct wr_enforce_host){
		.slot = slot,
		.name = name,
		.tags = hosts->tags + filling->tags,
		.v4 = *v4,
		.v6 = *v6,
		.prefixes = hosts->prefixes + filling->prefixes,
	};
	return host;
}

static void add_tag(struct filling *filling, struct wr_enforce_host *host, const char *tag)
{
	filling->hosts->tags[filling->tags++] = tag;
	host->tag_count++;
}

static void add_mark(struct filling *filling, struct wr_enforce_host *host, uint32_t mark)
{
	char *text = filling->hosts->tag_texts[filling->texts++];

	snprintf(text, sizeof(filling->hosts->tag_texts[0]), "m%u", mark);
	add_tag(filling, host, text);
}

static void add_prefix(struct filling *filling, struct wr_enforce_host *host,
		       const struct wr_prefix *prefix)
{
	if (prefix->ip.family == WR_FAMILY_NONE)
		return;
	filling->hosts->prefixes[filling->prefixes++] = *prefix;
	host->prefix_count++;
}

static void add_prefixes(struct filling *filling, struct wr_enforce_host *host,
			 const struct wr_prefix *routes, size_t route_count)
{
	const struct wr_prefix v4 = wr_prefix_of(&host->v4), v6 = wr_prefix_of(&host->v6);

	add_prefix(filling, host, &v4);
	add_prefix(filling, host, &v6);
	for (size_t i = 0; i < route_count; i++)
		add_prefix(filling, host, &routes[i]);
}

static void add_peer(struct filling *filling, uint32_t slot, const struct wr_netmap_peer *peer)
{
	struct wr_enforce_host *host = add_host(filling, slot, "", &peer->v4, &peer->v6);

	add_tag(filling, host, "member");
	for (size_t i = 0; i < peer->mark_count; i++)
		add_mark(filling, host, peer->marks[i]);
	add_prefixes(filling, host, peer->routes, peer->route_count);
}

static void add_all(struct filling *filling, const struct wr_enforce_slots *slots,
		    const struct wr_netmap *map)
{
	struct wr_enforce_host *host = add_host(filling, WR_ENFORCE_SELF, "self", &map->v4,
						&map->v6);

	add_prefixes(filling, host, map->routes, map->route_count);
	host = add_host(filling, WR_ENFORCE_HUB, "", &map->hub_v4, &map->hub_v6);
	add_tag(filling, host, "hub");
	add_prefixes(filling, host, NULL, 0);
	for (size_t i = 0; i < slots->count; i++)
		add_peer(filling, slots->items[i].slot, map->peers[slots->items[i].peer]);
}

static bool make_room(struct wr_enforce_hosts *hosts, const struct wr_netmap *map)
{
	size_t prefixes = 4 + map->route_count, marks = 0;

	for (size_t i = 0; i < map->peer_count; i++) {
		prefixes += 2 + map->peers[i]->route_count;
		marks += map->peers[i]->mark_count;
	}
	hosts->items = calloc(map->peer_count + 2, sizeof(*hosts->items));
	hosts->prefixes = calloc(prefixes, sizeof(*hosts->prefixes));
	hosts->tags = calloc(marks + map->peer_count + 1, sizeof(*hosts->tags));
	hosts->tag_texts = calloc(marks + 1, sizeof(*hosts->tag_texts));
	return hosts->items && hosts->prefixes && hosts->tags && hosts->tag_texts;
}

/* --- Rules. --- */

static int parse(const struct wr_netmap *map, struct wr_policy **ret_policy, char ret_why[200])
{
	struct wr_policy_faults faults;
	const char *policy = map->policy ? map->policy : "";
	size_t len = strlen(WR_ENFORCE_FRONT) + strlen(policy);
	char *text = malloc(len + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text, WR_ENFORCE_FRONT, strlen(WR_ENFORCE_FRONT));
	strcpy(text + strlen(WR_ENFORCE_FRONT), policy);
	*ret_policy = wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, len }, &faults);
	free(text);
	if (*ret_policy)
		return 0;
	snprintf(ret_why, 200, "the policy of the network map cannot be read: %.140s",
		 faults.faults[0].text);
	return -EINVAL;
}

int wr_enforce_hosts_init(struct wr_enforce_hosts *hosts, struct wr_enforce_slots *slots,
			  const struct wr_netmap *map, char ret_why[200])
{
	struct filling filling = { .hosts = hosts };
	int status;

	*hosts = (struct wr_enforce_hosts){ 0 };
	snprintf(ret_why, 200, "out of memory");
	status = parse(map, &hosts->policy, ret_why);
	if (status == 0 && !make_room(hosts, map))
		status = -ENOMEM;
	if (status == 0) {
		hosts->slot_count = assign_slots(slots, map);
		status = hosts->slot_count ? 0 : -ENOMEM;
	}
	if (status < 0) {
		wr_enforce_hosts_done(hosts);
		return status;
	}
	add_all(&filling, slots, map);
	ret_why[0] = '\0';
	return 0;
}

void wr_enforce_hosts_done(struct wr_enforce_hosts *hosts)
{
	wr_policy_free(hosts->policy);
	free(hosts->items);
	free(hosts->prefixes);
	free(hosts->tags);
	free(hosts->tag_texts);
	*hosts = (struct wr_enforce_hosts){ 0 };
}

/* --- With a guard. --- */

static struct wr_ruleset *compile(const struct wr_enforce_hosts *hosts)
{
	struct wr_member *members = calloc(hosts->count + 1, sizeof(*members));
	struct wr_policy_faults faults;
	struct wr_ruleset *ruleset;

	if (!members)
		return NULL;
	for (size_t i = 0; i < hosts->count; i++)
		members[i] = (struct wr_member){ .slot = hosts->items[i].slot,
						 .name = hosts->items[i].name,
						 .tags = hosts->items[i].tags,
						 .tag_count = hosts->items[i].tag_count,
						 .v4 = hosts->items[i].v4,
						 .v6 = hosts->items[i].v6 };
	ruleset = wr_ruleset_compile_saved(hosts->policy, members, hosts->count, hosts->slot_count,
					   1, &faults);
	free(members);
	return ruleset;
}

int wr_enforce_guard(const struct wr_enforce_hosts *hosts, struct wr_guard *guard,
		     struct wr_retire_list *retire)
{
	struct wr_ruleset *ruleset = compile(hosts);
	struct wr_guard_host *guarded = calloc(hosts->count + 1, sizeof(*guarded));
	int status = -ENOMEM;

	for (size_t i = 0; guarded && i < hosts->count; i++)
		guarded[i] = (struct wr_guard_host){ hosts->items[i].slot, hosts->items[i].prefixes,
						     hosts->items[i].prefix_count };
	if (ruleset && guarded)
		status = wr_guard_set(guard, ruleset, guarded, hosts->count, retire);
	if (status < 0)
		wr_ruleset_free(ruleset);
	free(guarded);
	return status;
}
