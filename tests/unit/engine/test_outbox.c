#include "engine/outbox.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "unit.h"
#include "wg/port.h"
#include "wire/message.h"

/* Flows go to both families in turn. */
#define FLOWS 4
#define PACKET_MAX 65535
/* Longer than the kernel takes for a loopback datagram, by far. */
#define PATIENCE_MS 5000

/* A message on its way. */
struct sent {
	struct sent *next;
	uint64_t counter;
	uint8_t ecn;
	uint32_t len; /* of the plaintext with its padding */
	uint8_t plain[];
};

struct lane {
	struct wr_peer *peer;
	struct wr_session *session;
	struct wr_endpoint endpoint;
	struct wr_key key;
	struct sent *first, **last;
	uint64_t bytes, messages; /* of all that was added */
};

struct link {
	const struct wr_aead *aead;
	struct wr_aead_context *seal_context, *open_context;
	struct wr_udp_sockets here, there;
	struct wr_udp_receiver *receiver;
	struct wr_port *port;
	struct wr_tally tally;
	struct wr_outbox outbox;
	struct lane lanes[FLOWS];
	uint64_t taken; /* messages that came */
};

/* --- A loopback of our own, and what is sent over it. --- */

static void bring_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static int make_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("a network namespace needs root: %s", strerror(errno));
	bring_loopback_up();
	assert_int_equal(wr_crypto_start(), 0);
	return 0;
}

static void open_lane(struct link *link, struct wr_device *device, unsigned number)
{
	struct lane *lane = &link->lanes[number];
	bool is_v4 = number % 2 == 0;
	struct wr_transport_keys keys;
	struct wr_key public_key;

	wr_random(&keys, sizeof(keys));
	wr_random(&public_key, sizeof(public_key));
	lane->key = keys.send;
	lane->peer = wr_device_add_peer(device, &public_key);
	lane->session = wr_session_new(lane->peer, &keys, true, &wr_timing_paper, wr_clock_now());
	lane->session->remote_index = number;
	lane->last = &lane->first;
	lane->endpoint.ip.family = is_v4 ? WR_IPV4 : WR_IPV6;
	lane->endpoint.ip.bytes[0] = is_v4 ? 127 : 0;
	lane->endpoint.ip.bytes[is_v4 ? 3 : 15] = 1;
	lane->endpoint.port = link->there.port;
}

static struct link *link_new(void)
{
	struct link *link = calloc(1, sizeof(*link));
	struct wr_siphash_key hash_key = { { 1 } };
	struct wr_device *device;

	assert_non_null(link);
	assert_int_equal(wr_udp_open(0, 0, 1, &link->here), 0);
	assert_int_equal(wr_udp_open(0, 0, 1, &link->there), 0);
	link->aead = wr_aead_pick(NULL);
	link->seal_context = link->aead->context_new();
	link->open_context = link->aead->context_new();
	link->receiver = wr_udp_receiver_new();
	link->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert_true(wr_outbox_init(&link->outbox, link->aead, link->seal_context, &link->tally));
	link->outbox.v4 = link->here.v4[0];
	link->outbox.v6 = link->here.v6[0];
	link->outbox.now = wr_clock_now();
	device = wr_device_new(link->port);
	for (unsigned i = 0; i < FLOWS; i++)
		open_lane(link, device, i);
	return link;
}

static void link_free(struct link *link)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		assert_null(link->lanes[i].first);
		wr_session_free_retired(&link->lanes[i].session->retired);
	}
	wr_outbox_done(&link->outbox);
	wr_udp_close(&link->here);
	wr_udp_close(&link->there);
	wr_udp_receiver_free(link->receiver);
	link->aead->context_free(link->seal_context);
	link->aead->context_free(link->open_context);
	wr_port_free(link->port);
	free(link);
}

/* --- What lies in the outbox. --- */

/* What UDP_SEGMENT can send: pieces of one size, the last perhaps shorter, each a
 * message of its own. */
static void assert_well_formed(const struct wr_udp_burst *burst)
{
	assert_true(burst->segment > 0 && burst->segment <= burst->len);
	assert_true(burst->len <= burst->segment * WR_UDP_MAX_SEGMENTS);
	assert_true(burst->len <= WR_UDP_MAX_PAYLOAD || burst->len == burst->segment);
	assert_true(burst->tos <= 3);
	for (uint32_t at = 0; at < burst->len; at += burst->segment) {
		uint32_t left = burst->len - at;
		uint32_t len = left < burst->segment ? left : burst->segment;

		assert_int_equal(wr_message_type((struct wr_bytes){ burst->data + at, len }),
				 WR_MESSAGE_DATA);
	}
}

