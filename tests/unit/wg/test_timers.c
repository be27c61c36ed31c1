#include "link.h"
#include "unit.h"

/* The paper's and the kernel's: see wg/timing.h. */
#define REKEY_TIMEOUT (5 * S)
#define JITTER (333 * MS)
#define KEEPALIVE_TIMEOUT (10 * S)

static void assert_between(uint64_t value, uint64_t least, uint64_t most)
{
	assert_true(value >= least);
	assert_true(value <= most);
}

static bool is_initiation(const struct wr_output *output)
{
	return output->kind == WR_OUTPUT_DATAGRAM && output->len == WR_INITIATION_LEN;
}

/* --- A handshake that nobody answers. --- */

static void test_timers_retry_until_ninety_seconds_are_over(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t start, last;
	unsigned sent = 1;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &output);
	start = last = link_now(&link);
	for (;;) {
		assert_true(end_wait(&link, &link.a, 100 * S, &output));
		if (output.kind == WR_OUTPUT_GIVE_UP)
			break;
		assert_true(is_initiation(&output));
		assert_between(link_now(&link) - last, REKEY_TIMEOUT, REKEY_TIMEOUT + JITTER);
		last = link_now(&link);
		sent++;
	}
	assert_ptr_equal(output.peer, link.a.peer);
	assert_int_equal(link_now(&link) - start, 90 * S);
	assert_between(sent, 17, 18);
	assert_int_equal(link.a.port->indices.count, 0);
	assert_true(wr_key_is_zero(&link.a.peer->handshake.ephemeral_private));
	assert_true(wr_is_never(wr_port_deadline(link.a.port)));
	link_end(&link);
}

static void test_timers_asking_again_gives_the_attempt_its_whole_time(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t start, last = 0;

	(void)state;
	link_start(&link);
	start = link_now(&link);
	/* Data every 100 ms for 200 s: never sooner than every 5 s, never given up. */
	while (link_now(&link) - start < 200 * S) {
		end_ask(&link.a);
		while (end_wait(&link, &link.a, 0, &output)) {
			assert_true(is_initiation(&output));
			assert_true(!last || link_now(&link) - last >= REKEY_TIMEOUT);
			last = link_now(&link);
		}
		link_advance(&link, 100 * MS);
	}
	start = link_now(&link) - 100 * MS;
	while (end_wait(&link, &link.a, 100 * S, &output) && output.kind != WR_OUTPUT_GIVE_UP)
		assert_true(is_initiation(&output));
	assert_int_equal(output.kind, WR_OUTPUT_GIVE_UP);
	assert_int_equal(link_now(&link) - start, 90 * S);
	link_end(&link);
}

static void test_timers_ask_after_giving_up_begins_anew(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t last = 0;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &output);
	while (output.kind != WR_OUTPUT_GIVE_UP) {
		last = link_now(&link);
		assert_true(end_wait(&link, &link.a, 100 * S, &output));
	}
	/* Not sooner than 5 s after the last. */
	end_ask(&link.a);
	assert_true(end_wait(&link, &link.a, REKEY_TIMEOUT, &output));
	assert_true(is_initiation(&output));
	assert_int_equal(link_now(&link) - last, REKEY_TIMEOUT);
	link_end(&link);
}

static void test_timers_retry_forgets_the_local_address(void **state)
{
	struct wr_endpoint endpoint = test_endpoint("192.0.2.2:2000");
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	endpoint.local = link.a.address.ip;
	endpoint.interface = 3;
	wr_peer_set_endpoint(link.a.peer, &endpoint);
	end_initiate(&link, &link.a, &output);
	assert_true(wr_endpoint_equal(&output.to, &endpoint));
	assert_true(end_wait(&link, &link.a, 6 * S, &output));
	assert_int_equal(output.to.local.family, WR_FAMILY_NONE);
	assert_int_equal(output.to.interface, 0);
	assert_true(wr_endpoint_equal_remote(&output.to, &endpoint));
	link_end(&link);
}

/* --- No endpoint. --- */

static void forget_endpoint(struct end *end)
{
	struct wr_key public_key = end->peer->public_key;

	wr_peer_remove(end->peer);
	end->peer = wr_device_add_peer(end->device, &public_key);
	assert_non_null(end->peer);
}

static void test_timers_without_endpoint_wait_for_one(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	forget_endpoint(&link.a);
	end_ask(&link.a);
	assert_false(end_wait(&link, &link.a, 33 * S, &output));
	wr_peer_set_endpoint(link.a.peer, &link.b.address);
	assert_true(end_wait(&link, &link.a, 0, &output));
	assert_true(is_initiation(&output));
	link_end(&link);
}

