#include "link.h"
#include "unit.h"
#include "wg/rotation.h"

/* --- What is refused, by name. --- */

/* Makes the MACs right again after the message was changed. */
static void sign_for(const struct end *receiver, struct wr_output *message)
{
	struct wr_cookie_jar jar;

	wr_cookie_jar_init(&jar, &receiver->device->identity.public_key);
	wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, message->datagram, message->len);
}

static void get_response(struct link *link, struct wr_output *ret_response)
{
	struct wr_output initiation;

	end_initiate(link, &link->a, &initiation);
	assert_int_equal(end_input(link, &link->b, &initiation, ret_response), WR_TAKEN);
}

static void change_initiation(struct link *link, struct wr_output *message, size_t byte)
{
	end_initiate(link, &link->a, message);
	message->datagram[byte] ^= 1;
}

static void change_signed(struct link *link, struct wr_output *message, size_t byte)
{
	change_initiation(link, message, byte);
	sign_for(&link->b, message);
}

static void make_nothing(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	message->len = 0;
}

static void make_half_a_type(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	message->len = 3;
}

static void make_short_initiation(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	message->len--;
}

static void make_short_response(struct link *link, struct wr_output *message)
{
	get_response(link, message);
	message->len--;
}

static void make_type_five(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	message->datagram[0] = 5;
}

static void make_reserved_bit(struct link *link, struct wr_output *message)
{
	change_initiation(link, message, 2);
}

static void make_data(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	message->datagram[0] = WR_MESSAGE_DATA;
}

static void make_wrong_mac1(struct link *link, struct wr_output *message)
{
	change_initiation(link, message, WR_MAC1_INPUT_LEN);
}

static void make_for_a_device_that_is_down(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	wr_device_set_up(link->b.device, false, link->moment.now);
}

static void make_for_a_device_without_key(struct link *link, struct wr_output *message)
{
	static const struct wr_key none;

	end_initiate(link, &link->a, message);
	assert_int_equal(wr_device_set_private_key(link->b.device, &none), 0);
}

static void make_wrong_ephemeral(struct link *link, struct wr_output *message)
{
	change_signed(link, message, 8);
}

static void make_zero_ephemeral(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	memset(message->datagram + 8, 0, WR_KEY_LEN);
	sign_for(&link->b, message);
}

static void make_wrong_static(struct link *link, struct wr_output *message)
{
	change_signed(link, message, 40);
}

static void make_wrong_timestamp(struct link *link, struct wr_output *message)
{
	change_signed(link, message, 88);
}

static void make_from_a_stranger(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	wr_peer_remove(link->b.peer);
}

static void make_replayed_initiation(struct link *link, struct wr_output *message)
{
	struct wr_output response;

	end_initiate(link, &link->a, message);
	assert_int_equal(end_input(link, &link->b, message, &response), WR_TAKEN);
	link_advance(link, S);
}

static void make_initiation_too_soon(struct link *link, struct wr_output *message)
{
	end_initiate(link, &link->a, message);
	link->b.peer->handshake.consumed.ns = link_now(link) - 20 * MS + 1;
}

static void make_response_to_nothing(struct link *link, struct wr_output *message)
{
	get_response(link, message);
	message->datagram[8] ^= 1;
}

static void make_response_twice(struct link *link, struct wr_output *message)
{
	struct wr_output session;

	get_response(link, message);
	assert_int_equal(end_input(link, &link->a, message, &session), WR_TAKEN);
}

static void make_response_with_wrong_mac1(struct link *link, struct wr_output *message)
{
	get_response(link, message);
	message->datagram[WR_RESPONSE_LEN - 32] ^= 1;
}

static void make_wrong_response(struct link *link, struct wr_output *message)
{
	get_response(link, message);
	message->datagram[12] ^= 1;
	sign_for(&link->a, message);
}

static void make_response_with_another_psk(struct link *link, struct wr_output *message)
{
	struct wr_key psk = { { 1 } };

	wr_peer_set_preshared_key(link->b.peer, &psk);
	get_response(link, message);
}