static void assert_bursts(const struct wr_outbox *outbox)
{
	size_t used = 0;

	assert_true(outbox->count <= WR_UDP_BATCH);
	for (unsigned i = 0; i < outbox->count; i++) {
		const struct wr_udp_burst *burst = &outbox->bursts[i];

		assert_ptr_equal(burst->data, outbox->buffer + used);
		assert_int_equal(burst->remote.ip.family, outbox->bursts[0].remote.ip.family);
		assert_well_formed(burst);
		used += burst->len;
	}
	assert_int_equal(outbox->used, used);
}

static void remember(struct lane *lane, uint64_t counter, const uint8_t *plain, uint32_t len,
		     uint32_t padded, uint8_t ecn)
{
	struct sent *sent = calloc(1, sizeof(*sent) + padded);

	assert_non_null(sent);
	sent->counter = counter;
	sent->ecn = ecn;
	sent->len = padded;
	memcpy(sent->plain, plain, len);
	*lane->last = sent;
	lane->last = &sent->next;
	lane->bytes += padded + WR_DATA_OVERHEAD;
	lane->messages++;
}

/* Adds one message; what stands behind the plaintext must be there afterwards. */
static void add(struct link *link, unsigned number, uint32_t len, uint32_t mtu, uint8_t tos)
{
	static uint8_t plain[PACKET_MAX + WR_DATA_PADDING];
	struct lane *lane = &link->lanes[number];
	struct wr_flow flow = { lane->peer, lane->session, 1, lane->endpoint };
	uint32_t padded = (uint32_t)wr_data_padded(len, mtu);
	uint64_t counter;

	assert_true(wr_session_take_counters(lane->session, 1, &counter));
	for (uint32_t i = 0; i < len + WR_DATA_PADDING; i++)
		plain[i] = (uint8_t)(counter * 7 + i * 13 + 1);
	remember(lane, counter, plain, len, padded, tos & 3);
	wr_outbox_add(&link->outbox, &flow, counter, plain, len, mtu, tos);
	for (uint32_t i = 0; i < len + WR_DATA_PADDING; i++)
		assert_int_equal(plain[i], (uint8_t)(counter * 7 + i * 13 + 1));
	assert_bursts(&link->outbox);
}

/* --- What comes out on the other side. --- */

static void take_message(struct link *link, const struct wr_udp_burst *burst, uint8_t *data,
			 uint32_t len)
{
	assert_true(len >= WR_DATA_OVERHEAD);
	assert_true(wr_data_receiver(data) < FLOWS);
	struct lane *lane = &link->lanes[wr_data_receiver(data)];
	struct sent *sent = lane->first;

	assert_non_null(sent);
	assert_int_equal(wr_data_counter(data), sent->counter);
	assert_int_equal(len - WR_DATA_OVERHEAD, sent->len);
	assert_int_equal(burst->tos, sent->ecn);
	struct wr_aead_job job = {
		.src = data + WR_DATA_HEADER_LEN,
		.dst = data + WR_DATA_HEADER_LEN,
		.len = sent->len,
		.counter = sent->counter,
	};

	link->aead->open(link->open_context, &lane->key, &job, 1);
	assert_true(job.is_authentic);
	assert_memory_equal(job.dst, sent->plain, sent->len);
	lane->first = sent->next;
	if (!lane->first)
		lane->last = &lane->first;
	free(sent);
	link->taken++;
}

static void take_waiting(struct link *link, int fd)
{
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	int count = wr_udp_receive(fd, link->receiver, bursts);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		for (uint32_t at = 0; at < bursts[i].len; at += bursts[i].segment) {
			uint32_t left = bursts[i].len - at;

			take_message(link, &bursts[i], bursts[i].data + at,
				     left < bursts[i].segment ? left : bursts[i].segment);
		}
	}
}

static bool is_all_taken(const struct link *link)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (link->lanes[i].first)
			return false;
	return true;
}

/* Sends what is gathered; all of it comes. */
static void flush(struct link *link)
{
	struct pollfd fds[2] = {
		{ .fd = link->there.v4[0], .events = POLLIN },
		{ .fd = link->there.v6[0], .events = POLLIN },
	};

	wr_outbox_flush(&link->outbox);
	assert_int_equal(link->outbox.count, 0);
	assert_int_equal(link->outbox.used, 0);
	while (!is_all_taken(link)) {
		assert_true(poll(fds, 2, PATIENCE_MS) > 0);
		take_waiting(link, fds[0].fd);
		take_waiting(link, fds[1].fd);
	}
}

