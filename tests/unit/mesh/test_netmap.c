/* The network map: JSON both ways, faults, deltas, the file. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mesh/netmap.h"
#include "networks.h"

static struct wr_netmap *parsed(json_t *json)
{
	char why[200] = "";
	struct wr_netmap *map = wr_netmap_parse(json, why);

	if (!map)
		fail_msg("refused: %s", why);
	json_decref(json);
	return map;
}

/* --- Both ways. --- */

static void test_netmap_parse_takes_what_json_wrote(void **state)
{
	struct unit_random random = unit_random_start("netmap json");

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct wr_netmap *map = networks_new(&random, unit_random_below(&random, 40));
		struct wr_netmap *again = parsed(wr_netmap_json(map));

		networks_assert_equal(map, again);
		again = wr_netmap_free(again);
		map = wr_netmap_free(map);
	}
}

static void test_netmap_parse_takes_the_document(void **state)
{
	static const char text[] =
		"{\"type\": \"map\", \"epoch\": \"eabc\", \"generation\": 812, \"version\": \"opaque\","
		" \"self\": {\"machine\": \"mabc\", \"name\": \"web-1\", \"public_key\":"
		" \"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", \"addresses\": [\"10.100.0.5\"],"
		" \"routes\": [\"192.168.5.0/24\"]},"
		" \"network\": {\"name\": \"acme\", \"suffix\": \"acme.warren\","
		" \"ranges\": [\"10.100.0.0/16\"]},"
		" \"hub\": {\"public_key\": \"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		" \"addresses\": [\"10.100.0.1\"], \"endpoints\": [\"203.0.113.1:51820\"],"
		" \"stun_port\": 3478},"
		" \"policy\": \"allow tag:m1 -> self tcp 22\\ndefault deny\\n\","
		" \"peers\": [{\"machine\": \"mdef\", \"name\": \"db-1\", \"public_key\":"
		" \"AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", \"addresses\": [\"10.100.0.9\"],"
		" \"routes\": [], \"way\": \"direct\", \"marks\": [1, 4], \"online\": true,"
		" \"candidates\": [{\"kind\": \"observed\", \"endpoint\": \"198.51.100.7:40123\"},"
		" {\"kind\": \"of-tomorrow\", \"endpoint\": \"198.51.100.7:1\"}],"
		" \"of-tomorrow\": 1}],"
		" \"records\": [{\"name\": \"git.acme.warren\", \"address\": \"10.100.0.9\"}]}";
	struct wr_netmap *map = parsed(json_loads(text, 0, NULL));

	(void)state;
	assert_int_equal(map->generation, 812);
	assert_int_equal(map->stun_port, 3478);
	assert_int_equal(map->peer_count, 1);
	assert_int_equal(map->peers[0]->way, WR_WAY_DIRECT);
	assert_true(map->peers[0]->is_online);
	assert_int_equal(map->peers[0]->mark_count, 2);
	assert_int_equal(map->peers[0]->candidate_count, 1);
	assert_int_equal(map->peers[0]->candidates[0].kind, WR_CANDIDATE_OBSERVED);
	assert_string_equal(map->records[0].name, "git.acme.warren");
	assert_ptr_equal(wr_netmap_find(map, "mdef"), map->peers[0]);
	assert_ptr_equal(wr_netmap_find_name(map, "db-1"), map->peers[0]);
	assert_ptr_equal(wr_netmap_find_key(map, &map->peers[0]->public_key), map->peers[0]);
	assert_null(wr_netmap_find(map, "mabc"));
	map = wr_netmap_free(map);
}

static void test_netmap_find_finds_everybody(void **state)
{
	struct unit_random random = unit_random_start("netmap find");
	struct wr_netmap *made = networks_new(&random, 300);
	struct wr_netmap *map = parsed(wr_netmap_json(made));

	(void)state;
	for (size_t i = 0; i < made->peer_count; i++) {
		const struct wr_netmap_peer *peer = made->peers[i];

		/* By hand it is not sorted, and found all the same. */
		assert_ptr_equal(wr_netmap_find(made, peer->uid), peer);
		assert_ptr_equal(wr_netmap_find_key(made, &peer->public_key), peer);
		assert_true(wr_netmap_peer_equal(wr_netmap_find(map, peer->uid), peer));
		assert_true(wr_netmap_peer_equal(wr_netmap_find_name(map, peer->name), peer));
		assert_true(wr_netmap_peer_equal(wr_netmap_find_key(map, &peer->public_key), peer));
	}
	assert_null(wr_netmap_find(map, "a-name-that-is-longer-than-any-uid"));
	assert_null(wr_netmap_find_key(map, &map->public_key));
	map = wr_netmap_free(map);
	made = wr_netmap_free(made);
}

