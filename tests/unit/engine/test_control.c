/* The control side of the engine: sockets, letters, wake-ups, memory. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "engine/control.h"
#include "engine/mail.h"
#include "engines.h"
#include "linux/clock.h"
#include "packets.h"
#include "wire/message.h"
#include "wire/packet.h"

static const struct packet_shape udp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
};

static struct heard heard;

/* A packet for the puppet's 10.9.8.0/24. */
static void give_packet(struct side *side)
{
	uint8_t packet[64 + WR_TUN_HEADER_LEN] = { 0 };
	uint32_t len = packet_build(&udp4, packet, 8, packet + WR_TUN_HEADER_LEN) +
		       (uint32_t)WR_TUN_HEADER_LEN;

	assert_int_equal(write(side->ends[0], packet, len), len);
}

static void assert_talks(struct puppet *puppet)
{
	give_packet(puppet->side);
	puppet_hear(puppet, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_DATA);
}

/* --- Life. --- */

static void test_control_frees_what_never_ran(void **state)
{
	struct wr_engine_config config = {
		.workers = 3,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
	};
	struct wr_engine *engine;

	(void)state;
	assert_int_equal(wr_engine_new(&config, &engine), 0);
	assert_int_equal(wr_engine_workers(engine), 3);
	assert_int_equal(wr_engine_listen_port(engine), 0);
	assert_null(wr_engine_free(engine));
	assert_null(wr_engine_free(NULL));
	assert_int_equal(wr_engine_new(&config, &engine), 0);
	assert_int_equal(wr_engine_listen(engine, 0, 0), 0);
	assert_int_not_equal(wr_engine_listen_port(engine), 0);
	assert_null(wr_engine_free(engine));
}

/* Where descriptors run out half-way, all is undone and told. */
static void test_control_fails_whole_when_descriptors_run_out(void **state)
{
	struct wr_engine_config config = {
		.workers = 4,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
	};
	struct rlimit before, limit;
	struct wr_engine *engine = NULL;
	int first = dup(0), error = -EMFILE;

	(void)state;
	assert_true(first > 0);
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (unsigned room = 0; error == -EMFILE; room++) {
		limit = (struct rlimit){ (rlim_t)first + room, before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		error = wr_engine_new(&config, &engine);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_true(room < 64);
	}
	assert_int_equal(error, 0);
	wr_engine_free(engine);
	int again = dup(0);

	assert_int_equal(again, first); /* no descriptor has leaked */
	close(again);
}

/* --- Sockets. --- */

static unsigned open_descriptors(void)
{
	unsigned count = 0;
	DIR *folder = opendir("/proc/self/fd");

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void test_control_listens_anew(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 2, true, 1);
	puppet_open(&puppet, &side, "10.9.8.0/24", true);
	puppet_shake_hands(&puppet);
	unsigned descriptors = open_descriptors();

	for (unsigned i = 0; i < 20; i++) {
		uint16_t before = wr_engine_listen_port(side.engine);

		assert_int_equal(wr_engine_listen(side.engine, 0, 0), 0);
		assert_int_not_equal(wr_engine_listen_port(side.engine), before);
		assert_talks(&puppet);
		assert_int_equal(
			wr_engine_listen(side.engine, wr_engine_listen_port(side.engine), 0), 0);
		assert_talks(&puppet);
	}
	assert_int_equal(open_descriptors(), descriptors);
	side_close(&side);
	puppet_close(&puppet);
}

static void test_control_keeps_its_sockets_where_the_port_is_taken(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 1, true, 1);
	puppet_open(&puppet, &side, "10.9.8.0/24", true);
	puppet_shake_hands(&puppet);
	uint16_t before = wr_engine_listen_port(side.engine);

	assert_int_equal(wr_engine_listen(side.engine, puppet.self.port, 0), -EADDRINUSE);
	assert_int_equal(wr_engine_listen_port(side.engine), before);
	assert_talks(&puppet);
	side_close(&side);
	puppet_close(&puppet);
}

static void test_control_counts_what_it_cannot_send_without_sockets(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 1, true, 1);
	puppet_open(&puppet, &side, "10.9.8.0/24", true);
	puppet_shake_hands(&puppet);
	wr_engine_unlisten(side.engine);
	wr_engine_unlisten(side.engine);
	assert_int_equal(wr_engine_listen_port(side.engine), 0);
	give_packet(&side);
	side_await(&side, WR_DROP_UDP, 1);
	assert_int_equal(wr_engine_listen(side.engine, 0, 0), 0);
	assert_talks(&puppet);
	side_close(&side);
	puppet_close(&puppet);
}

static void test_control_marks_its_sockets(void **state)
{
	struct side side;

	(void)state;
	side_open(&side, 2, true, 1);
	assert_int_equal(wr_engine_set_mark(side.engine, 7), 0);
	assert_int_equal(wr_engine_listen(side.engine, 0, 8), 0);
	assert_int_equal(wr_engine_set_mark(side.engine, 0), 0);
	side_close(&side);
}

