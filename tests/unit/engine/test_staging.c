#include "engine/staging.h"

#include "unit.h"
#include "wire/message.h"

/* --- The naive twin: an array a peer, and the bytes counted anew each time. --- */

#define PEERS 5

struct naive_packet {
	uint32_t len;
	uint32_t number; /* stands in the packet's first bytes */
};

struct naive_queue {
	struct naive_packet packets[WR_STAGED_PER_PEER];
	unsigned count;
};

struct naive {
	struct naive_queue queues[PEERS];
};

static size_t naive_bytes(const struct naive *naive)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < PEERS; i++)
		for (unsigned j = 0; j < naive->queues[i].count; j++)
			bytes += sizeof(struct wr_staged) + naive->queues[i].packets[j].len +
				 WR_DATA_PADDING;
	return bytes;
}

static void naive_drop_first(struct naive_queue *queue)
{
	queue->count--;
	memmove(queue->packets, queue->packets + 1, queue->count * sizeof(queue->packets[0]));
}

static bool naive_has_room(const struct naive *naive, const struct naive_queue *queue, uint32_t len)
{
	return queue->count < WR_STAGED_PER_PEER &&
	       naive_bytes(naive) + sizeof(struct wr_staged) + len + WR_DATA_PADDING <=
		       WR_STAGED_BYTES;
}

static unsigned naive_add(struct naive *naive, unsigned peer, uint32_t len, uint32_t number)
{
	struct naive_queue *queue = &naive->queues[peer];
	unsigned dropped = 0;

	for (; queue->count && !naive_has_room(naive, queue, len); dropped++)
		naive_drop_first(queue);
	if (!naive_has_room(naive, queue, len))
		return dropped + 1;
	queue->packets[queue->count++] = (struct naive_packet){ len, number };
	return dropped;
}

/* --- Both. --- */

struct both {
	struct wr_staging staging;
	struct naive naive;
	struct wr_peer peers[PEERS];
	uint32_t next_number;
};

static void assert_agree(const struct both *both)
{
	unsigned queues = 0;

	assert_int_equal(both->staging.bytes, naive_bytes(&both->naive));
	assert_true(both->staging.bytes <= WR_STAGED_BYTES);
	for (unsigned i = 0; i < PEERS; i++) {
		assert_int_equal(both->peers[i].owner != NULL, both->naive.queues[i].count > 0);
		queues += both->naive.queues[i].count > 0;
	}
	assert_int_equal(both->staging.first != NULL, queues > 0);
}

static void add(struct both *both, unsigned peer, uint32_t len)
{
	static uint8_t packet[65536];
	uint32_t number = both->next_number++;

	memset(packet, (int)(number & 0xff), len);
	memcpy(packet, &number, sizeof(number));
	assert_int_equal(wr_staging_add(&both->staging, &both->peers[peer],
					(struct wr_bytes){ packet, len }),
			 naive_add(&both->naive, peer, len, number));
	assert_agree(both);
}

static void take(struct both *both, unsigned peer)
{
	struct naive_queue *queue = &both->naive.queues[peer];
	struct wr_staged *staged = wr_staging_take(&both->staging, &both->peers[peer]);

	assert_int_equal(staged != NULL, queue->count > 0);
	if (!staged)
		return;
	assert_int_equal(staged->len, queue->packets[0].len);
	assert_memory_equal(staged->data, &queue->packets[0].number, 4);
	assert_int_equal(staged->data[staged->len - 1],
			 staged->len > 4 ? (uint8_t)queue->packets[0].number
					 : (uint8_t)(queue->packets[0].number >> 24));
	memset(staged->data + staged->len, 0, WR_DATA_PADDING - 1);
	wr_staging_free(staged);
	naive_drop_first(queue);
	assert_agree(both);
}

static void drop(struct both *both, unsigned peer)
{
	assert_int_equal(wr_staging_drop(&both->staging, &both->peers[peer]),
			 both->naive.queues[peer].count);
	both->naive.queues[peer].count = 0;
	assert_agree(both);
}

