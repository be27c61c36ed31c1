/* Worlds, against a twin that knows nothing of groups, sums and deltas: after whatever happens,
 * what an agent made of its first map and the deltas since is what it should see. */
#include "server/world.h"

#include <jansson.h>

#include "crypto/crypto.h"
#include "mesh/netmap.h"
#include "unit.h"

#define MACHINES 24
#define TAGS 4

static const char *const tag_names[TAGS] = { "web", "db", "app", "ops" };

/* What a machine is, in the twin's words. */
struct thing {
	int64_t id;
	bool exists, is_agent, is_off, is_online, has_route;
	unsigned key, tags;
	struct wr_candidate candidates[WR_PATH_CANDIDATES];
	size_t candidate_count;
	struct wr_endpoint observed;
	struct wr_listener *listener;
	json_t *map; /* as its agent has it; NULL: none */
};

struct story {
	struct unit_random random;
	struct wr_world *world;
	struct thing things[MACHINES];
	char policy[1024];
	uint64_t generation;
	unsigned records, stun_port;
	int64_t next_id;
};

/* --- The story as a reading. --- */

static struct wr_policy *parse(const char *text)
{
	struct wr_policy_faults faults = { 0 };
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);

	if (!policy)
		fail_msg("%s: %s", text, faults.faults[0].text);
	return policy;
}

static void fill_machine(struct wr_reading *reading, const struct thing *thing, size_t place)
{
	struct wr_reading_machine *machine = wr_reading_add(reading);
	struct wr_member *member = &reading->members[reading->count - 1];
	const char *tags[TAGS];

	machine->id = thing->id;
	snprintf(machine->uid, sizeof(machine->uid), "m%019lld", (long long)thing->id);
	snprintf(machine->name, sizeof(machine->name), "name-%zu", place);
	memset(machine->public_key.bytes, (int)thing->key, sizeof(machine->public_key.bytes));
	machine->public_key.bytes[1] = (uint8_t)place;
	machine->v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 0, (uint8_t)(2 + place) } };
	machine->is_agent = thing->is_agent;
	machine->off = thing->is_off ? WR_READING_DISABLED : WR_READING_ON;
	if (thing->has_route) {
		struct wr_prefix prefix = { { WR_IPV4, { 10, 9, (uint8_t)place } }, 24 };

		machine->routes.items = wr_reading_keep(reading, &prefix, sizeof(prefix));
		machine->routes.count = 1;
		machine->approved = machine->routes;
	}
	for (size_t i = 0; i < TAGS; i++) {
		if (thing->tags & 1u << i)
			tags[member->tag_count++] = tag_names[i];
	}
	member->tags = wr_reading_keep(reading, tags, member->tag_count * sizeof(*tags));
	member->v4 = machine->v4;
}

static void fill_records(struct wr_reading *reading, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct wr_reading_record *record = wr_reading_add_record(reading);
		char name[32];

		snprintf(name, sizeof(name), "r%u.acme.warren", i);
		record->name = wr_reading_keep(reading, name, strlen(name) + 1);
		/* The first is of nobody. */
		record->ip = (struct wr_ip){ WR_IPV4, { 10, i ? 100 : 1, 0, (uint8_t)(2 + i) } };
		record->sum = wr_sum_of(name, &record->ip, sizeof(record->ip));
		for (uint32_t j = 0; j < reading->count && i; j++) {
			if (wr_ip_equal(&reading->machines[j].v4, &record->ip))
				record->machine = j;
		}
	}
}

static struct wr_reading *read_story(struct story *story)
{
	struct wr_reading *reading = wr_reading_new(7);