static void assert_dropped(const struct link *link, uint64_t count)
{
	assert_int_equal(atomic_load(&link->tally.verdicts[WR_DROP_UDP]), count);
}

/* --- Tests. --- */

static void test_outbox_sends_what_opens_on_the_other_side(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	struct link *link = link_new();
	uint32_t len = 0, mtu = 0;
	unsigned lane = 0;
	uint8_t tos = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		if (unit_random_below(&random, 10) == 0)
			lane = (unsigned)unit_random_below(&random, FLOWS);
		if (unit_random_below(&random, 10) == 0)
			len = (uint32_t)unit_random_below(&random, 1500);
		if (unit_random_below(&random, 500) == 0)
			len = (uint32_t)unit_random_below(&random, 60000);
		if (unit_random_below(&random, 20) == 0)
			mtu = (uint32_t)unit_random_below(&random, 1600);
		if (unit_random_below(&random, 30) == 0)
			tos = (uint8_t)unit_random_next(&random);
		add(link, lane, len, mtu, tos);
		if (wr_outbox_is_full(&link->outbox) || unit_random_below(&random, 100) == 0)
			flush(link);
	}
	flush(link);
	assert_int_equal(link->taken, 20000);
	assert_int_equal(atomic_load(&link->tally.tx_packets), 20000);
	assert_dropped(link, 0);
	link_free(link);
}

static void test_outbox_gathers_64_messages_in_a_burst(void **state)
{
	struct link *link = link_new();

	(void)state;
	for (unsigned i = 0; i < 2 * 64 + 1; i++)
		add(link, 0, 100, 1420, 0);
	assert_int_equal(link->outbox.count, 3);
	assert_int_equal(link->outbox.bursts[0].len, 64 * link->outbox.bursts[0].segment);
	assert_int_equal(link->outbox.bursts[2].len, link->outbox.bursts[2].segment);
	flush(link);
	link_free(link);
}

static void test_outbox_gathers_65507_bytes_in_a_burst(void **state)
{
	struct link *link = link_new();

	(void)state;
	for (unsigned i = 0; i < 46; i++)
		add(link, 1, 1408, 1420, 0);
	assert_int_equal(link->outbox.count, 2);
	assert_int_equal(link->outbox.bursts[0].len, 45 * 1440);
	flush(link);

	/* Just as long as it may be: 65507 - 32, halved; and one byte more. */
	add(link, 0, 32737, 0, 0);
	add(link, 0, 32706, 0, 0);
	assert_int_equal(link->outbox.count, 1);
	assert_int_equal(link->outbox.bursts[0].len, WR_UDP_MAX_PAYLOAD);
	flush(link);
	add(link, 0, 32737, 0, 0);
	add(link, 0, 32707, 0, 0);
	assert_int_equal(link->outbox.count, 2);
	flush(link);
	link_free(link);
}

/* Only the last message of a burst may be shorter, and none longer. */
static void test_outbox_begins_a_burst_after_a_shorter_message(void **state)
{
	static const uint32_t lens[] = { 500, 500, 400, 400, 400, 500, 16, 32 };
	static const uint32_t want[] = { 3, 2, 2, 1 };
	struct link *link = link_new();

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(lens); i++)
		add(link, 2, lens[i], 1420, 0);
	assert_int_equal(link->outbox.count, WR_ARRAY_LEN(want));
	for (size_t i = 0; i < WR_ARRAY_LEN(want); i++) {
		const struct wr_udp_burst *burst = &link->outbox.bursts[i];

		assert_int_equal((burst->len + burst->segment - 1) / burst->segment, want[i]);
	}
	flush(link);
	link_free(link);
}

/* What a socket's call has in common: the peer, its address, and ECN. */
static void test_outbox_begins_a_burst_for_another_flow(void **state)
{
	struct link *link = link_new();

	(void)state;
	add(link, 0, 100, 1420, 0);
	add(link, 2, 100, 1420, 0);
	add(link, 2, 100, 1420, 0xfc); /* DSCP does not count */
	add(link, 2, 100, 1420, 1);
	add(link, 0, 100, 1420, 1);
	assert_int_equal(link->outbox.count, 4);
	add(link, 1, 100, 1420, 0); /* the other family: another socket */
	assert_int_equal(link->outbox.count, 1);
	flush(link);
	link_free(link);
}