static void test_timers_without_endpoint_give_up_too(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t start;

	(void)state;
	link_start(&link);
	forget_endpoint(&link.a);
	start = link_now(&link);
	end_ask(&link.a);
	assert_true(end_wait(&link, &link.a, 100 * S, &output));
	assert_int_equal(output.kind, WR_OUTPUT_GIVE_UP);
	assert_int_equal(link_now(&link) - start, 90 * S);
	wr_peer_set_endpoint(link.a.peer, &link.b.address);
	assert_false(end_wait(&link, &link.a, 1000 * S, &output));
	link_end(&link);
}

static void test_timers_keepalive_without_endpoint_waits_for_one(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	forget_endpoint(&link.a);
	wr_peer_set_keepalive(link.a.peer, 25, link.moment.now);
	assert_false(end_wait(&link, &link.a, 1000 * S, &output));
	wr_peer_set_endpoint(link.a.peer, &link.b.address);
	assert_true(end_wait(&link, &link.a, 0, &output));
	assert_true(is_initiation(&output));
	link_end(&link);
}

/* --- Passive keepalive. --- */

static void test_timers_keepalive_ten_seconds_after_data_came(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t first;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.a, true, true);
	first = link_now(&link);
	assert_false(end_wait(&link, &link.b, 4 * S, &output));
	link_packet(&link, &link.a, true, true);
	assert_true(end_wait(&link, &link.b, 100 * S, &output));
	assert_int_equal(output.kind, WR_OUTPUT_KEEPALIVE);
	assert_ptr_equal(output.peer, link.b.peer);
	assert_int_equal(link_now(&link) - first, KEEPALIVE_TIMEOUT);
	link_packet(&link, &link.b, false, true);
	assert_false(end_wait(&link, &link.b, 100 * S, &output));
	link_end(&link);
}

static void test_timers_no_keepalive_if_something_was_sent(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.a, true, true);
	assert_false(end_wait(&link, &link.b, 9 * S, &output));
	link_packet(&link, &link.b, true, true);
	assert_false(end_wait(&link, &link.b, 14 * S, &output));
	link_end(&link);
}

static void test_timers_no_keepalive_for_a_keepalive(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.a, false, true);
	assert_false(end_wait(&link, &link.b, 100 * S, &output));
	link_end(&link);
}

/* --- Nothing comes back. --- */

static void test_timers_new_handshake_after_fifteen_seconds_of_silence(void **state)
{
	struct wr_endpoint endpoint = test_endpoint("192.0.2.2:2000");
	struct link link;
	struct wr_output output;
	uint64_t first;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	endpoint.interface = 3;
	wr_peer_set_endpoint(link.a.peer, &endpoint);
	first = link_now(&link);
	for (unsigned i = 0; i < 10; i++) {
		link_packet(&link, &link.a, true, false);
		assert_false(end_wait(&link, &link.a, S, &output));
	}
	assert_true(end_wait(&link, &link.a, 100 * S, &output));
	assert_true(is_initiation(&output));
	assert_between(link_now(&link) - first, 15 * S, 15 * S + JITTER);
	assert_int_equal(output.to.interface, 0);
	link_end(&link);
}

static void test_timers_no_handshake_if_anything_came(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.a, true, false);
	assert_false(end_wait(&link, &link.a, 14 * S, &output));
	link_packet(&link, &link.b, false, true);
	assert_false(end_wait(&link, &link.a, 100 * S, &output));
	link_end(&link);
}

static void test_timers_no_handshake_after_keepalives(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.a, false, false);
	assert_false(end_wait(&link, &link.a, 100 * S, &output));
	link_end(&link);
}

/* --- Persistent keepalive. --- */

static void test_timers_persistent_keepalive_goes_at_once_and_each_interval(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t last;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, 3 * S);
	last = link_now(&link);
	wr_peer_set_keepalive(link.a.peer, 25, link.moment.now);
	assert_true(end_wait(&link, &link.a, 0, &output));
	assert_int_equal(output.kind, WR_OUTPUT_KEEPALIVE);
	for (unsigned i = 0; i < 3; i++) {
		link_packet(&link, &link.a, false, true);
		assert_true(end_wait(&link, &link.a, 100 * S, &output));
		assert_int_equal(output.kind, WR_OUTPUT_KEEPALIVE);
		assert_int_equal(link_now(&link) - last, 25 * S);
		last = link_now(&link);
	}
	/* Any packet, in or out, puts it off. */
	assert_false(end_wait(&link, &link.a, 20 * S, &output));
	link_packet(&link, &link.b, false, true);
	last = link_now(&link);
	assert_true(end_wait(&link, &link.a, 100 * S, &output));
	assert_int_equal(output.kind, WR_OUTPUT_KEEPALIVE);
	assert_int_equal(link_now(&link) - last, 25 * S);
	wr_peer_set_keepalive(link.a.peer, 0, link.moment.now);
	assert_false(end_wait(&link, &link.a, 100 * S, &output));
	link_end(&link);
}