static void get_cookie(struct link *link, struct wr_output *ret_cookie)
{
	struct wr_output initiation;

	end_initiate(link, &link->a, &initiation);
	assert_int_equal(end_input_from(link, &link->b, &link->a.address, &initiation, true,
					ret_cookie),
			 WR_DROP_COOKIE);
	assert_int_equal(ret_cookie->len, WR_COOKIE_LEN);
}

static void make_cookie_for_nothing(struct link *link, struct wr_output *message)
{
	get_cookie(link, message);
	message->datagram[4] ^= 1;
}

static void make_wrong_cookie(struct link *link, struct wr_output *message)
{
	get_cookie(link, message);
	message->datagram[40] ^= 1;
}

static void make_cookie_twice(struct link *link, struct wr_output *message)
{
	struct wr_output output;

	get_cookie(link, message);
	assert_int_equal(end_input(link, &link->a, message, &output), WR_TAKEN);
}

/* To B unless it is an answer to A. */
static const struct refusal {
	const char *name;
	void (*make)(struct link *link, struct wr_output *message);
	enum wr_verdict want;
	bool is_to_a;
} refusals[] = {
	{ "nothing", make_nothing, WR_DROP_SHORT, false },
	{ "half a type", make_half_a_type, WR_DROP_SHORT, false },
	{ "an initiation, one byte short", make_short_initiation, WR_DROP_SHORT, false },
	{ "a response, one byte short", make_short_response, WR_DROP_SHORT, true },
	{ "type 5", make_type_five, WR_DROP_TYPE, false },
	{ "a reserved bit", make_reserved_bit, WR_DROP_TYPE, false },
	{ "data, which do not come here", make_data, WR_DROP_TYPE, false },
	{ "wrong mac1", make_wrong_mac1, WR_DROP_MAC1, false },
	{ "for a device that is down", make_for_a_device_that_is_down, WR_DROP_MAC1, false },
	{ "for a device without key", make_for_a_device_without_key, WR_DROP_MAC1, false },
	{ "wrong ephemeral", make_wrong_ephemeral, WR_DROP_FORGED, false },
	{ "ephemeral of low order", make_zero_ephemeral, WR_DROP_FORGED, false },
	{ "wrong static", make_wrong_static, WR_DROP_FORGED, false },
	{ "wrong timestamp", make_wrong_timestamp, WR_DROP_FORGED, false },
	{ "from a stranger", make_from_a_stranger, WR_DROP_PEER, false },
	{ "an initiation again", make_replayed_initiation, WR_DROP_REPLAY, false },
	{ "within 20 ms of the last", make_initiation_too_soon, WR_DROP_RATE, false },
	{ "response to nothing", make_response_to_nothing, WR_DROP_INDEX, true },
	{ "response again", make_response_twice, WR_DROP_INDEX, true },
	{ "response with wrong mac1", make_response_with_wrong_mac1, WR_DROP_MAC1, true },
	{ "wrong response", make_wrong_response, WR_DROP_FORGED, true },
	{ "response with another psk", make_response_with_another_psk, WR_DROP_FORGED, true },
	{ "cookie for nothing", make_cookie_for_nothing, WR_DROP_INDEX, true },
	{ "wrong cookie", make_wrong_cookie, WR_DROP_FORGED, true },
	{ "cookie again", make_cookie_twice, WR_DROP_REPLAY, true },
};

static void test_port_input_refuses_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct link link;
		struct wr_output message, output;
		struct end *to = refusal->is_to_a ? &link.a : &link.b;
		uint32_t indices;

		print_message("%s\n", refusal->name);
		link_start(&link);
		refusal->make(&link, &message);
		indices = to->port->indices.count;
		assert_int_equal(end_input(&link, to, &message, &output), refusal->want);
		assert_int_equal(output.kind, WR_OUTPUT_NONE);
		assert_int_equal(to->port->indices.count, indices);
		link_end(&link);
	}
}

static void test_port_input_takes_an_initiation_20_ms_after_the_last(void **state)
{
	struct link link;
	struct wr_output message, output;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &message);
	link.b.peer->handshake.consumed.ns = link_now(&link) - 20 * MS;
	assert_int_equal(end_input(&link, &link.b, &message, &output), WR_TAKEN);
	link_end(&link);
}