/* --- Faults. --- */

/* A map of two peers; what is at `place` ("self/name", "peers/0/routes") is replaced by the JSON
 * `value`, or taken out if that is NULL. */
static json_t *spoilt(const char *place, const char *value)
{
	struct wr_netmap *map = networks_empty();
	json_t *json, *at, *new_value = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	char path[200], *word, *rest = path, *next;

	networks_add_route(networks_add(map, 2, WR_WAY_DIRECT), "192.168.2.0/24");
	networks_add_route(networks_add(map, 3, WR_WAY_HUB), "192.168.3.0/24");
	map->record_count = 1;
	map->records = calloc(1, sizeof(*map->records));
	strcpy(map->records[0].name, "git.acme.warren");
	map->records[0].ip = networks_ip("10.77.0.3");
	json = at = wr_netmap_json(map);
	map = wr_netmap_free(map);
	assert_true(!value || new_value);
	snprintf(path, sizeof(path), "%s", place);
	word = strsep(&rest, "/");
	while (rest) {
		next = strsep(&rest, "/");
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word))
				       : json_object_get(at, word);
		assert_non_null(at);
		word = next;
	}
	if (!new_value)
		assert_int_equal(json_object_del(at, word), 0);
	else if (json_is_array(at))
		assert_int_equal(json_array_set_new(at, (size_t)atoi(word), new_value), 0);
	else
		assert_int_equal(json_object_set_new(at, word, new_value), 0);
	return json;
}

static void test_netmap_parse_refuses_what_is_wrong(void **state)
{
	static const struct {
		const char *place, *value, *why;
	} cases[] = {
		{ "type", "\"delta\"", "type" },
		{ "epoch", NULL, "epoch: is missing" },
		{ "epoch", "\"no good!\"", "epoch" },
		{ "generation", "-1", "generation" },
		{ "generation", "1.5", "generation" },
		{ "version", "\"\"", "version" },
		{ "version", "\"a b\"", "version" },
		{ "self", NULL, "self: is missing" },
		{ "self", "[]", "self: is no object" },
		{ "self/machine", "\"../../etc\"", "self.machine" },
		{ "self/machine", "\"m23456789012345678901\"", "self.machine" },
		{ "self/name", "\"-web\"", "self.name" },
		{ "self/name", "\"a b\\nc\"", "self.name" },
		{ "self/public_key", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
		  "self.public_key" },
		{ "self/public_key", "\"short\"", "self.public_key" },
		{ "self/addresses", "[]", "self.addresses: is empty" },
		{ "self/addresses", "[\"10.77.0.2\", \"10.77.0.3\"]", "two of one family" },
		{ "self/addresses", "[\"10.77.0.2\", \"fd77::2\", \"fd77::3\"]", "more than 2" },
		{ "self/addresses", "[\"127.0.0.1\"]", "no address of a host" },
		{ "self/addresses", "[\"10.78.0.2\"]", "in no range" },
		{ "self/routes", "[\"0.0.0.0/0\"]", "default route" },
		{ "self/routes", "[\"::/0\"]", "default route" },
		{ "self/routes", "[\"192.168.9.0/24\", \"192.168.9.0/24\"]", "twice" },
		{ "self/routes", "[\"10.77.4.0/24\"]", "network's own range" },
		{ "network/suffix", "\"acme..warren\"", "network.suffix" },
		{ "network/suffix", "\"acme.warren\\n127.0.0.1 bank.example\"", "network.suffix" },
		{ "network/ranges", "[]", "network.ranges" },
		{ "network/ranges", "[\"0.0.0.0/0\"]", "default route" },
		{ "network/ranges", "[\"10.77.0.0/16\", \"10.78.0.0/16\"]", "two of one family" },
		{ "hub", "3", "hub" },
		{ "hub/public_key", NULL, "hub.public_key" },
		{ "hub/endpoints", "[\"10.77.0.1:51820\"]", "the hub's endpoint" },
		{ "hub/endpoints", "[\"203.0.113.1:0\"]", "hub.endpoints" },
		{ "hub/endpoints", "[\"1.2.3.4:1\", \"1.2.3.4:2\"]", "two of one family" },
		{ "hub/stun_port", "65536", "hub.stun_port" },
		{ "policy", "7", "policy" },
		{ "peers", "{}", "peers: is no list" },
		{ "peers/0", "null", "peers[0]: is no object" },
		{ "peers/0/machine", "\"m00003\"", "m00003 is there twice" },
		{ "peers/0/machine", "\"m00001\"", "is ourselves" },
		{ "peers/0/name", "\"host-3\"", "have one name" },
		{ "peers/0/name", "\"self\"", "our own name" },
		{ "peers/0/addresses", "[\"10.77.0.2\"]", "one address" },
		{ "peers/0/addresses", "[\"10.77.0.4\"]", "one address" },
		{ "peers/0/addresses", "[\"10.77.0.1\"]", "one address" },
		{ "peers/0/addresses", "[\"8.8.8.8\"]", "in no range" },
		{ "peers/0/addresses", "[\"224.0.0.1\"]", "no address of a host" },
		{ "peers/0/routes", "[\"0.0.0.0/0\"]", "default route" },
		{ "peers/0/routes", "[\"192.168.3.0/24\"]", "one address or route" },
		{ "peers/0/routes", "[\"10.77.0.4/32\"]", "network's own range" },
		{ "peers/0/routes", "[\"nonsense\"]", "no prefix" },
		{ "peers/0/way", "\"tunnel\"", "peers[0].way" },
		{ "peers/0/way", NULL, "peers[0].way: is missing" },
		{ "peers/0/marks", "[4, 1]", "ascending" },
		{ "peers/0/marks", "[4294967296]", "marks" },
		{ "peers/0/marks", "[-1]", "marks" },
		{ "peers/0/online", "1", "online" },
		{ "peers/0/candidates", "[1,2,3,4,5,6,7,8,9]", "more than 8" },
		{ "records", NULL, "records: is missing" },
		{ "records/0/name", "\"a b\"", "records[0].name" },
		{ "records/0/address", "\"10.0.0.0/8\"", "records[0].address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json = spoilt(cases[i].place, cases[i].value);
		char why[200] = "";
		struct wr_netmap *map = wr_netmap_parse(json, why);

		if (map || !strstr(why, cases[i].why))
			fail_msg("%s = %s: \"%s\", not \"%s\"", cases[i].place,
				 cases[i].value ? cases[i].value : "(nothing)", why, cases[i].why);
		json_decref(json);
	}
}

static void test_netmap_parse_refuses_keys_that_are_there_twice(void **state)
{
	static const char *const owners[] = { "self", "hub", "peers" };
	char why[200];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *json = spoilt("type", "\"map\"");
		json_t *owner = json_object_get(json, owners[i]);
		json_t *peer = json_array_get(json_object_get(json, "peers"), 0);

		if (json_is_array(owner))
			owner = json_array_get(owner, 1);
		json_object_set(peer, "public_key", json_object_get(owner, "public_key"));
		assert_null(wr_netmap_parse(json, why));
		assert_non_null(strstr(why, "key"));
		json_decref(json);
	}
}