static void test_timers_persistent_keepalive_never_gives_up_for_good(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t end, last = 0;
	unsigned given_up = 0;

	(void)state;
	link_start(&link);
	wr_peer_set_keepalive(link.a.peer, 25, link.moment.now);
	end = link_now(&link) + 3600 * S;
	while (link_now(&link) < end) {
		assert_true(end_wait(&link, &link.a, 26 * S, &output));
		if (output.kind == WR_OUTPUT_GIVE_UP) {
			given_up++;
			continue;
		}
		assert_true(is_initiation(&output));
		assert_true(!last || link_now(&link) - last >= REKEY_TIMEOUT);
		last = link_now(&link);
	}
	assert_between(given_up, 25, 40);
	link_end(&link);
}

/* --- New keys. --- */

/* What A does about a packet it sends, or gets, so long after the handshake. */
static bool asks_for_keys(bool is_initiator, bool is_sending, uint64_t after, uint64_t counter)
{
	struct link link;
	struct wr_output output;
	bool has_asked;

	link_start(&link);
	link_handshake(&link, is_initiator ? &link.a : &link.b);
	link_advance(&link, after);
	atomic_store(&end_session(&link, &link.a)->send_counter, counter);
	link_packet(&link, is_sending ? &link.a : &link.b, true, true);
	has_asked = end_poll(&link, &link.a, &output);
	assert_true(!has_asked || is_initiation(&output));
	link_end(&link);
	return has_asked;
}

static void test_timers_rekey_by_age_and_count(void **state)
{
	static const struct {
		const char *name;
		bool is_initiator, is_sending;
		uint64_t after_ns, counter;
		bool want;
	} cases[] = {
		{ "initiator sends before 120 s", true, true, 120 * S - 1, 5, false },
		{ "initiator sends at 120 s", true, true, 120 * S, 5, true },
		{ "initiator receives before 165 s", true, false, 165 * S - 1, 5, false },
		{ "initiator receives at 165 s", true, false, 165 * S, 5, true },
		{ "responder sends at 179 s", false, true, 179 * S, 5, false },
		{ "responder receives at 179 s", false, false, 179 * S, 5, false },
		{ "initiator sends 2^60", true, true, 10 * S, WR_REKEY_AFTER_MESSAGES - 1, false },
		{ "initiator sends more", true, true, 10 * S, WR_REKEY_AFTER_MESSAGES, true },
		{ "responder sends more", false, true, 10 * S, WR_REKEY_AFTER_MESSAGES, true },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(asks_for_keys(cases[i].is_initiator, cases[i].is_sending,
					       cases[i].after_ns, cases[i].counter),
				 cases[i].want);
	}
}

static void test_timers_rekey_is_not_asked_for_more_than_every_five_seconds(void **state)
{
	struct link link;
	struct wr_output output;
	unsigned initiations = 0;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, 125 * S);
	for (unsigned i = 0; i < 300; i++) {
		link_packet(&link, &link.a, true, true);
		link_packet(&link, &link.b, true, true);
		while (end_wait(&link, &link.a, 0, &output))
			initiations += is_initiation(&output);
		link_advance(&link, 100 * MS);
	}
	assert_between(initiations, 5, 6);
	link_end(&link);
}

static void test_timers_rekey_with_new_session_is_not_repeated(void **state)
{
	struct link link;
	struct wr_output output;
	struct wr_session *old;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, 125 * S);
	old = end_session(&link, &link.a);
	link_packet(&link, &link.a, true, true);
	link_handshake(&link, &link.a);
	assert_ptr_not_equal(end_session(&link, &link.a), old);
	/* A worker that still had the old one asks late. */
	wr_peer_note_sent(link.a.peer, old, (struct wr_instant){ link_now(&link) + 5 * S }, 100,
			  true);
	link_packet(&link, &link.b, true, true);
	assert_false(end_wait(&link, &link.a, 9 * S, &output));
	link_end(&link);
}

/* --- Old keys. --- */

static void test_timers_session_ends_at_180_seconds(void **state)
{
	struct link link;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, 180 * S - 1);
	assert_non_null(end_session(&link, &link.a));
	assert_non_null(end_session(&link, &link.b));
	link_advance(&link, 1);
	assert_null(end_session(&link, &link.a));
	assert_null(end_session(&link, &link.b));
	link_end(&link);
}

static void test_timers_keys_are_erased_after_540_seconds(void **state)
{
	struct link link;
	struct wr_output output;
	uint64_t start;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	start = link_now(&link);
	assert_int_equal(wr_port_deadline(link.a.port).ns, start + 540 * S);
	assert_false(end_wait(&link, &link.a, 540 * S - 1, &output));
	assert_non_null(atomic_load(&link.a.peer->current));
	assert_false(end_wait(&link, &link.a, 1, &output));
	assert_null(atomic_load(&link.a.peer->current));
	assert_int_equal(link.a.port->indices.count, 0);
	assert_true(wr_is_never(wr_port_deadline(link.a.port)));
	end_is_quiet(&link, &link.b);
	assert_int_equal(link.b.port->indices.count, 0);
	link_end(&link);
}

