/* A gossip core that is told frames of any bytes by four members, one of them unknown and one not
 * admitted, at any times: what it sends is well-formed, within its budget and never to who is not
 * admitted (but greetings), it is never asked without an end, and it keeps its own record. */
#include "fuzz.h"
#include "gossip/gossip.h"

#define MEMBERS 4
#define OUTSIDER 3
#define ACTIONS_MAX 100000

static struct wr_instant now;
static uint64_t sent;

/* Items need no signature here: the other checks are met by that more often. */
static bool check(void *context, struct wr_bytes item)
{
	(void)context;
	return item.len % 8 != 7;
}

static bool admits(void *context, const struct wr_key *identity)
{
	(void)context;
	return identity->bytes[0] != OUTSIDER;
}

static struct wr_key identity_of(uint8_t number)
{
	struct wr_key identity;

	memset(&identity, number, sizeof(identity));
	return identity;
}

/* kind | mesh | signer | subject | version | no body | signature */
static size_t record_of(uint8_t number, uint64_t version, uint8_t *ret_bytes)
{
	struct wr_key identity = identity_of(number);
	size_t len = 1 + 8 + 32 + 32 + 8 + 64;

	memset(ret_bytes, 0, len);
	ret_bytes[0] = WR_ITEM_RECORD;
	memcpy(ret_bytes + 9, &identity, sizeof(identity));
	memcpy(ret_bytes + 41, &identity, sizeof(identity));
	for (unsigned i = 0; i < 8; i++)
		ret_bytes[73 + i] = (uint8_t)(version >> (56 - 8 * i));
	return len;
}

static void put(struct wr_gossip *gossip, uint8_t number, uint64_t version)
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len = record_of(number, version, bytes);

	wr_gossip_put(gossip, (struct wr_bytes){ bytes, len }, true, now);
}

static void act(struct wr_gossip *gossip, const struct wr_gossip_output *output)
{
	if (output->action == WR_GOSSIP_SEND) {
		FUZZ_CHECK(wr_frame_check(output->bytes));
		sent += output->bytes.len;
	}
	if (output->action == WR_GOSSIP_RENEW && output->version < UINT64_MAX)
		put(gossip, 0, output->version);
}

static void settle(struct wr_gossip *gossip)
{
	struct wr_gossip_output output;
	unsigned actions = 0;

	while (wr_gossip_poll(gossip, now, &output)) {
		FUZZ_CHECK(++actions < ACTIONS_MAX);
		act(gossip, &output);
	}
	FUZZ_CHECK(wr_gossip_deadline(gossip).ns > now.ns);
}

static struct wr_bytes take(struct wr_bytes *left, size_t len)
{
	struct wr_bytes run = { left->data, len < left->len ? len : left->len };

	left->data += run.len;
	left->len -= run.len;
	return run;
}

static void happen(struct wr_gossip *gossip, uint8_t what, struct wr_bytes *left)
{
	struct wr_key from = identity_of(1 + what % MEMBERS);
	uint8_t frame[WR_FRAME_MAX_LEN] = { WR_FRAME_FIRST, WR_FRAME_VERSION };
	struct wr_bytes body;

	switch (what / MEMBERS % 8) {
	case 0: now.ns += (uint64_t)(what / 32 + 1) * 300000000; break;
	case 1: now.ns += (uint64_t)(what / 32 + 1) * 600000000000; break;
	case 2: wr_gossip_greet(gossip, &from, now); break;
	case 3: wr_gossip_review(gossip, now); break;
	default:
		body = take(left, left->len ? 1u + take(left, 1).data[0] : 0);
		memcpy(frame + 2, body.data, body.len);
		wr_gossip_receive(gossip, &from, (struct wr_bytes){ frame, body.len + 2 }, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_gossip_config config = {
		.self = identity_of(0),
		.seed = 1,
		.timing = wr_gossip_timing(),
		.check = check,
		.admits = admits,
	};
	struct wr_bytes left = { data, size };
	struct wr_gossip_figures figures;
	struct wr_gossip_sight sight;
	struct wr_gossip *gossip;

	now = (struct wr_instant){ 1000000000000 };
	sent = 0;
	gossip = wr_gossip_new(&config, now);
	FUZZ_CHECK(gossip);
	put(gossip, 0, 1);
	put(gossip, 1, 1);
	put(gossip, 2, 1);
	while (left.len) {
		happen(gossip, take(&left, 1).data[0], &left);
		settle(gossip);
	}
	wr_gossip_look(gossip, &figures);
	FUZZ_CHECK(figures.bytes_out == sent);
	FUZZ_CHECK(figures.members <= WR_GOSSIP_MEMBERS);
	FUZZ_CHECK(wr_gossip_find(gossip, &config.self, &sight));
	wr_gossip_free(gossip);
	return 0;
}
