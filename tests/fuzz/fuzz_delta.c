/* A delta to a map of three peers: refused with one line and nothing of the map touched, or taken;
 * then the difference that is found makes the same again. */
#include <errno.h>

#include "fuzz.h"
#include "mesh/netmap.h"

#define PEER(n, way) \
	"{\"machine\":\"m" n "\",\"name\":\"host-" n "\",\"public_key\":" \
	"\"A" n "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"addresses\":[\"10.77.0.1" n \
	"\"],\"routes\":[\"192.168." n ".0/24\"],\"way\":\"" way \
	"\",\"marks\":[1],\"online\":true,\"candidates\":[]}"

static const char map_text[] =
	"{\"type\":\"map\",\"epoch\":\"e1\",\"generation\":1,\"version\":\"v1\",\"self\":"
	"{\"machine\":\"m1\",\"name\":\"self\",\"public_key\":"
	"\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"addresses\":[\"10.77.0.2\"],"
	"\"routes\":[]},\"network\":{\"name\":\"acme\",\"suffix\":\"acme.warren\",\"ranges\":"
	"[\"10.77.0.0/16\"]},\"hub\":{\"public_key\":"
	"\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"addresses\":[\"10.77.0.1\"],"
	"\"endpoints\":[\"203.0.113.1:51820\"],\"stun_port\":0},\"policy\":\"default deny\\n\","
	"\"peers\":[" PEER("5", "direct") "," PEER("6", "relay") "," PEER("7",
									  "hub") "],"
										 "\"records\":[]}";

static struct wr_netmap *parse(json_t *json)
{
	char why[200];
	struct wr_netmap *map = wr_netmap_parse(json, why);

	FUZZ_CHECK(map != NULL);
	json_decref(json);
	return map;
}

static void check_taken(const struct wr_netmap *map, const struct wr_netmap *patched)
{
	json_t *delta = wr_netmap_diff(map, patched);
	json_t *first = wr_netmap_json(patched), *second;
	char why[200];
	int error;
	struct wr_netmap *again = wr_netmap_patch(map, delta, &error, why);

	FUZZ_CHECK(again != NULL);
	second = wr_netmap_json(again);
	FUZZ_CHECK(json_equal(first, second));
	wr_netmap_free(parse(first));
	json_decref(second);
	json_decref(delta);
	wr_netmap_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *delta = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct wr_netmap *map, *patched;
	char why[200] = "";
	int error = 0;

	if (!delta)
		return 0;
	map = parse(json_loads(map_text, 0, NULL));
	patched = wr_netmap_patch(map, delta, &error, why);
	if (patched)
		check_taken(map, patched);
	else
		FUZZ_CHECK((error == -EINVAL || error == -ESTALE) && why[0] != '\0');
	wr_netmap_free(patched);
	FUZZ_CHECK(map->peer_count == 3);
	json_decref(delta);
	wr_netmap_free(map);
	return 0;
}