static void test_timers_unconfirmed_session_is_erased_too(void **state)
{
	struct link link;
	struct wr_output initiation, output;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &output), WR_TAKEN);
	assert_int_equal(link.b.port->indices.count, 1);
	assert_null(end_session(&link, &link.b));
	assert_false(end_wait(&link, &link.b, 540 * S - 1, &output));
	assert_int_equal(link.b.port->indices.count, 1);
	assert_false(end_wait(&link, &link.b, 1, &output));
	assert_int_equal(link.b.port->indices.count, 0);
	link_end(&link);
}

/* A member of a large mesh has met everybody some time ago. */
static void test_timers_keys_of_a_managed_peer_go_with_the_session(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	assert_int_equal(wr_peer_manage(link.a.peer), 0);
	link_handshake(&link, &link.a);
	assert_false(end_wait(&link, &link.a, 180 * S - 1, &output));
	assert_non_null(atomic_load(&link.a.peer->current));
	assert_false(end_wait(&link, &link.a, 1, &output));
	assert_null(atomic_load(&link.a.peer->current));
	assert_int_equal(link.a.port->indices.count, 0);
	link_end(&link);
}

/* --- Who has answered waits for the other to go on. --- */

static void test_timers_no_initiation_right_after_an_answer(void **state)
{
	struct link link;
	struct wr_output initiation, output;
	uint64_t answered;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &output), WR_TAKEN);
	answered = link_now(&link);
	end_ask(&link.b);
	assert_true(end_wait(&link, &link.b, 100 * S, &output));
	assert_true(is_initiation(&output));
	assert_int_equal(link_now(&link) - answered, REKEY_TIMEOUT);
	link_end(&link);
}

/* --- Down. --- */

static void test_timers_are_silent_while_down(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	wr_peer_set_keepalive(link.a.peer, 25, link.moment.now);
	link_packet(&link, &link.b, true, true);
	wr_device_set_up(link.a.device, false, link.moment.now);
	assert_null(end_session(&link, &link.a));
	assert_int_equal(link.a.port->indices.count, 0);
	end_ask(&link.a);
	assert_false(end_wait(&link, &link.a, 1000 * S, &output));
	assert_true(wr_is_never(wr_port_deadline(link.a.port)));

	wr_device_set_up(link.a.device, true, link.moment.now);
	assert_true(end_wait(&link, &link.a, 0, &output));
	assert_true(is_initiation(&output));
	link_end(&link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_retry_until_ninety_seconds_are_over),
		cmocka_unit_test(test_timers_asking_again_gives_the_attempt_its_whole_time),
		cmocka_unit_test(test_timers_ask_after_giving_up_begins_anew),
		cmocka_unit_test(test_timers_retry_forgets_the_local_address),
		cmocka_unit_test(test_timers_without_endpoint_wait_for_one),
		cmocka_unit_test(test_timers_without_endpoint_give_up_too),
		cmocka_unit_test(test_timers_keepalive_without_endpoint_waits_for_one),
		cmocka_unit_test(test_timers_keepalive_ten_seconds_after_data_came),
		cmocka_unit_test(test_timers_no_keepalive_if_something_was_sent),
		cmocka_unit_test(test_timers_no_keepalive_for_a_keepalive),
		cmocka_unit_test(test_timers_new_handshake_after_fifteen_seconds_of_silence),
		cmocka_unit_test(test_timers_no_handshake_if_anything_came),
		cmocka_unit_test(test_timers_no_handshake_after_keepalives),
		cmocka_unit_test(test_timers_persistent_keepalive_goes_at_once_and_each_interval),
		cmocka_unit_test(test_timers_persistent_keepalive_never_gives_up_for_good),
		cmocka_unit_test(test_timers_rekey_by_age_and_count),
		cmocka_unit_test(test_timers_rekey_is_not_asked_for_more_than_every_five_seconds),
		cmocka_unit_test(test_timers_rekey_with_new_session_is_not_repeated),
		cmocka_unit_test(test_timers_session_ends_at_180_seconds),
		cmocka_unit_test(test_timers_keys_are_erased_after_540_seconds),
		cmocka_unit_test(test_timers_keys_of_a_managed_peer_go_with_the_session),
		cmocka_unit_test(test_timers_unconfirmed_session_is_erased_too),
		cmocka_unit_test(test_timers_no_initiation_right_after_an_answer),
		cmocka_unit_test(test_timers_are_silent_while_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