static void test_netmap_parse_refuses_what_is_too_much(void **state)
{
	json_t *json = spoilt("type", "\"map\""), *peers = json_array(), *routes = json_array();
	char why[200];

	(void)state;
	for (int i = 0; i <= WR_NETMAP_PEERS; i++)
		json_array_append_new(peers, json_null());
	for (int i = 0; i <= WR_NETMAP_ROUTES; i++)
		json_array_append_new(routes, json_sprintf("172.16.%d.0/24", i));
	json_object_set_new(json_object_get(json, "self"), "routes", routes);
	assert_null(wr_netmap_parse(json, why));
	assert_non_null(strstr(why, "self.routes: has more than 64"));
	json_object_set_new(json_object_get(json, "self"), "routes", json_array());
	json_object_set_new(json, "peers", peers);
	assert_null(wr_netmap_parse(json, why));
	assert_non_null(strstr(why, "peers: has more than 20000"));
	json_decref(json);
}

static void test_netmap_candidate_parse_takes_none_that_nothing_can_go_to(void **state)
{
	static const char *const bad[] = {
		"{\"kind\": \"local\", \"endpoint\": \"127.0.0.1:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"[::1]:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"[fe80::1%3]:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"0.0.0.0:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"[ff02::1]:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"255.255.255.255:1\"}",
		"{\"kind\": \"local\", \"endpoint\": \"10.0.0.1:0\"}",
		"{\"kind\": \"nothing\", \"endpoint\": \"10.0.0.1:1\"}",
		"{\"kind\": \"local\"}",
		"[]",
	};
	struct wr_candidate candidate;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *json = json_loads(bad[i], 0, NULL);

		assert_non_null(json);
		assert_false(wr_netmap_candidate_parse(json, &candidate));
		json_decref(json);
	}
}

/* --- Deltas. --- */