static void drop_removed(struct both *both)
{
	unsigned want = 0;

	for (unsigned i = 0; i < PEERS; i++) {
		if (!both->peers[i].is_removed)
			continue;
		want += both->naive.queues[i].count;
		both->naive.queues[i].count = 0;
	}
	assert_int_equal(wr_staging_drop_removed(&both->staging), want);
	assert_agree(both);
}

static void step(struct both *both, struct unit_random *random, uint32_t longest)
{
	unsigned peer = (unsigned)unit_random_below(random, PEERS);
	size_t what = unit_random_below(random, 1000);

	if (what < 600)
		add(both, peer, 4 + (uint32_t)unit_random_below(random, longest));
	else if (what < 990)
		take(both, peer);
	else if (what < 994)
		drop(both, peer);
	else if (what < 999)
		both->peers[peer].is_removed = !both->peers[peer].is_removed;
	else
		drop_removed(both);
}

/* Short packets meet the limit of a peer, long ones that of all. */
static void test_staging_equals_a_naive_twin(void **state)
{
	static const uint32_t longest[] = { 100, 2000, 65000 };
	struct unit_random random = unit_random_start(__func__);
	static struct both both;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(longest); i++) {
		both = (struct both){ 0 };
		for (unsigned j = 0; j < 20000; j++)
			step(&both, &random, longest[i]);
		wr_staging_done(&both.staging);
		assert_int_equal(both.staging.bytes, 0);
		assert_null(both.staging.first);
	}
}

static void test_staging_keeps_the_newest_128_of_a_peer(void **state)
{
	static struct both both;

	(void)state;
	for (unsigned i = 0; i < WR_STAGED_PER_PEER; i++)
		assert_int_equal(wr_staging_add(&both.staging, &both.peers[0],
						(struct wr_bytes){ (uint8_t *)&i, 4 }),
				 0);
	for (unsigned i = WR_STAGED_PER_PEER; i < WR_STAGED_PER_PEER + 10; i++)
		assert_int_equal(wr_staging_add(&both.staging, &both.peers[0],
						(struct wr_bytes){ (uint8_t *)&i, 4 }),
				 1);
	for (unsigned i = 10; i < WR_STAGED_PER_PEER + 10; i++) {
		struct wr_staged *staged = wr_staging_take(&both.staging, &both.peers[0]);

		assert_non_null(staged);
		assert_memory_equal(staged->data, &i, 4);
		wr_staging_free(staged);
	}
	assert_null(wr_staging_take(&both.staging, &both.peers[0]));
	assert_null(both.peers[0].owner);
}

/* Where others have taken all there is, a peer gets nothing, and they keep it. */
static void test_staging_is_bounded_for_all_peers(void **state)
{
	static uint8_t packet[60000];
	static struct wr_peer peers[2];
	struct wr_staging staging = { 0 };
	unsigned held = 0;

	(void)state;
	while (wr_staging_add(&staging, &peers[0], (struct wr_bytes){ packet, sizeof(packet) }) ==
	       0)
		held++;
	assert_int_equal(held, WR_STAGED_BYTES / sizeof(packet));
	assert_true(staging.bytes <= WR_STAGED_BYTES);
	assert_int_equal(wr_staging_add(&staging, &peers[1],
					(struct wr_bytes){ packet, sizeof(packet) }),
			 1);
	assert_null(peers[1].owner);
	assert_int_equal(wr_staging_drop(&staging, &peers[0]), held);
	assert_int_equal(staging.bytes, 0);
	wr_staging_done(&staging);
}

static void test_staging_free_takes_null(void **state)
{
	(void)state;
	wr_staging_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_staging_equals_a_naive_twin),
		cmocka_unit_test(test_staging_keeps_the_newest_128_of_a_peer),
		cmocka_unit_test(test_staging_is_bounded_for_all_peers),
		cmocka_unit_test(test_staging_free_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