/* What is forged does not disturb what is going on. */
static void test_port_handshake_survives_forgeries(void **state)
{
	struct link link;
	struct wr_output response, forged, output;

	(void)state;
	link_start(&link);
	get_response(&link, &response);
	forged = response;
	forged.datagram[50] ^= 1;
	sign_for(&link.a, &forged);
	assert_int_equal(end_input(&link, &link.a, &forged, &output), WR_DROP_FORGED);
	assert_int_equal(end_input(&link, &link.a, &response, &output), WR_TAKEN);
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
	link_end(&link);
}

/* --- A handshake and what it leaves. --- */

static void test_port_handshake_makes_one_session(void **state)
{
	struct link link;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	assert_int_equal(link.a.port->indices.count, 1);
	assert_int_equal(link.b.port->indices.count, 1);
	assert_int_equal(link.a.peer->latest_handshake.ns, link.moment.wall.ns);
	assert_int_equal(link.b.peer->latest_handshake.ns, link.moment.wall.ns);
	assert_memory_equal(&end_session(&link, &link.a)->send_key,
			    &end_session(&link, &link.b)->receive_key, WR_KEY_LEN);
	assert_true(end_session(&link, &link.a)->is_initiator);
	assert_false(end_session(&link, &link.b)->is_initiator);
	assert_true(wr_key_is_zero(&link.a.peer->handshake.ephemeral_private));
	/* 148 + 92 bytes of handshake, 32 of keepalive. */
	assert_int_equal(end_note(&link.a.peer->activity.tx_bytes), 148 + 32);
	assert_int_equal(end_note(&link.a.peer->activity.rx_bytes), 92);
	assert_int_equal(end_note(&link.b.peer->activity.tx_bytes), 92);
	assert_int_equal(end_note(&link.b.peer->activity.rx_bytes), 148 + 32);
	link_packet(&link, &link.a, true, true);
	link_packet(&link, &link.b, true, true);
	link_end(&link);
}

static void test_port_handshake_with_preshared_key(void **state)
{
	struct wr_key psk = { { 5 } };
	struct link link;

	(void)state;
	link_start(&link);
	wr_peer_set_preshared_key(link.a.peer, &psk);
	wr_peer_set_preshared_key(link.b.peer, &psk);
	link_handshake(&link, &link.a);
	link_end(&link);
}

/* The responder sends only when the initiator has shown that it has the keys. */
static void test_port_responder_waits_for_the_first_packet(void **state)
{
	struct link link;
	struct wr_output response, output;

	(void)state;
	link_start(&link);
	get_response(&link, &response);
	assert_null(end_session(&link, &link.b));
	assert_int_equal(link.b.peer->latest_handshake.ns, 0);
	assert_int_equal(end_input(&link, &link.a, &response, &output), WR_TAKEN);
	end_is_quiet(&link, &link.b);
	link_packet(&link, &link.a, true, true);
	assert_true(end_poll(&link, &link.b, &output));
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
	assert_non_null(end_session(&link, &link.b));
	link_end(&link);
}

/* Packets that were on their way with the old keys still find them. */
static void test_port_rekey_keeps_the_session_before(void **state)
{
	struct link link;
	struct wr_session *old;
	uint64_t counter;

	(void)state;
	link_start(&link);
	for (unsigned i = 0; i < 5; i++) {
		link_handshake(&link, i % 2 ? &link.b : &link.a);
		old = end_session(&link, &link.a);
		assert_true(wr_session_take_counters(old, 1, &counter));
		link_advance(&link, 150 * S);
		atomic_store(&end_session(&link, &link.a)->send_counter,
			     WR_REKEY_AFTER_MESSAGES + 1);
		atomic_store(&end_session(&link, &link.b)->send_counter,
			     WR_REKEY_AFTER_MESSAGES + 1);
		link_handshake(&link, i % 2 ? &link.a : &link.b);
		assert_non_null(wr_index_find(&link.b.port->indices, old->remote_index));
		assert_int_equal(link.a.port->indices.count, 2);
		assert_int_equal(link.b.port->indices.count, 2);
		link_advance(&link, 200 * S);
	}
	link_end(&link);
}

