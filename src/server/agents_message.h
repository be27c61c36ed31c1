/* What an agent says on its channel, read from JSON: nothing in it is believed before it is
 * checked here.
 *
 * Floor 8.  Pure.  Source: docs/agents.md, "The channel". */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "path/path.h"
#include "server/call.h"

struct wr_agent_hello {
	int64_t protocol;
	char instance[65], version[64], backend[16];
	char epoch[WR_UID_LEN + 1], map[64]; /* "" if it has none */
};

enum wr_pair_path {
	WR_PAIR_NONE,
	WR_PAIR_RELAYED,
	WR_PAIR_DIRECT,
	WR_PAIR_HUB,
	WR_PAIR_PATHS
};
extern const char *const wr_pair_paths[WR_PAIR_PATHS];

/* What a machine says of its path to another. */
struct wr_pair {
	char uid[WR_UID_LEN + 1];
	enum wr_pair_path path;
	char reason[80], endpoint[56]; /* printable ASCII */
	int64_t latency_us, loss_permille, latest_handshake, rx_bytes, tx_bytes;
};

/* An object with a `type`, which is the object's; NULL if it is none. The caller frees it. */
json_t *wr_agent_message(const uint8_t *text, size_t len, const char **ret_type);
/* False if something is missing; the protocol is read in any case. */
bool wr_agent_read_hello(const json_t *message, struct wr_agent_hello *ret_hello) WR_MUST_CHECK;
/* Those of the list that packets can go to, as many as are kept. */
size_t wr_agent_read_candidates(const json_t *list,
				struct wr_candidate ret_candidates[WR_PATH_CANDIDATES]);
/* False if it names nobody. */
bool wr_agent_read_pair(const json_t *object, struct wr_pair *ret_pair) WR_MUST_CHECK;
/* What it says of its NAT, as text; NULL if that is no object, or too long. */
char *wr_agent_read_nat(const json_t *object);