/* --- Wake-ups. --- */

/* The engine sends, itself, the first packet on a session, and nothing comes back:
 * it must notice by its timers that the other side is silent (here after 0.75 s),
 * though nobody wakes it up. The address is known to the last detail, so that
 * nothing has changed that would have to be freed. */
static void test_control_watches_what_it_sent_itself(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 1, true, 20);
	puppet_open(&puppet, &side, "10.9.8.0/24", false);
	struct wr_endpoint endpoint = puppet.self;

	endpoint.local = endpoint.ip;
	endpoint.interface = 1;
	wr_peer_set_endpoint(puppet.as_peer, &endpoint);
	side_turn(&side);
	give_packet(&side);
	puppet_hear(&puppet, &heard);
	puppet_answer(&puppet, &heard);
	puppet_hear(&puppet, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_DATA);
	puppet_hear(&puppet, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_INITIATION);
	side_close(&side);
	puppet_close(&puppet);
}

/* --- A flood. --- */

struct flood {
	struct wr_endpoint to;
	struct wr_key public_key;
	_Atomic bool is_over;
};

/* Initiations that only a look inside shows to be none. */
static void fill_flood(const struct wr_key *public_key, uint8_t messages[64][WR_INITIATION_LEN])
{
	struct wr_cookie_jar jar = { 0 };

	wr_cookie_jar_init(&jar, public_key);
	for (unsigned i = 0; i < 64; i++) {
		wr_random(messages[i], WR_INITIATION_LEN);
		memcpy(messages[i], (uint8_t[]){ WR_MESSAGE_INITIATION, 0, 0, 0 }, 4);
		wr_cookie_jar_sign(&jar, wr_clock_now(), messages[i], WR_INITIATION_LEN);
	}
}

/* Ends at the latest after 10 s, so that who drowns in it gets out again. */
static void *run_flood(void *context)
{
	static uint8_t messages[64][WR_INITIATION_LEN];
	struct flood *flood = context;
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_S(10));
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(flood->to.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	struct iovec parts[64];
	struct mmsghdr calls[64] = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	fill_flood(&flood->public_key, messages);
	for (unsigned i = 0; i < 64; i++) {
		parts[i] = (struct iovec){ messages[i], WR_INITIATION_LEN };
		calls[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						    .msg_namelen = sizeof(to),
						    .msg_iov = &parts[i],
						    .msg_iovlen = 1 };
	}
	while (!atomic_load(&flood->is_over) && !wr_is_past(until, wr_clock_now()))
		sendmmsg(fd, calls, 64, 0);
	close(fd);
	return NULL;
}

static struct wr_instant cpu_now(void)
{
	struct timespec used;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
	return (struct wr_instant){ (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec };
}

/* Runs the side for a moment; the longest of its turns, in time of the CPU. */
static struct wr_span longest_turn(struct side *side, struct wr_span span)
{
	struct wr_instant until = wr_after(wr_clock_now(), span);
	struct wr_span longest = { 0 };