static void test_port_timestamp_survives_a_clock_that_goes_back(void **state)
{
	struct link link;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	link_advance(&link, 200 * S);
	link.moment.wall.ns -= 1000000 * S;
	link_handshake(&link, &link.a);
	link_advance(&link, 200 * S);
	link.moment.wall.ns = 0;
	link_handshake(&link, &link.a);
	link_end(&link);
}

/* --- Roaming. --- */

static void test_port_answers_where_it_was_asked_from(void **state)
{
	struct wr_endpoint elsewhere = test_endpoint("[2001:db8::7]:7");
	struct link link;
	struct wr_output initiation, response, output;

	(void)state;
	link_start(&link);
	elsewhere.local = test_endpoint("[2001:db8::1]:1").ip;
	elsewhere.interface = 4;
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input_from(&link, &link.b, &elsewhere, &initiation, false, &response),
			 WR_TAKEN);
	assert_true(wr_endpoint_equal(&response.to, &elsewhere));
	assert_peer_is_at(link.b.peer, &elsewhere);
	/* And the initiator follows the response. */
	assert_int_equal(end_input_from(&link, &link.a, &elsewhere, &response, false, &output),
			 WR_TAKEN);
	assert_peer_is_at(link.a.peer, &elsewhere);
	link_end(&link);
}

static void test_port_does_not_roam_to_who_is_not_authentic(void **state)
{
	struct wr_endpoint elsewhere = test_endpoint("198.51.100.1:1");
	struct link link;
	struct wr_output message, output;

	(void)state;
	link_start(&link);
	make_replayed_initiation(&link, &message);
	assert_int_equal(end_input_from(&link, &link.b, &elsewhere, &message, false, &output),
			 WR_DROP_REPLAY);
	assert_peer_is_at(link.b.peer, &link.a.address);
	link_end(&link);
}

/* --- Both begin at once. --- */

/* Bits: which of the first four messages is lost, and who is heard first. */
enum {
	LOSE_A = 1,
	LOSE_B = 2,
	LOSE_TO_A = 4,
	LOSE_TO_B = 8,
	B_FIRST = 16,
	ALL = 32
};

static void hear(struct link *link, struct end *end, const struct wr_output *initiation,
		 bool is_lost, struct wr_output *ret_response)
{
	ret_response->kind = WR_OUTPUT_NONE;
	if (!is_lost)
		assert_int_equal(end_input(link, end, initiation, ret_response), WR_TAKEN);
}

static void finish(struct link *link, struct end *end, const struct wr_output *response,
		   bool is_lost)
{
	struct wr_output output;

	if (response->kind == WR_OUTPUT_NONE || is_lost)
		return;
	if (end_input(link, end, response, &output) == WR_TAKEN)
		link_packet(link, end, false, true);
}

static void begin_both(struct link *link, unsigned how)
{
	struct wr_output from_a, from_b, to_a, to_b;

	end_initiate(link, &link->a, &from_a);
	end_initiate(link, &link->b, &from_b);
	hear(link, &link->b, &from_a, how & LOSE_A, &to_a);
	hear(link, &link->a, &from_b, how & LOSE_B, &to_b);
	link_advance(link, 10 * MS);
	if (how & B_FIRST)
		finish(link, &link->b, &to_b, how & LOSE_TO_B);
	finish(link, &link->a, &to_a, how & LOSE_TO_A);
	if (!(how & B_FIRST))
		finish(link, &link->b, &to_b, how & LOSE_TO_B);
}

static void assert_both_ways(struct link *link)
{
	assert_non_null(end_session(link, &link->a));
	assert_non_null(end_session(link, &link->b));
	link_packet(link, &link->a, true, true);
	link_packet(link, &link->b, true, true);
}

/* Both send with the same session: each one's index is what the other writes. */
static bool is_one_session(const struct link *link)
{
	const struct wr_session *a = end_session(link, &link->a), *b = end_session(link, &link->b);

	return a->remote_index == b->index.index && b->remote_index == a->index.index;
}