static void test_netmap_patch_with_the_difference_makes_the_new_map(void **state)
{
	struct unit_random random = unit_random_start("netmap delta");
	struct wr_netmap *made = networks_new(&random, 30), *map = parsed(wr_netmap_json(made));

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct wr_netmap *next = networks_change(&random, made), *patched;
		json_t *delta = wr_netmap_diff(made, next);
		char why[200] = "";
		int error = 0;

		assert_non_null(delta);
		patched = wr_netmap_patch(map, delta, &error, why);
		if (!patched)
			fail_msg("round %d: %s", round, why);
		networks_assert_equal(next, patched);
		/* Either may go first: they share what did not change. */
		if (round & 1)
			map = wr_netmap_free(map);
		assert_true(wr_netmap_find(patched, "m00001") == NULL);
		map = wr_netmap_free(map);
		map = patched;
		made = wr_netmap_free(made);
		made = next;
		json_decref(delta);
	}
	map = wr_netmap_free(map);
	made = wr_netmap_free(made);
}

static void test_netmap_patch_shares_peers_that_did_not_change(void **state)
{
	struct unit_random random = unit_random_start("netmap share");
	struct wr_netmap *made = networks_new(&random, 10), *map = parsed(wr_netmap_json(made));
	json_t *delta = json_pack("{ss ss ss si s[s]}", "type", "delta", "from", map->version,
				  "version", "v2", "generation", 8, "gone", "m00004");
	char why[200];
	int error;
	struct wr_netmap *patched = wr_netmap_patch(map, delta, &error, why);

	(void)state;
	assert_non_null(patched);
	assert_int_equal(patched->peer_count, 9);
	assert_ptr_equal(wr_netmap_find(patched, "m00005"), wr_netmap_find(map, "m00005"));
	assert_null(wr_netmap_find(patched, "m00004"));
	assert_non_null(wr_netmap_find(map, "m00004"));
	map = wr_netmap_free(map);
	assert_string_equal(wr_netmap_find(patched, "m00005")->name, "host-5");
	patched = wr_netmap_free(patched);
	made = wr_netmap_free(made);
	json_decref(delta);
}

/* By a whole new map, too. */
static void test_netmap_shares_peers_that_are_the_same(void **state)
{
	struct unit_random random = unit_random_start("netmap share");
	struct wr_netmap *first = networks_new(&random, 30);

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct wr_netmap *next = networks_change(&random, first);
		struct wr_netmap *shared = parsed(wr_netmap_json(next));
		size_t same = 0, common = 0;

		wr_netmap_share(first, shared);
		assert_true(wr_netmap_index(shared));
		for (size_t i = 0; i < next->peer_count; i++) {
			const struct wr_netmap_peer *peer = next->peers[i];
			const struct wr_netmap_peer *old = wr_netmap_find(first, peer->uid);

			same += old && wr_netmap_peer_equal(old, peer);
			common += old && wr_netmap_find(shared, peer->uid) == old;
		}
		assert_int_equal(common, same);
		assert_true(same > 0);
		/* Either may go first. */
		if (round & 1)
			first = wr_netmap_free(first);
		networks_assert_equal(next, shared);
		wr_netmap_free(shared);
		wr_netmap_free(first);
		first = next;
	}
	wr_netmap_free(first);
}

static void test_netmap_patch_refuses_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *why;
	} cases[] = {
		{ "{\"type\":\"map\"}", -EINVAL, "type" },
		{ "{\"type\":\"delta\"}", -EINVAL, "from" },
		{ "{\"type\":\"delta\",\"from\":\"v0\",\"version\":\"v2\",\"generation\":8}",
		  -ESTALE, "another map" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"generation\":8}", -EINVAL, "version" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"version\":\"v2\",\"generation\":8,"
		  "\"gone\":[\"m77777\"]}",
		  -EINVAL, "not there" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"version\":\"v2\",\"generation\":8,"
		  "\"gone\":[\"m00002\",\"m00002\"]}",
		  -EINVAL, "twice" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"version\":\"v2\",\"generation\":8,"
		  "\"gone\":[7]}",
		  -EINVAL, "gone" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"version\":\"v2\",\"generation\":8,"
		  "\"peers\":[{}]}",
		  -EINVAL, "peers[0].machine" },
		{ "{\"type\":\"delta\",\"from\":\"v1\",\"version\":\"v2\",\"generation\":8,"
		  "\"self\":{\"machine\":\"m00001\",\"name\":\"host-2\",\"public_key\":"
		  "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		  "\"addresses\":[\"10.77.0.2\"]}}",
		  -EINVAL, "our own name" },
	};
	struct unit_random random = unit_random_start("netmap bad deltas");
	struct wr_netmap *made = networks_new(&random, 5), *map = parsed(wr_netmap_json(made));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *delta = json_loads(cases[i].text, 0, NULL);
		char why[200] = "";
		int error = 0;

		assert_non_null(delta);
		assert_null(wr_netmap_patch(map, delta, &error, why));
		assert_int_equal(error, cases[i].error);
		if (!strstr(why, cases[i].why))
			fail_msg("%s: %s", cases[i].text, why);
		json_decref(delta);
	}
	/* The map is as it was. */
	networks_assert_equal(made, map);
	map = wr_netmap_free(map);
	made = wr_netmap_free(made);
}

