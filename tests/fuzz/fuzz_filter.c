/* The packet filter: a sequence of commands brings it packets (raw ones, and repeated
 * ones turned round and changed), lets time pass, and changes rules, machines and room.
 *
 * Whatever comes in: nothing passes rules that deny all, nothing that makes no sense
 * passes any, what passed passes again, and flows stay bounded. */
#include "fuzz.h"
#include "policy/filter.h"
#include "wire/flow.h"
#include "wire/packet.h"

#define SLOTS 4
#define TAPES 4
#define PACKET_MAX 300
#define MAX_COMMANDS 200

static const char *const policies[] = {
	"default allow\n",
	"",
	"allow tag:t -> * tcp 1-1000\nallow * -> 10.0.0.0/24 udp icmp\n",
	"deny a -> b\nallow * -> fd00::/16\nallow 192.168.0.0/16 -> *\ndefault deny\n",
};
#define DENIES_ALL 1

struct tape {
	uint8_t bytes[PACKET_MAX];
	uint32_t len;
	uint8_t slots;
};

struct world {
	const uint8_t *data;
	size_t left;
	struct wr_instant now;
	struct wr_filter *filter;
	struct wr_retire_list retire;
	uint8_t policy;
	struct tape tapes[TAPES];
	size_t tape_count;
};

static uint8_t next_byte(struct world *world)
{
	if (!world->left)
		return 0;
	world->left--;
	return *world->data++;
}

static struct wr_member member_of(uint8_t slot)
{
	static const char *const names[SLOTS] = { "a", "b", "c", "d" };
	static const char *const tags[] = { "t" };
	struct wr_member member = { .slot = slot, .name = names[slot], .tags = tags };

	member.tag_count = slot % 2;
	member.v4 = (struct wr_ip){ .family = WR_IPV4, .bytes = { 10, 0, 0, (uint8_t)(slot + 1) } };
	member.v6 = (struct wr_ip){ .family = WR_IPV6, .bytes = { [15] = (uint8_t)(slot + 1) } };
	return member;
}

static struct wr_ruleset *compile(const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);
	struct wr_member members[SLOTS];
	struct wr_ruleset *ruleset;

	FUZZ_CHECK(policy);
	for (uint8_t i = 0; i < SLOTS; i++)
		members[i] = member_of(i);
	ruleset = wr_ruleset_compile(policy, members, SLOTS, SLOTS, 1, &faults);
	FUZZ_CHECK(ruleset);
	wr_policy_free(policy);
	return ruleset;
}

/* --- Packets. --- */

/* What was read lies in the packet, and is what the plain reader says. */
static void check_headers(const struct tape *tape, const struct wr_flow_headers *headers)
{
	struct wr_packet packet;

	FUZZ_CHECK(wr_packet_read((struct wr_bytes){ tape->bytes, tape->len }, &packet));
	FUZZ_CHECK(headers->speech.family == packet.family);
	FUZZ_CHECK(headers->speech.src == packet.src && headers->speech.dst == packet.dst);
	FUZZ_CHECK(packet.family == WR_IPV6 || headers->speech.protocol == packet.protocol);
	FUZZ_CHECK(packet.family == WR_IPV6 ||
		   packet.is_fragment == (headers->fragment != WR_FRAGMENT_WHOLE));
	if (!headers->has_quoted)
		return;
	FUZZ_CHECK(headers->quoted.src > packet.src);
	FUZZ_CHECK(headers->quoted.dst + wr_ip_bits(packet.family) / 8 <=
		   tape->bytes + packet.total_len);
}

/* On the heap, so that a read past its end is seen. */
static enum wr_verdict judge_copy(struct world *world, const struct tape *tape)
{
	uint8_t *copy = malloc(tape->len + 1);
	enum wr_verdict verdict;

	FUZZ_CHECK(copy);
	memcpy(copy, tape->bytes, tape->len);
	verdict = wr_filter_judge(world->filter, copy, tape->len, tape->slots % SLOTS,
				  tape->slots / SLOTS % SLOTS, world->now);
	free(copy);
	return verdict;
}

static void judge(struct world *world, const struct tape *tape)
{
	struct wr_flow_headers headers;
	bool is_read = wr_flow_read((struct wr_bytes){ tape->bytes, tape->len }, &headers);
	enum wr_verdict verdict = judge_copy(world, tape);

	FUZZ_CHECK(verdict == WR_TAKEN || verdict == WR_DROP_POLICY ||
		   verdict == WR_DROP_FRAGMENT || verdict == WR_DROP_INNER);
	FUZZ_CHECK(is_read || verdict == WR_DROP_INNER);
	FUZZ_CHECK(verdict != WR_TAKEN || world->policy != DENIES_ALL);
	FUZZ_CHECK(verdict != WR_TAKEN || judge_copy(world, tape) == WR_TAKEN);
	if (is_read)
		check_headers(tape, &headers);
}