static void test_port_simultaneous_initiations_converge(void **state)
{
	(void)state;
	for (unsigned how = 0; how < ALL; how++) {
		struct link link;

		print_message("case %u\n", how);
		link_start(&link);
		begin_both(&link, how);
		/* Nothing lost: no time is. */
		link_pump(&link, how & ~(unsigned)B_FIRST ? 6 * S : 0);
		assert_both_ways(&link);
		/* New keys are made before the old ones expire, and both use them. */
		for (unsigned i = 0; i < 130; i++) {
			link_pump(&link, S);
			assert_both_ways(&link);
		}
		assert_true(is_one_session(&link));
		assert_true(link.a.port->indices.count <= 3);
		assert_true(link.b.port->indices.count <= 3);
		link_end(&link);
	}
}

/* Each sends with its own session; when one of them makes new keys, nothing that is
 * on its way is lost, neither what was sent before nor what comes late. */
static void renew(struct link *link, struct end *from, struct end *to)
{
	struct wr_session *theirs = end_session(link, to), *ours = end_session(link, from);
	struct wr_output initiation, response, session;

	end_initiate(link, from, &initiation);
	assert_int_equal(end_input(link, to, &initiation, &response), WR_TAKEN);
	assert_both_ways(link);
	assert_int_equal(end_input(link, from, &response, &session), WR_TAKEN);
	assert_ptr_equal(end_session(link, to), theirs);
	assert_both_ways(link);
	assert_true(end_poll(link, to, &session));
	assert_ptr_not_equal(end_session(link, to), theirs);
	link_packet_on(link, from, ours, true);
	link_packet_on(link, to, theirs, true);
	assert_both_ways(link);
}

static void test_port_renewal_after_simultaneous_initiations_loses_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct link link;
		struct end *from = i & 1 ? &link.a : &link.b, *to = i & 1 ? &link.b : &link.a;

		link_start(&link);
		begin_both(&link, i & 2 ? B_FIRST : 0);
		assert_both_ways(&link);
		for (unsigned j = 0; j < 3; j++) {
			link_pump(&link, 124 * S);
			atomic_store(&end_session(&link, from)->send_counter,
				     WR_REKEY_AFTER_MESSAGES + 1);
			renew(&link, from, to);
			assert_true(is_one_session(&link));
		}
		link_end(&link);
	}
}

/* Both do not renew at the same time again: the one with the greater key waits. */
static void test_port_renewal_after_simultaneous_initiations_is_by_one(void **state)
{
	struct link link;
	struct wr_output output;
	bool is_a_first;

	(void)state;
	link_start(&link);
	begin_both(&link, 0);
	is_a_first = memcmp(&link.b.peer->public_key, &link.a.peer->public_key, WR_KEY_LEN) < 0;
	link_pump(&link, 122 * S);
	assert_both_ways(&link);
	assert_int_equal(end_poll(&link, &link.a, &output), is_a_first);
	assert_int_equal(end_poll(&link, &link.b, &output), !is_a_first);
	assert_int_equal(output.len, WR_INITIATION_LEN);
	link_end(&link);
}

