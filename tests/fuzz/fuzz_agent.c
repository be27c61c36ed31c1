/* Messages of an agent: whatever comes, what is taken of it is bounded, printable where people see
 * it, and good enough for others' maps. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mesh/netmap.h"
#include "server/agents_message.h"
#include "server/world.h"

static bool is_printable(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	FUZZ_CHECK(len < size);
	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

static void try_hello(const json_t *message)
{
	struct wr_agent_hello hello;

	if (!wr_agent_read_hello(message, &hello))
		return;
	FUZZ_CHECK(hello.instance[0] && hello.version[0] && hello.backend[0]);
	FUZZ_CHECK(is_printable(hello.version, sizeof(hello.version)));
	FUZZ_CHECK(is_printable(hello.backend, sizeof(hello.backend)));
	FUZZ_CHECK(strnlen(hello.map, sizeof(hello.map)) < sizeof(hello.map));
}

/* As they go to the database, and come back. */
static void try_candidates(const json_t *list)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES], again[WR_PATH_CANDIDATES];
	size_t count = wr_agent_read_candidates(list, candidates);
	char *text = wr_candidates_text(candidates, count);

	FUZZ_CHECK(text && wr_candidates_read(text, again) == count);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(candidates[i].kind == again[i].kind);
		FUZZ_CHECK(wr_endpoint_equal_remote(&candidates[i].endpoint, &again[i].endpoint));
	}
	free(text);
}

static void try_pair(const json_t *object)
{
	struct wr_pair pair;

	if (!wr_agent_read_pair(object, &pair))
		return;
	FUZZ_CHECK(pair.path < WR_PAIR_PATHS && pair.latency_us >= 0 && pair.tx_bytes >= 0);
	FUZZ_CHECK(is_printable(pair.reason, sizeof(pair.reason)));
	FUZZ_CHECK(is_printable(pair.endpoint, sizeof(pair.endpoint)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *type;
	json_t *message = wr_agent_message(data, len, &type);
	const json_t *peers = json_object_get(message, "peers"), *peer;
	char *nat;
	size_t at;

	if (!message)
		return 0;
	FUZZ_CHECK(type);
	try_hello(message);
	try_candidates(json_object_get(message, "candidates"));
	json_array_foreach(peers, at, peer) try_pair(peer);
	nat = wr_agent_read_nat(json_object_get(message, "nat"));
	FUZZ_CHECK(!nat || strlen(nat) <= 2048);
	free(nat);
	json_decref(message);
	return 0;
}
