/* A map, as a server says it or a file holds it: refused with one line, or taken and, written
 * again, taken for the same. */
#include "fuzz.h"
#include "mesh/netmap.h"

static void check_line(const char *why)
{
	FUZZ_CHECK(strlen(why) > 0 && strlen(why) < 200);
	for (; *why; why++)
		FUZZ_CHECK(*why >= ' ' && *why <= '~');
}

static void check_again(const struct wr_netmap *map)
{
	char why[200];
	json_t *json = wr_netmap_json(map), *json_again;
	struct wr_netmap *again = wr_netmap_parse(json, why);

	FUZZ_CHECK(again != NULL);
	json_again = wr_netmap_json(again);
	FUZZ_CHECK(json_equal(json, json_again));
	for (size_t i = 0; i < map->peer_count; i++)
		FUZZ_CHECK(wr_netmap_peer_equal(map->peers[i], again->peers[i]));
	json_decref(json_again);
	json_decref(json);
	wr_netmap_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	char why[200] = "";
	struct wr_netmap *map;

	if (!json)
		return 0;
	map = wr_netmap_parse(json, why);
	if (map)
		check_again(map);
	else
		check_line(why);
	json_decref(json);
	wr_netmap_free(map);
	return 0;
}