/* B once began a handshake and never heard of the answer. */
static void test_port_renewal_with_a_stale_answer_loses_nothing(void **state)
{
	struct link link;
	struct wr_output initiation, answer;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	atomic_store(&end_session(&link, &link.b)->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
	end_initiate(&link, &link.b, &initiation);
	assert_int_equal(end_input(&link, &link.a, &initiation, &answer), WR_TAKEN);
	link_advance(&link, 124 * S);
	atomic_store(&end_session(&link, &link.a)->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
	renew(&link, &link.a, &link.b);
	link_end(&link);
}

/* Twice both begin at once; the second time one of the answers is lost, so that both
 * send with the session of the other. */
static void test_port_renewal_after_two_ties_loses_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct link link;
		struct wr_output ours, theirs, answer, session;
		struct end *from = i & 1 ? &link.a : &link.b, *to = i & 1 ? &link.b : &link.a;

		link_start(&link);
		begin_both(&link, i & 2 ? B_FIRST : 0);
		assert_both_ways(&link);
		link_pump(&link, 110 * S);
		atomic_store(&end_session(&link, from)->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
		atomic_store(&end_session(&link, to)->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
		end_initiate(&link, from, &ours);
		end_initiate(&link, to, &theirs);
		assert_int_equal(end_input(&link, to, &ours, &answer), WR_TAKEN);
		assert_int_equal(end_input(&link, from, &answer, &session), WR_TAKEN);
		assert_int_equal(end_input(&link, from, &theirs, &answer), WR_TAKEN);
		assert_both_ways(&link);
		assert_true(end_poll(&link, to, &session));
		link_pump(&link, 60 * S);
		assert_both_ways(&link);
		atomic_store(&end_session(&link, from)->send_counter, WR_REKEY_AFTER_MESSAGES + 1);
		renew(&link, from, to);
		link_end(&link);
	}
}

/* --- Under load. --- */

static void test_port_under_load_asks_for_a_cookie_once(void **state)
{
	struct link link;
	struct wr_output message, output;

	(void)state;
	link_start(&link);
	get_cookie(&link, &message);
	assert_null(message.peer);
	assert_true(wr_endpoint_equal(&message.to, &link.a.address));
	assert_int_equal(end_input(&link, &link.a, &message, &output), WR_TAKEN);
	assert_int_equal(output.kind, WR_OUTPUT_NONE);

	assert_true(end_wait(&link, &link.a, 6 * S, &message));
	assert_int_equal(end_input_from(&link, &link.b, &link.a.address, &message, true, &output),
			 WR_TAKEN);
	assert_int_equal(output.len, WR_RESPONSE_LEN);
	link_end(&link);
}

static void test_port_under_load_takes_no_cookie_of_another_address(void **state)
{
	struct wr_endpoint elsewhere = test_endpoint("192.0.2.1:1001");
	struct link link;
	struct wr_output message, output;

	(void)state;
	link_start(&link);
	get_cookie(&link, &message);
	assert_int_equal(end_input(&link, &link.a, &message, &output), WR_TAKEN);
	assert_true(end_wait(&link, &link.a, 6 * S, &message));
	assert_int_equal(end_input_from(&link, &link.b, &elsewhere, &message, true, &output),
			 WR_DROP_COOKIE);
	link_end(&link);
}

static void test_port_under_load_bounds_handshakes_of_an_address(void **state)
{
	struct link link;
	struct wr_output message, output;
	unsigned replays = 0, rates = 0;

	(void)state;
	link_start(&link);
	get_cookie(&link, &message);
	assert_int_equal(end_input(&link, &link.a, &message, &output), WR_TAKEN);
	assert_true(end_wait(&link, &link.a, 6 * S, &message));
	for (unsigned i = 0; i < 300; i++) {
		enum wr_verdict verdict = end_input_from(&link, &link.b, &link.a.address, &message,
							 true, &output);

		replays += verdict == WR_DROP_REPLAY;
		rates += verdict == WR_DROP_RATE;
	}
	/* One was taken; 250 at once are looked at. */
	assert_int_equal(replays, 249);
	assert_int_equal(rates, 50);
	link_end(&link);
}

/* A response can be asked for a cookie too. */
static void test_port_under_load_asks_responses_for_a_cookie(void **state)
{
	struct link link;
	struct wr_output response, cookie, output;

	(void)state;
	link_start(&link);
	get_response(&link, &response);
	assert_int_equal(end_input_from(&link, &link.a, &link.b.address, &response, true, &cookie),
			 WR_DROP_COOKIE);
	assert_int_equal(end_input(&link, &link.b, &cookie, &output), WR_TAKEN);
	assert_true(link.b.peer->cookie.expires.ns > link_now(&link));
	link_end(&link);
}

/* --- Several devices on a port. --- */

#define DEVICES 5

static void test_port_finds_the_device_by_mac1(void **state)
{
	struct link link;
	struct wr_device *devices[DEVICES];
	struct wr_key a_public;

	(void)state;
	link_start(&link);
	a_public = link.a.device->identity.public_key;
	for (uint8_t i = 0; i < DEVICES; i++) {
		struct wr_key key = test_private_key((uint8_t)(100 + i));

		devices[i] = wr_device_new(link.b.port);
		assert_non_null(devices[i]);
		assert_int_equal(wr_device_set_private_key(devices[i], &key), 0);
		wr_device_set_up(devices[i], true, link.moment.now);
		assert_non_null(wr_device_add_peer(devices[i], &a_public));
	}
	for (size_t i = 0; i < DEVICES; i++) {
		struct wr_output initiation, output;

		wr_peer_remove(link.a.peer);
		link.a.peer = wr_device_add_peer(link.a.device, &devices[i]->identity.public_key);
		assert_non_null(link.a.peer);
		wr_peer_set_endpoint(link.a.peer, &link.b.address);
		end_initiate(&link, &link.a, &initiation);
		assert_int_equal(end_input(&link, &link.b, &initiation, &output), WR_TAKEN);
		assert_ptr_equal(output.peer, devices[i]->peer_first);
		assert_ptr_equal(output.peer->device, devices[i]);
		assert_int_equal(end_input(&link, &link.a, &output, &initiation), WR_TAKEN);
	}
	/* A device that has gone is for nobody. */
	wr_device_remove(devices[2]);
	assert_int_equal(link.b.port->indices.count, DEVICES - 1);
	link_end(&link);
}

/* It begins with the time of last year; its peer remembers what it said yesterday. */
static void test_port_timestamp_is_not_below_the_least(void **state)
{
	struct wr_wall yesterday;
	struct wr_output initiation, response;
	struct link link;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &response), WR_TAKEN);
	yesterday = link.moment.wall;
	/* Another life, the same key. */
	wr_peer_remove(link.a.peer);
	link.a.peer = end_add_peer(&link.a, &link.b);
	link.moment.wall.ns -= 1000000 * S;
	link_advance(&link, 10 * S);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &response), WR_DROP_REPLAY);
	wr_port_set_least_wall(link.a.port, yesterday, link.moment.now);
	link_advance(&link, 10 * S);
	assert_true(end_wait(&link, &link.a, 10 * S, &initiation));
	assert_int_equal(end_input(&link, &link.b, &initiation, &response), WR_TAKEN);
	link_end(&link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_input_refuses_by_name),
		cmocka_unit_test(test_port_input_takes_an_initiation_20_ms_after_the_last),
		cmocka_unit_test(test_port_handshake_survives_forgeries),
		cmocka_unit_test(test_port_handshake_makes_one_session),
		cmocka_unit_test(test_port_handshake_with_preshared_key),
		cmocka_unit_test(test_port_responder_waits_for_the_first_packet),
		cmocka_unit_test(test_port_rekey_keeps_the_session_before),
		cmocka_unit_test(test_port_timestamp_survives_a_clock_that_goes_back),
		cmocka_unit_test(test_port_timestamp_is_not_below_the_least),
		cmocka_unit_test(test_port_answers_where_it_was_asked_from),
		cmocka_unit_test(test_port_does_not_roam_to_who_is_not_authentic),
		cmocka_unit_test(test_port_simultaneous_initiations_converge),
		cmocka_unit_test(test_port_renewal_after_simultaneous_initiations_loses_nothing),
		cmocka_unit_test(test_port_renewal_after_simultaneous_initiations_is_by_one),
		cmocka_unit_test(test_port_renewal_after_two_ties_loses_nothing),
		cmocka_unit_test(test_port_renewal_with_a_stale_answer_loses_nothing),
		cmocka_unit_test(test_port_under_load_asks_for_a_cookie_once),
		cmocka_unit_test(test_port_under_load_takes_no_cookie_of_another_address),
		cmocka_unit_test(test_port_under_load_bounds_handshakes_of_an_address),
		cmocka_unit_test(test_port_under_load_asks_responses_for_a_cookie),
		cmocka_unit_test(test_port_finds_the_device_by_mac1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
