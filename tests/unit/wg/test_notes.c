#include "wg/notes.h"

#include <pthread.h>
#include <sched.h>

#include "link.h"
#include "unit.h"
#include "wg/timers.h"

static bool asks(const struct wr_peer *peer)
{
	return atomic_load(&peer->activity.attention) != 0;
}

static void test_notes_ask_wakes_once(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	assert_true(wr_peer_ask(link.a.peer, WR_ATTENTION_TIMERS));
	assert_false(wr_peer_ask(link.a.peer, WR_ATTENTION_TIMERS));
	assert_false(wr_peer_ask(link.a.peer, WR_ATTENTION_REKEY));
	assert_false(end_poll(&link, &link.a, &output));
	assert_false(asks(link.a.peer));
	assert_true(wr_peer_ask(link.a.peer, WR_ATTENTION_TIMERS));
	link_end(&link);
}

/* The stack wakes once for all peers on it. */
static void test_notes_ask_wakes_once_for_all(void **state)
{
	struct wr_key key = { { 77 } };
	struct link link;
	struct wr_peer *other;

	(void)state;
	link_start(&link);
	other = wr_device_add_peer(link.a.device, &key);
	assert_true(wr_peer_ask(link.a.peer, WR_ATTENTION_TIMERS));
	assert_false(wr_peer_ask(other, WR_ATTENTION_TIMERS));
	end_is_quiet(&link, &link.a);
	assert_false(asks(link.a.peer));
	assert_false(asks(other));
	link_end(&link);
}

/* In steady traffic the port's thread is asked when it does not watch, and then
 * left alone for keepalive_timeout. */
static void test_notes_steady_traffic_asks_seldom(void **state)
{
	struct link link;
	struct wr_output output;
	unsigned asked = 0;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	end_is_quiet(&link, &link.a);
	end_is_quiet(&link, &link.b);
	for (unsigned i = 0; i < 100000; i++) {
		link_packet(&link, &link.a, true, true);
		link_packet(&link, &link.b, true, true);
		asked += asks(link.a.peer);
		assert_false(end_poll(&link, &link.a, &output));
		assert_false(end_poll(&link, &link.b, &output));
		link_advance(&link, MS);
	}
	/* 100 s. */
	assert_true(asked <= 11);
	assert_true(asked >= 1);
	link_end(&link);
}

static void test_notes_last_traversal_moves_in_steps(void **state)
{
	struct link link;
	uint64_t first;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, S);
	link_packet(&link, &link.a, true, true);
	first = end_note(&link.a.peer->activity.last_traversal);
	assert_int_equal(first, link_now(&link));
	link_advance(&link, MS);
	link_packet(&link, &link.a, true, true);
	assert_int_equal(end_note(&link.a.peer->activity.last_traversal), first);
	link_advance(&link, 1);
	link_packet(&link, &link.a, true, true);
	assert_int_equal(end_note(&link.a.peer->activity.last_traversal), link_now(&link));
	link_end(&link);
}

static void test_notes_first_packet_asks_to_confirm_once(void **state)
{
	struct link link;
	struct wr_output initiation, response, output;
	struct wr_session *waiting;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &response), WR_TAKEN);
	waiting = link.b.peer->next;
	assert_null(end_session(&link, &link.b));
	assert_true(wr_peer_note_received(link.b.peer, waiting, link.moment.now, 32, false));
	/* The answer to that packet already goes with it. */
	assert_ptr_equal(end_session(&link, &link.b), waiting);
	assert_false(wr_peer_note_received(link.b.peer, waiting, link.moment.now, 32, false));
	assert_int_equal(atomic_load(&link.b.peer->activity.attention), WR_ATTENTION_CONFIRM);
	assert_true(end_poll(&link, &link.b, &output));
	assert_ptr_equal(end_session(&link, &link.b), waiting);
	wr_peer_note_received(link.b.peer, waiting, link.moment.now, 32, false);
	assert_false(asks(link.b.peer));
	link_end(&link);
}

/* --- Two threads: no note is lost between them. --- */

#define CROWD 2
#define WORKERS 2
#define BURSTS 500
#define BURST 60

struct crowd {
	struct wr_peer *peers[CROWD];
	struct wr_session *sessions[CROWD];
	_Atomic unsigned bursts_begun, bursts_over; /* over: of all workers together */
};

struct worker {
	struct crowd *crowd;
	struct unit_random random;
};

/* Sends or receives as the data plane does, data or keepalives; the time stands
 * still. */