	reading->generation = ++story->generation;
	strcpy(reading->epoch, "e1234567890");
	strcpy(reading->label, "acme");
	strcpy(reading->suffix, "acme.warren");
	reading->range4 = (struct wr_prefix){ { WR_IPV4, { 10, 100 } }, 16 };
	reading->hub_v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 0, 1 } };
	memset(reading->hub_key.bytes, 9, sizeof(reading->hub_key.bytes));
	/* By row, which is not the order of the story where one came back. */
	for (int64_t id = 1; id < story->next_id; id++) {
		for (size_t i = 0; i < MACHINES; i++) {
			if (story->things[i].exists && story->things[i].id == id)
				fill_machine(reading, &story->things[i], i);
		}
	}
	for (size_t i = 0; i < reading->count; i++)
		reading->members[i].name = reading->machines[i].name;
	fill_records(reading, story->records);
	reading->policy = parse(story->policy);
	return reading;
}

/* --- The twin. --- */

struct twin {
	struct wr_reading *reading; /* not built: as it was read */
	struct wr_view *view;
};

static struct thing *thing_of(struct story *story, int64_t id)
{
	for (size_t i = 0; i < MACHINES; i++) {
		if (story->things[i].exists && story->things[i].id == id)
			return &story->things[i];
	}
	fail();
	return NULL;
}

static void twin_start(struct story *story, struct twin *twin)
{
	struct wr_view_routes routes[MACHINES] = { 0 };

	twin->reading = read_story(story);
	for (size_t i = 0; i < twin->reading->count; i++) {
		const struct wr_reading_machine *machine = &twin->reading->machines[i];

		if (machine->off == WR_READING_ON)
			routes[i] = (struct wr_view_routes){ machine->approved.items,
							     machine->approved.count };
	}
	twin->view = wr_view_new_routed(twin->reading->policy, twin->reading->members, routes,
					twin->reading->count);
	assert_non_null(twin->view);
	story->generation--;
}

static void twin_end(struct twin *twin)
{
	wr_view_free(twin->view);
	wr_reading_unref(twin->reading);
}

static void add_candidates(const struct thing *thing, struct wr_netmap_peer *peer)
{
	bool has_observed = thing->observed.ip.family == WR_FAMILY_NONE;
	size_t most = WR_PATH_CANDIDATES;

	for (size_t i = 0; i < thing->candidate_count; i++)
		has_observed |= wr_endpoint_equal_remote(&thing->candidates[i].endpoint,
							 &thing->observed);
	most -= !has_observed;
	for (size_t i = 0; i < thing->candidate_count && i < most; i++)
		assert_true(wr_netmap_add_candidate(peer, &thing->candidates[i]));
	if (!has_observed)
		assert_true(wr_netmap_add_candidate(
			peer, &(struct wr_candidate){ WR_CANDIDATE_OBSERVED, thing->observed }));
}

/* NULL if the two do not see each other. */
static json_t *twin_peer(struct story *story, struct twin *twin, size_t self, size_t other)
{
	const struct wr_reading_machine *machine = &twin->reading->machines[other];
	const struct thing *thing = thing_of(story, machine->id);
	enum wr_view_way way = wr_view_way(twin->view, self, other);
	struct wr_netmap_peer peer = { 0 };
	uint32_t marks[WR_NETMAP_MARKS];
	json_t *json;

	if (self == other || machine->off != WR_READING_ON || way == WR_VIEW_NOTHING)
		return NULL;
	strcpy(peer.uid, machine->uid);
	strcpy(peer.name, machine->name);
	peer.public_key = machine->public_key;
	peer.v4 = machine->v4;
	peer.routes = machine->routes.items;
	peer.route_count = machine->routes.count;
	peer.marks = marks;
	peer.mark_count = wr_view_marks(twin->view, self, other, marks, WR_NETMAP_MARKS);
	peer.is_online = thing->is_online;
	peer.way = way == WR_VIEW_DIRECT && thing->is_agent ? WR_WAY_DIRECT : WR_WAY_HUB;
	if (peer.way == WR_WAY_DIRECT)
		add_candidates(thing, &peer);
	json = wr_netmap_peer_json(&peer);
	free(peer.candidates);
	return json;
}