	while (!wr_is_past(until, wr_clock_now())) {
		struct wr_instant before = cpu_now();

		side_turn(side);
		struct wr_span took = { cpu_now().ns - before.ns };

		longest = took.ns > longest.ns ? took : longest;
	}
	return longest;
}

/* Configuration and timers get their turn while strangers knock, also when memory
 * is to be reclaimed, for which the letters are read first. */
static void test_control_is_not_held_up_by_a_flood(void **state)
{
	struct flood flood;
	struct side side;
	pthread_t thread;

	(void)state;
	side_open(&side, 1, true, 1);
	flood = (struct flood){ .to = side_endpoint(&side), .public_key = side.public_key };
	assert_int_equal(pthread_create(&thread, NULL, run_flood, &flood), 0);
	for (uint8_t i = 1; i <= 10; i++) {
		struct wr_key key = { { i } };

		wr_peer_remove(side_add_peer(&side, &key, NULL, NULL));
		struct wr_span longest = longest_turn(&side, WR_SPAN_MS(100));

		print_message("longest turn: %u us\n", (unsigned)(longest.ns / 1000));
		assert_true(longest.ns < WR_SPAN_S(1).ns);
	}
	atomic_store(&flood.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	struct wr_counters counters;

	wr_engine_counters(side.engine, &counters);
	assert_true(counters.sent_cookies > 0);
	assert_true(counters.verdicts[WR_DROP_COOKIE] > counters.verdicts[WR_DROP_FORGED]);
	side_close(&side);
}

struct writer {
	struct wr_ring *ring;
	struct wr_key public_key;
	_Atomic bool is_over;
};

/* Fills a worker's ring faster than anyone can read it, in the worker's place, who
 * hears nothing; for 10 s at the most. */
static void *run_writer(void *context)
{
	static uint8_t messages[64][WR_INITIATION_LEN];
	struct writer *writer = context;
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_S(10));
	struct wr_letter letter = { .kind = WR_LETTER_HANDSHAKE, .from = loopback_endpoint(9) };

	fill_flood(&writer->public_key, messages);
	while (!atomic_load(&writer->is_over) && !wr_is_past(until, wr_clock_now()))
		for (unsigned i = 0; i < 64; i++)
			(void)!wr_mail_push(writer->ring, &letter,
					    (struct wr_bytes){ messages[i], WR_INITIATION_LEN });
	return NULL;
}

/* To reclaim memory all letters must be read that were written before, but not those
 * that are written meanwhile. */
static void test_control_reclaims_while_letters_are_written(void **state)
{
	struct writer writer;
	struct side side;
	pthread_t thread;

	(void)state;
	side_open(&side, 1, true, 1);
	writer = (struct writer){ side.engine->workers[0].mail, side.public_key, false };
	assert_int_equal(pthread_create(&thread, NULL, run_writer, &writer), 0);
	for (unsigned i = 0; i < 5; i++) {
		while (wr_ring_used(writer.ring) < WR_MAIL_LEN / 2)
			sched_yield();
		struct wr_instant before = cpu_now();

		assert_int_equal(wr_engine_listen(side.engine, 0, 0), 0); /* reclaims */
		assert_true(cpu_now().ns - before.ns < WR_SPAN_S(2).ns);
	}
	atomic_store(&writer.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	side_close(&side);
}

/* --- Peers. --- */

/* A worker asks for a peer that is removed meanwhile: nobody looks for it when its
 * memory is gone. */
static void test_control_forgets_who_asks_for_a_removed_peer(void **state)
{
	struct wr_key keys[2] = { { { 1 } }, { { 2 } } };
	struct wr_peer *peers[2];
	struct side side;

	(void)state;
	side_open(&side, 1, true, 1);
	for (unsigned i = 0; i < 2; i++)
		peers[i] = side_add_peer(&side, &keys[i], NULL, NULL);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(wr_peer_ask(peers[i], WR_ATTENTION_TIMERS), i == 0);
	wr_peer_remove(peers[0]);
	assert_int_equal(wr_engine_listen(side.engine, 0, 0), 0); /* reclaims */
	side_turn(&side);
	side_close(&side);
}

/* A letter names a peer that is removed meanwhile: it is read before the peer's
 * memory goes. */
static void test_control_reads_letters_of_a_removed_peer(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 1, true, 1);
	puppet_open(&puppet, &side, "10.9.8.0/24", true);
	side_turn(&side);
	give_packet(&side);
	struct pollfd control = { wr_engine_fd(side.engine), POLLIN, 0 };

	assert_int_equal(poll(&control, 1, PATIENCE_MS), 1);
	wr_peer_remove(puppet.as_peer);
	assert_int_equal(wr_engine_listen(side.engine, 0, 0), 0); /* reclaims */
	assert_int_equal(side_verdicts(&side, WR_DROP_STAGED), 1);
	side_turn(&side);
	side_close(&side);
	puppet_close(&puppet);
}

/* Peers that come and go with all they own: the address sanitizer watches. */
static void test_control_reclaims_removed_peers(void **state)
{
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 2, true, 1);
	for (unsigned i = 0; i < 30; i++) {
		puppet_open(&puppet, &side, "10.9.8.0/24", true);
		puppet_shake_hands(&puppet);
		assert_talks(&puppet);
		give_packet(&side);
		wr_peer_remove(puppet.as_peer);
		puppet_close(&puppet);
		if (i % 3 == 0)
			side_turn(&side);
	}
	struct wr_counters counters;

	wr_engine_counters(side.engine, &counters);
	assert_int_equal(counters.handshakes, 30);
	side_close(&side);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_frees_what_never_ran),
		cmocka_unit_test(test_control_fails_whole_when_descriptors_run_out),
		cmocka_unit_test(test_control_listens_anew),
		cmocka_unit_test(test_control_keeps_its_sockets_where_the_port_is_taken),
		cmocka_unit_test(test_control_counts_what_it_cannot_send_without_sockets),
		cmocka_unit_test(test_control_marks_its_sockets),
		cmocka_unit_test(test_control_watches_what_it_sent_itself),
		cmocka_unit_test(test_control_is_not_held_up_by_a_flood),
		cmocka_unit_test(test_control_reclaims_while_letters_are_written),
		cmocka_unit_test(test_control_forgets_who_asks_for_a_removed_peer),
		cmocka_unit_test(test_control_reads_letters_of_a_removed_peer),
		cmocka_unit_test(test_control_reclaims_removed_peers),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