static void touch(struct crowd *crowd, struct unit_random *random)
{
	size_t which = unit_random_below(random, CROWD);
	bool has_data = unit_random_below(random, 3) == 0;
	struct wr_instant now = { 2000 * S };

	if (unit_random_below(random, 2))
		wr_peer_note_sent(crowd->peers[which], crowd->sessions[which], now, 1, has_data);
	else
		wr_peer_note_received(crowd->peers[which], crowd->sessions[which], now, 1,
				      has_data);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct crowd *crowd = worker->crowd;

	for (unsigned burst = 1; burst <= BURSTS; burst++) {
		while (atomic_load(&crowd->bursts_begun) < burst)
			sched_yield();
		for (unsigned i = 0; i < BURST; i++)
			touch(crowd, &worker->random);
		atomic_fetch_add(&crowd->bursts_over, 1);
	}
	return NULL;
}

static struct wr_session *session_of(struct wr_peer *peer)
{
	struct wr_transport_keys keys = { 0 };
	struct wr_session *session = wr_session_new(peer, &keys, true, &wr_timing_paper,
						    (struct wr_instant){ 2000 * S });

	assert_non_null(session);
	return session;
}

/* Whenever the port's thread has nothing to look at, each armed note is watched by
 * a deadline no later than it is due. */
static void check_watched(const struct wr_peer *peer)
{
	struct wr_notes notes = wr_notes_of(peer);

	if (!wr_notes_is_armed(&notes))
		return;
	assert_true(atomic_load(&peer->activity.is_watched));
	assert_true(wr_heap_has(&peer->timer));
	assert_true(peer->timer.deadline.ns <= 2010 * S);
}

static void crowd_start(struct crowd *crowd, struct wr_device *device)
{
	for (uint8_t i = 0; i < CROWD; i++) {
		struct wr_key key = { { 1, i } };

		crowd->peers[i] = wr_device_add_peer(device, &key);
		assert_non_null(crowd->peers[i]);
		crowd->sessions[i] = session_of(crowd->peers[i]);
	}
}

/* Looks at all peers, as it does when their deadlines come. */
static void look(struct link *link, const struct crowd *crowd)
{
	struct wr_output output;

	for (size_t i = 0; i < CROWD; i++)
		wr_timers_look_soon(crowd->peers[i]);
	assert_false(end_poll(link, &link->a, &output));
}

/* The port's thread looks while they work; when they rest, nothing may be missing. */
static void watch(struct link *link, struct crowd *crowd)
{
	struct wr_output output;

	for (unsigned burst = 1; burst <= BURSTS; burst++) {
		atomic_store(&crowd->bursts_begun, burst);
		while (atomic_load(&crowd->bursts_over) < burst * WORKERS) {
			look(link, crowd);
			sched_yield();
		}
		assert_false(end_poll(link, &link->a, &output));
		for (size_t i = 0; i < CROWD; i++)
			check_watched(crowd->peers[i]);
	}
}

static void test_notes_are_never_lost_between_threads(void **state)
{
	struct crowd crowd = { .bursts_begun = 0 };
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	struct link link;

	(void)state;
	link_start(&link);
	link.moment.now.ns = 2000 * S;
	crowd_start(&crowd, link.a.device);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ &crowd, { unit_random_next(&link.random) } };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	watch(&link, &crowd);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < CROWD; i++)
		wr_session_free_retired(&crowd.sessions[i]->retired);
	link_end(&link);
}

/* The same, a short burst at a time, so that the end is seen often. */
static void test_notes_are_watched_after_each_burst(void **state)
{
	struct link link;
	struct wr_output output;
	struct wr_session *session;
	struct unit_random random = unit_random_start("notes");

	(void)state;
	link_start(&link);
	link.moment.now.ns = 2000 * S;
	session = session_of(link.a.peer);
	for (unsigned round = 0; round < 100000; round++) {
		if (unit_random_below(&random, 2))
			wr_peer_note_sent(link.a.peer, session, link.moment.now, 1, true);
		if (unit_random_below(&random, 2))
			wr_peer_note_received(link.a.peer, session, link.moment.now, 1,
					      unit_random_below(&random, 2));
		if (unit_random_below(&random, 4))
			continue;
		assert_false(end_poll(&link, &link.a, &output));
		check_watched(link.a.peer);
	}
	wr_session_free_retired(&session->retired);
	link_end(&link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_ask_wakes_once),
		cmocka_unit_test(test_notes_ask_wakes_once_for_all),
		cmocka_unit_test(test_notes_steady_traffic_asks_seldom),
		cmocka_unit_test(test_notes_last_traversal_moves_in_steps),
		cmocka_unit_test(test_notes_first_packet_asks_to_confirm_once),
		cmocka_unit_test(test_notes_are_never_lost_between_threads),
		cmocka_unit_test(test_notes_are_watched_after_each_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