static json_t *find_peer(const json_t *map, const char *uid)
{
	json_t *peer;
	size_t at;

	json_array_foreach(json_object_get(map, "peers"), at, peer)
	{
		if (strcmp(json_string_value(json_object_get(peer, "machine")), uid) == 0)
			return peer;
	}
	return NULL;
}

static void fail_with(const char *what, const json_t *is, const json_t *wanted)
{
	char *a = json_dumps(is, JSON_ENCODE_ANY), *b = json_dumps(wanted, JSON_ENCODE_ANY);

	fail_msg("%s: is %s, should be %s", what, a ? a : "(none)", b ? b : "(none)");
}

static void check_peers(struct story *story, struct twin *twin, size_t self, const json_t *map)
{
	size_t wanted = 0;

	for (size_t i = 0; i < twin->reading->count; i++) {
		json_t *peer = twin_peer(story, twin, self, i);
		json_t *is = find_peer(map, twin->reading->machines[i].uid);

		if (!json_equal(peer, is) && (peer || is))
			fail_with(twin->reading->machines[self].name, is, peer);
		wanted += peer != NULL;
		json_decref(peer);
	}
	assert_int_equal(json_array_size(json_object_get(map, "peers")), wanted);
}

static void check_records(struct twin *twin, size_t self, const json_t *map)
{
	const json_t *records = json_object_get(map, "records");
	size_t at = 0;

	for (size_t i = 0; i < twin->reading->record_count; i++) {
		const struct wr_reading_record *record = &twin->reading->records[i];
		const char *name;

		if (record->machine != WR_READING_NOBODY && record->machine != self &&
		    (twin->reading->machines[record->machine].off != WR_READING_ON ||
		     wr_view_way(twin->view, self, record->machine) == WR_VIEW_NOTHING))
			continue;
		name = json_string_value(json_object_get(json_array_get(records, at++), "name"));
		assert_string_equal(name, record->name);
	}
	assert_int_equal(json_array_size(records), at);
}