/* --- The file. --- */

static void test_netmap_save_and_load(void **state)
{
	struct unit_random random = unit_random_start("netmap file");
	struct wr_netmap *map = networks_new(&random, 20), *loaded = NULL;
	char folder[] = "/tmp/warren-netmap-XXXXXX", path[100], why[200] = "";
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/map.json", folder);
	assert_int_equal(wr_netmap_load(path, &loaded, why), -ENOENT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wr_netmap_save(map, path), 0);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0600);
		assert_int_equal(wr_netmap_load(path, &loaded, why), 0);
		networks_assert_equal(map, loaded);
		loaded = wr_netmap_free(loaded);
	}
	/* Cut off in the middle. */
	assert_int_equal(truncate(path, status.st_size / 2), 0);
	assert_int_equal(wr_netmap_load(path, &loaded, why), -EINVAL);
	assert_non_null(strstr(why, "no JSON"));
	assert_int_equal(unlink(path), 0);
	/* Nothing else was left. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(wr_netmap_save(map, path), -ENOENT);
	map = wr_netmap_free(map);
}

/* --- Without a hub. --- */

static void test_netmap_without_a_hub(void **state)
{
	struct unit_random random = unit_random_start("netmap without a hub");
	struct wr_netmap *with = networks_new(&random, 20), *map, *loaded = NULL;
	char folder[] = "/tmp/warren-netmap-XXXXXX", path[100], why[200] = "";
	json_t *message = wr_netmap_json(with), *delta;
	int error = 0;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/map.json", folder);
	map = wr_netmap_parse(message, why);
	json_decref(message);
	assert_non_null(map);
	networks_forget_hub(map);
	strcpy(map->version, "without");
	assert_int_equal(wr_netmap_save(map, path), 0);
	assert_int_equal(wr_netmap_load(path, &loaded, why), 0);
	networks_assert_equal(map, loaded);
	loaded = wr_netmap_free(loaded);
	assert_int_equal(unlink(path) | rmdir(folder), 0);
	/* It goes, and comes back. */
	delta = wr_netmap_diff(with, map);
	assert_true(json_is_null(json_object_get(delta, "hub")));
	loaded = wr_netmap_patch(with, delta, &error, why);
	json_decref(delta);
	assert_non_null(loaded);
	assert_true(wr_key_is_zero(&loaded->hub_key));
	networks_assert_equal(map, loaded);
	delta = wr_netmap_diff(loaded, with);
	map = wr_netmap_free(map);
	map = wr_netmap_patch(loaded, delta, &error, why);
	json_decref(delta);
	assert_non_null(map);
	networks_assert_equal(map, with);
	loaded = wr_netmap_free(loaded);
	map = wr_netmap_free(map);
	with = wr_netmap_free(with);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netmap_parse_takes_what_json_wrote),
		cmocka_unit_test(test_netmap_parse_takes_the_document),
		cmocka_unit_test(test_netmap_find_finds_everybody),
		cmocka_unit_test(test_netmap_parse_refuses_what_is_wrong),
		cmocka_unit_test(test_netmap_parse_refuses_keys_that_are_there_twice),
		cmocka_unit_test(test_netmap_parse_refuses_what_is_too_much),
		cmocka_unit_test(test_netmap_candidate_parse_takes_none_that_nothing_can_go_to),
		cmocka_unit_test(test_netmap_patch_with_the_difference_makes_the_new_map),
		cmocka_unit_test(test_netmap_patch_shares_peers_that_did_not_change),
		cmocka_unit_test(test_netmap_shares_peers_that_are_the_same),
		cmocka_unit_test(test_netmap_patch_refuses_what_is_wrong),
		cmocka_unit_test(test_netmap_save_and_load),
		cmocka_unit_test(test_netmap_without_a_hub),
	};

	return cmocka_run_group_tests_name("netmap", tests, NULL, NULL);
}