static void take_raw(struct world *world)
{
	struct tape *tape = &world->tapes[world->tape_count++ % TAPES];

	tape->slots = next_byte(world);
	tape->len = next_byte(world);
	if (tape->len > world->left)
		tape->len = (uint32_t)world->left;
	memcpy(tape->bytes, world->data, tape->len);
	world->data += tape->len;
	world->left -= tape->len;
	judge(world, tape);
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t kept = a[i];

		a[i] = b[i];
		b[i] = kept;
	}
}

static void turn_round(struct tape *tape)
{
	struct wr_flow_headers headers;
	struct wr_packet packet;
	struct wr_bytes bytes = { tape->bytes, tape->len };

	if (!wr_flow_read(bytes, &headers) || !wr_packet_read(bytes, &packet))
		return;
	swap(tape->bytes + (packet.src - tape->bytes), tape->bytes + (packet.dst - tape->bytes),
	     wr_ip_bits(packet.family) / 8);
	if (headers.speech.src_port && packet.l4_offset + 4u <= tape->len)
		swap(tape->bytes + packet.l4_offset, tape->bytes + packet.l4_offset + 2, 2);
	tape->slots = (uint8_t)(tape->slots / SLOTS % SLOTS + tape->slots % SLOTS * SLOTS);
}

static void take_again(struct world *world)
{
	struct tape *tape = &world->tapes[next_byte(world) % TAPES];
	uint8_t how = next_byte(world);

	if (how & 1)
		turn_round(tape);
	for (unsigned i = 0; i < how >> 1 % 4 && tape->len; i++)
		tape->bytes[next_byte(world) % tape->len] ^= next_byte(world);
	judge(world, tape);
}

/* An ICMP error about one of the packets. */
static void take_error(struct world *world)
{
	const struct tape *about = &world->tapes[next_byte(world) % TAPES];
	uint32_t quoted = about->len < 200 ? about->len : 200;
	struct tape error = { .bytes = { 0x45, [8] = 64, [9] = 1, [20] = 3 }, .len = 28 + quoted };

	error.slots = (uint8_t)(about->slots / SLOTS % SLOTS + about->slots % SLOTS * SLOTS);
	error.bytes[2] = (uint8_t)(error.len >> 8);
	error.bytes[3] = (uint8_t)error.len;
	memcpy(error.bytes + 28, about->bytes, quoted);
	if (about->len >= 20) {
		memcpy(error.bytes + 12, about->bytes + 16, 4);
		memcpy(error.bytes + 16, about->bytes + 12, 4);
	}
	judge(world, &error);
}

/* --- Changes. --- */

static void change_rules(struct world *world)
{
	world->policy = next_byte(world) % 4;
	wr_filter_set_ruleset(world->filter, compile(policies[world->policy]), &world->retire);
}

static void change_machine(struct world *world)
{
	uint8_t what = next_byte(world);
	struct wr_member member = member_of(what % SLOTS);

	member.tag_count = what >> 2 & 1;
	if (what & 8)
		wr_ruleset_vacate(wr_filter_ruleset(world->filter), what % SLOTS);
	else
		(void)!wr_ruleset_place(wr_filter_ruleset(world->filter), &member);
}

static void reclaim(struct world *world)
{
	struct wr_retire_list list = wr_retire_take(&world->retire);

	wr_retire_free_all(&list);
}

static void obey(struct world *world)
{
	switch (next_byte(world) % 8) {
	case 0:
	case 1: take_raw(world); break;
	case 2: take_again(world); break;
	case 3: take_error(world); break;
	case 4: world->now.ns += UINT64_C(1000000000) << next_byte(world) % 16; break;
	case 5: change_rules(world); break;
	case 6: change_machine(world); break;
	default:
		FUZZ_CHECK(wr_filter_resize(world->filter, next_byte(world) % 64, &world->retire) ==
			   0);
		reclaim(world);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .data = data, .left = size };

	world.filter = wr_filter_new(1, (const uint8_t[16]){ 1 }, compile(policies[0]));
	FUZZ_CHECK(world.filter);
	for (unsigned i = 0; i < MAX_COMMANDS && world.left; i++)
		obey(&world);
	FUZZ_CHECK(wr_filter_flow_count(world.filter, world.now) <= MAX_COMMANDS * 2);
	wr_filter_free(world.filter);
	reclaim(&world);
	return 0;
}