static void check_head(struct story *story, struct twin *twin, size_t self, const json_t *map)
{
	const json_t *own = json_object_get(map, "self"), *hub = json_object_get(map, "hub");
	const struct wr_reading_machine *machine = &twin->reading->machines[self];
	char key[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(&machine->public_key, key);
	assert_string_equal(json_string_value(json_object_get(own, "machine")), machine->uid);
	assert_string_equal(json_string_value(json_object_get(own, "public_key")), key);
	assert_int_equal(json_array_size(json_object_get(own, "routes")), machine->approved.count);
	assert_int_equal(json_integer_value(json_object_get(hub, "stun_port")), story->stun_port);
	assert_string_equal(json_string_value(json_object_get(map, "policy")),
			    wr_view_text(twin->view, self));
}

/* And it is a map to those who read it. */
static void check_is_map(const json_t *map)
{
	char why[200];
	struct wr_netmap *parsed = wr_netmap_parse(map, why);

	if (!parsed)
		fail_msg("no map: %s: %s", why, json_dumps(map, 0));
	wr_netmap_free(parsed);
}

/* --- The agents' side: a naive patch. --- */

static void remove_peer(json_t *map, const char *uid)
{
	json_t *peers = json_object_get(map, "peers"), *peer;
	size_t at;

	json_array_foreach(peers, at, peer)
	{
		if (strcmp(json_string_value(json_object_get(peer, "machine")), uid) == 0) {
			json_array_remove(peers, at);
			return;
		}
	}
}

static void patch(json_t *map, json_t *delta)
{
	static const char *const parts[] = { "self",    "network", "hub",       "policy",
					     "records", "version", "generation" };
	json_t *item;
	size_t at;

	assert_true(json_equal(json_object_get(map, "version"), json_object_get(delta, "from")));
	for (size_t i = 0; i < WR_ARRAY_LEN(parts); i++) {
		if (json_object_get(delta, parts[i]))
			json_object_set(map, parts[i], json_object_get(delta, parts[i]));
	}
	json_array_foreach(json_object_get(delta, "gone"), at, item)
	{
		/* Nobody is told of the end of whom it never knew. */
		assert_non_null(find_peer(map, json_string_value(item)));
		remove_peer(map, json_string_value(item));
	}
	json_array_foreach(json_object_get(delta, "peers"), at, item)
	{
		remove_peer(map, json_string_value(json_object_get(item, "machine")));
		json_array_append(json_object_get(map, "peers"), item);
	}
}

static void take_message(struct thing *thing, struct wr_buffer *out)
{
	json_error_t error;
	json_t *message = json_loadb((const char *)out->data, out->len, JSON_REJECT_DUPLICATES,
				     &error);
	const char *type = json_string_value(json_object_get(message, "type"));

	if (!message)
		fail_msg("%s: %.*s", error.text, (int)out->len, (const char *)out->data);
	if (strcmp(type, "map") == 0) {
		json_decref(thing->map);
		thing->map = json_incref(message);
	} else {
		assert_string_equal(type, "delta");
		assert_non_null(thing->map);
		patch(thing->map, message);
	}
	json_decref(message);
}

static void stop_listening(struct story *story, struct thing *thing)
{
	if (thing->listener)
		wr_world_unlisten(story->world, thing->listener);
	thing->listener = NULL;
	json_decref(thing->map);
	thing->map = NULL;
}

/* Some of those for whom there is something, or all. */
static void tell(struct story *story, size_t most)
{
	struct wr_listener *listener;

	while (most-- > 0 && (listener = wr_world_next(story->world))) {
		struct thing *thing = wr_listener_context(listener);
		struct wr_buffer out = { 0 };
		int status;

		if (wr_listener_is_gone(listener)) {
			stop_listening(story, thing);
			continue;
		}
		status = wr_listener_delta(story->world, listener, &out);
		assert_true(status >= 0);
		if (status)
			take_message(thing, &out);
		wr_buffer_done(&out);
	}
}

static void check_all(struct story *story)
{
	struct twin twin;

	tell(story, SIZE_MAX);
	assert_false(wr_world_has_next(story->world));
	twin_start(story, &twin);
	for (size_t i = 0; i < twin.reading->count; i++) {
		struct thing *thing = thing_of(story, twin.reading->machines[i].id);

		if (!thing->listener)
			continue;
		assert_non_null(thing->map);
		check_head(story, &twin, i, thing->map);
		check_peers(story, &twin, i, thing->map);
		check_records(&twin, i, thing->map);
		check_is_map(thing->map);
		assert_true(wr_listener_is_at(
			story->world, thing->listener,
			json_string_value(json_object_get(thing->map, "version"))));
	}
	twin_end(&twin);
}

/* --- What happens. --- */

static unsigned any(struct story *story, unsigned below)
{
	return (unsigned)(unit_random_next(&story->random) % below);
}

static bool is_online(void *context, const struct wr_reading_machine *machine)
{
	return thing_of(context, machine->id)->is_online;
}

static void take_all(struct story *story)
{
	struct wr_reading *reading = read_story(story);

	assert_int_equal(wr_reading_build(reading), 0);
	assert_int_equal(wr_world_take(story->world, reading, is_online, story), 0);
}

static void choose_policy(struct story *story)
{
	static const char *const rules[] = {
		"allow tag:web -> tag:db tcp 5432\n", "allow tag:ops -> *\n",
		"deny tag:app -> tag:db\n",           "allow tag:app -> tag:app\n",
		"allow name-1 -> name-2 udp 53\n",    "allow tag:web -> 10.9.0.0/21\n",
		"allow 10.100.0.4/30 -> tag:db\n",    "deny name-3 -> *\n",
	};
	unsigned chosen = any(story, 256);

	story->policy[0] = '\0';
	for (size_t i = 0; i < WR_ARRAY_LEN(rules); i++) {
		if (chosen & 1u << i)
			strcat(story->policy, rules[i]);
	}
	strcat(story->policy, any(story, 4) ? "default deny\n" : "default allow\n");
	if (any(story, 3) == 0)
		strcat(story->policy, "topology star\ndirect tag:web tag:db\n");
}

static void add_thing(struct story *story, struct thing *thing)
{
	*thing = (struct thing){
		.id = story->next_id++,
		.exists = true,
		.is_agent = any(story, 4) != 0,
		.key = any(story, 200),
		.tags = any(story, 16),
	};
}

static void change_thing(struct story *story, struct thing *thing)
{
	switch (any(story, 6)) {
	case 0: thing->tags = any(story, 16); break;
	case 1: thing->is_off = !thing->is_off; break;
	case 2: thing->has_route = !thing->has_route; break;
	case 3: thing->key = any(story, 200); break;
	case 4:
		if (!thing->listener)
			thing->is_agent = !thing->is_agent;
		break;
	default: stop_listening(story, thing); thing->exists = false;
	}
}

/* One row, read alone. */
static void rotate_alone(struct story *story, struct thing *thing)
{
	struct wr_reading *all, *one;

	if (!thing->exists)
		return;
	thing->key = any(story, 200);
	all = read_story(story);
	one = wr_reading_new(7);
	one->generation = all->generation;
	fill_machine(one, thing, (size_t)(thing - story->things));
	if (!wr_world_take_machine(story->world, one))
		take_all(story);
	wr_reading_unref(one);
	wr_reading_unref(all);
}

static void listen_to(struct story *story, struct thing *thing)
{
	const struct wr_reading *reading = wr_world_reading(story->world);
	const struct wr_reading_machine *entry = wr_reading_find(reading, thing->id);

	if (thing->listener) {
		stop_listening(story, thing);
	} else if (thing->exists && thing->is_agent && entry && entry->is_agent &&
		   entry->off == WR_READING_ON) {
		thing->listener = wr_world_listen(story->world, thing->id, thing);
		assert_non_null(thing->listener);
	}
}

static struct wr_endpoint random_endpoint(struct story *story)
{
	return (struct wr_endpoint){ .ip = { WR_IPV4, { 192, 0, 2, (uint8_t)any(story, 3) } },
				     .port = (uint16_t)(1 + any(story, 3)) };
}

static void move_thing(struct story *story, struct thing *thing)
{
	if (!wr_reading_find(wr_world_reading(story->world), thing->id) || !thing->exists)
		return;
	thing->candidate_count = any(story, WR_PATH_CANDIDATES + 1);
	for (size_t i = 0; i < thing->candidate_count; i++)
		thing->candidates[i] = (struct wr_candidate){ WR_CANDIDATE_LOCAL,
							      random_endpoint(story) };
	wr_world_set_candidates(story->world, thing->id, thing->candidates, thing->candidate_count);
	thing->observed = random_endpoint(story);
	wr_world_set_observed(story->world, thing->id, &thing->observed);
}

static void set_online(struct story *story, struct thing *thing)
{
	if (!thing->exists)
		return;
	thing->is_online = !thing->is_online;
	wr_world_set_online(story->world, thing->id, thing->is_online);
}

static void move_hub(struct story *story)
{
	struct wr_world_hub hub = { .stun_port = (uint16_t)any(story, 3) };

	story->stun_port = hub.stun_port;
	wr_world_set_hub(story->world, &hub);
}

static void happen(struct story *story)
{
	struct thing *thing = &story->things[any(story, MACHINES)];

	switch (any(story, 12)) {
	case 0:
		choose_policy(story);
		take_all(story);
		break;
	case 1:
		if (thing->exists)
			change_thing(story, thing);
		else
			add_thing(story, thing);
		take_all(story);
		break;
	case 2:
		if (!thing->exists)
			add_thing(story, thing);
		take_all(story);
		break;
	case 3:
	case 4: listen_to(story, thing); break;
	case 5:
	case 6: set_online(story, thing); break;
	case 7: move_thing(story, thing); break;
	case 8: rotate_alone(story, thing); break;
	case 9:
		story->records = any(story, 8);
		take_all(story);
		break;
	case 10: move_hub(story); break;
	default: tell(story, any(story, 6));
	}
}

static void start(struct story *story, const char *name)
{
	const struct wr_world_hub hub = { 0 };

	*story = (struct story){ .random = unit_random_start(name), .next_id = 1 };
	assert_int_equal(wr_crypto_start(), 0);
	story->world = wr_world_new(&hub);
	strcpy(story->policy, "default allow\n");
	for (size_t i = 0; i < MACHINES; i++)
		add_thing(story, &story->things[i]);
	take_all(story);
	for (size_t i = 0; i < MACHINES; i += 2)
		listen_to(story, &story->things[i]);
}

static void end(struct story *story)
{
	for (size_t i = 0; i < MACHINES; i++)
		stop_listening(story, &story->things[i]);
	wr_world_free(story->world);
}

static void test_world_tells_what_a_naive_twin_would(void **state)
{
	struct story story;

	(void)state;
	start(&story, "world");
	for (unsigned i = 0; i < 3000; i++) {
		happen(&story);
		if (any(&story, 4) == 0)
			check_all(&story);
	}
	check_all(&story);
	end(&story);
}

/* A server that starts again comes to the same versions. */
static void test_world_another_one_has_the_same_versions(void **state)
{
	struct story story;
	struct wr_world *first;

	(void)state;
	start(&story, "world again");
	for (unsigned i = 0; i < 200; i++)
		happen(&story);
	check_all(&story);
	first = story.world;
	story.world =
		wr_world_new(&(struct wr_world_hub){ .stun_port = (uint16_t)story.stun_port });
	take_all(&story);
	for (size_t i = 0; i < MACHINES; i++) {
		struct thing *thing = &story.things[i];

		if (thing->exists) {
			wr_world_set_candidates(story.world, thing->id, thing->candidates,
						thing->candidate_count);
			wr_world_set_observed(story.world, thing->id, &thing->observed);
		}
	}
	for (size_t i = 0; i < MACHINES; i++) {
		struct thing *thing = &story.things[i];
		const char *version;

		if (!thing->listener)
			continue;
		wr_world_unlisten(first, thing->listener);
		thing->listener = wr_world_listen(story.world, thing->id, thing);
		version = json_string_value(json_object_get(thing->map, "version"));
		assert_true(wr_listener_is_at(story.world, thing->listener, version));
	}
	wr_world_free(first);
	end(&story);
}

/* Only those for whom something changed hear of it. */
static void test_world_tells_only_whom_it_concerns(void **state)
{
	struct story story;
	size_t told = 0;

	(void)state;
	start(&story, "world few");
	strcpy(story.policy, "allow tag:web -> tag:db\ndefault deny\n");
	for (size_t i = 0; i < MACHINES; i++) {
		stop_listening(&story, &story.things[i]);
		story.things[i].is_agent = true;
		story.things[i].tags = i == 0 ? 1 : i < 4 ? 2 : 8;
	}
	take_all(&story);
	for (size_t i = 0; i < MACHINES; i++)
		listen_to(&story, &story.things[i]);
	check_all(&story);
	assert_int_equal(json_array_size(json_object_get(story.things[0].map, "peers")), 3);
	assert_int_equal(json_array_size(json_object_get(story.things[9].map, "peers")), 0);
	set_online(&story, &story.things[0]);
	while (wr_world_next(story.world))
		told++;
	assert_int_equal(told, 3);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_world_tells_what_a_naive_twin_would),
		cmocka_unit_test(test_world_another_one_has_the_same_versions),
		cmocka_unit_test(test_world_tells_only_whom_it_concerns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