static void test_outbox_sends_when_it_has_eight_bursts(void **state)
{
	struct link *link = link_new();

	(void)state;
	for (unsigned i = 0; i < WR_UDP_BATCH; i++)
		add(link, 2 * (i % 2), 100, 1420, 0);
	assert_int_equal(link->outbox.count, WR_UDP_BATCH);
	add(link, 0, 100, 1420, 0);
	assert_int_equal(link->outbox.count, 1);
	flush(link);
	link_free(link);
}

static void test_outbox_is_full_at_128_kib(void **state)
{
	struct link *link = link_new();

	(void)state;
	add(link, 0, 60000, 1420, 0);
	add(link, 0, 60000, 1420, 0);
	assert_false(wr_outbox_is_full(&link->outbox));
	add(link, 0, 60000, 1420, 0);
	assert_true(wr_outbox_is_full(&link->outbox));
	assert_int_equal(link->outbox.count, 3);
	add(link, 0, 60000, 1420, 0); /* does not fit the buffer */
	assert_int_equal(link->outbox.count, 1);
	flush(link);
	link_free(link);
}

/* The longest IP packet is longer than the longest datagram. */
static void test_outbox_counts_what_the_kernel_refuses(void **state)
{
	struct link *link = link_new();
	struct lane *lane = &link->lanes[0];

	(void)state;
	add(link, 0, PACKET_MAX, PACKET_MAX, 0);
	wr_outbox_flush(&link->outbox);
	assert_dropped(link, 1);
	free(lane->first);
	lane->first = NULL;
	lane->last = &lane->first;
	add(link, 0, 100, 1420, 0);
	flush(link);
	assert_dropped(link, 1);
	link_free(link);
}

static void test_outbox_counts_what_has_no_socket(void **state)
{
	struct link *link = link_new();

	(void)state;
	link->outbox.v4 = -1;
	for (unsigned i = 0; i < 70; i++)
		add(link, 0, 100, 1420, 0);
	add(link, 0, 50, 1420, 0);
	wr_outbox_flush(&link->outbox);
	assert_dropped(link, 71);
	while (link->lanes[0].first) {
		struct sent *sent = link->lanes[0].first;

		link->lanes[0].first = sent->next;
		free(sent);
	}
	link_free(link);
}

static void test_outbox_notes_in_the_peer_what_it_sent(void **state)
{
	struct link *link = link_new();

	(void)state;
	add(link, 0, 0, 1420, 0); /* keepalives */
	add(link, 0, 0, 1420, 0);
	add(link, 2, 100, 1420, 0);
	add(link, 1, 100, 1420, 0);
	flush(link);
	for (unsigned i = 0; i < FLOWS; i++) {
		const struct lane *lane = &link->lanes[i];
		const struct wr_activity *activity = &lane->peer->activity;
		bool has_data = i == 1 || i == 2;

		assert_int_equal(atomic_load(&activity->tx_bytes), lane->bytes);
		assert_int_equal(atomic_load(&activity->unanswered_sent),
				 has_data ? link->outbox.now.ns : 0);
		assert_int_equal(atomic_load(&activity->last_traversal),
				 lane->messages ? link->outbox.now.ns : 0);
	}
	assert_true(link->outbox.wakes_control);
	link_free(link);
}

/* Of many flushes, none is noted twice or left out. */
static void test_outbox_notes_every_byte_once(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	struct link *link = link_new();

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		add(link, (unsigned)unit_random_below(&random, FLOWS),
		    (uint32_t)unit_random_below(&random, 3) * 50, 1420, 0);
		if (unit_random_below(&random, 20) == 0)
			flush(link);
	}
	flush(link);
	for (unsigned i = 0; i < FLOWS; i++)
		assert_int_equal(atomic_load(&link->lanes[i].peer->activity.tx_bytes),
				 link->lanes[i].bytes);
	link_free(link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbox_sends_what_opens_on_the_other_side),
		cmocka_unit_test(test_outbox_gathers_64_messages_in_a_burst),
		cmocka_unit_test(test_outbox_gathers_65507_bytes_in_a_burst),
		cmocka_unit_test(test_outbox_begins_a_burst_after_a_shorter_message),
		cmocka_unit_test(test_outbox_begins_a_burst_for_another_flow),
		cmocka_unit_test(test_outbox_sends_when_it_has_eight_bursts),
		cmocka_unit_test(test_outbox_is_full_at_128_kib),
		cmocka_unit_test(test_outbox_counts_what_the_kernel_refuses),
		cmocka_unit_test(test_outbox_counts_what_has_no_socket),
		cmocka_unit_test(test_outbox_notes_in_the_peer_what_it_sent),
		cmocka_unit_test(test_outbox_notes_every_byte_once),
	};

	return cmocka_run_group_tests(tests, make_namespace, NULL);
}
