/* An initiation that came before its peer. */
#include "link.h"
#include "unit.h"
#include "wg/early.h"

static const struct wr_instant later = { 2000 * S };

static struct wr_key key_of(uint32_t number)
{
	struct wr_key key = { { 1 } };

	memcpy(key.bytes + 1, &number, sizeof(number));
	return key;
}

/* The datagram says which one it is. */
static void keep(struct wr_early *early, uint32_t number, uint8_t mark, uint64_t until)
{
	struct wr_key key = key_of(number);
	struct wr_endpoint from = test_endpoint("192.0.2.7:7");
	uint8_t datagram[WR_INITIATION_LEN] = { mark };

	wr_early_keep(early, &key, (struct wr_bytes){ datagram, sizeof(datagram) }, &from,
		      (struct wr_instant){ until });
}

static void call(struct wr_early *early, uint32_t number)
{
	struct wr_key key = key_of(number);

	wr_early_call(early, &key);
}

static void test_early_is_taken_once_when_it_is_called(void **state)
{
	struct wr_early early = { 0 };
	struct wr_early_message message;

	(void)state;
	call(&early, 1);
	keep(&early, 1, 11, later.ns + 1);
	keep(&early, 2, 22, later.ns + 1);
	assert_false(wr_early_take(&early, later, &message));
	call(&early, 2);
	call(&early, 2);
	assert_true(wr_early_take(&early, later, &message));
	assert_int_equal(message.datagram[0], 22);
	assert_false(wr_early_take(&early, later, &message));
	assert_int_equal(early.called, 0);
	wr_early_done(&early);
}

static void test_early_keeps_the_newest_of_a_key(void **state)
{
	struct wr_early early = { 0 };
	struct wr_early_message message;

	(void)state;
	keep(&early, 1, 11, later.ns + 1);
	call(&early, 1);
	keep(&early, 1, 12, later.ns + 2);
	assert_false(wr_early_take(&early, later, &message));
	call(&early, 1);
	assert_true(wr_early_take(&early, later, &message));
	assert_int_equal(message.datagram[0], 12);
	wr_early_done(&early);
}

static void test_early_is_forgotten_when_its_time_is_over(void **state)
{
	struct wr_early early = { 0 };
	struct wr_early_message message;

	(void)state;
	keep(&early, 1, 11, later.ns);
	keep(&early, 2, 22, later.ns + 1);
	call(&early, 1);
	call(&early, 2);
	assert_true(wr_early_take(&early, later, &message));
	assert_int_equal(message.datagram[0], 22);
	assert_int_equal(early.called, 0);
	wr_early_done(&early);
}

static void test_early_keeps_so_many_and_the_youngest(void **state)
{
	struct wr_early early = { 0 };
	struct wr_early_message message;
	uint32_t taken = 0;

	(void)state;
	for (uint32_t i = 0; i < WR_EARLY_ENTRIES + 8; i++)
		keep(&early, i, 1, later.ns + 1 + i);
	for (uint32_t i = 0; i < WR_EARLY_ENTRIES + 8; i++)
		call(&early, i);
	while (wr_early_take(&early, later, &message)) {
		assert_in_range(message.until.ns, later.ns + 9, later.ns + WR_EARLY_ENTRIES + 8);
		taken++;
	}
	assert_int_equal(taken, WR_EARLY_ENTRIES);
	wr_early_done(&early);
}

/* B does not know A (any more), to whom B is known. */
static void send_too_early(struct link *link)
{
	struct wr_output initiation, output;

	link_start(link);
	wr_peer_remove(link->b.peer);
	end_initiate(link, &link->a, &initiation);
	assert_int_equal(end_input(link, &link->b, &initiation, &output), WR_DROP_PEER);
	end_is_quiet(link, &link->b);
}

static void test_early_initiation_is_answered_when_the_peer_comes(void **state)
{
	struct wr_output response, output;
	struct link link;

	(void)state;
	send_too_early(&link);
	link_advance(&link, 300 * MS);
	link.b.peer = end_add_peer(&link.b, &link.a);
	assert_true(wr_is_past(wr_port_deadline(link.b.port), link.moment.now));
	assert_true(end_poll(&link, &link.b, &response));
	assert_int_equal(response.kind, WR_OUTPUT_DATAGRAM);
	assert_int_equal(response.datagram[0], WR_MESSAGE_RESPONSE);
	assert_int_equal(end_input(&link, &link.a, &response, &output), WR_TAKEN);
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
	link_packet(&link, &link.a, true, true);
	assert_true(end_poll(&link, &link.b, &output));
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
	assert_non_null(end_session(&link, &link.b));
	link_end(&link);
}

static void test_early_initiation_is_no_use_when_another_one_follows(void **state)
{
	struct link link;

	(void)state;
	send_too_early(&link);
	link_advance(&link, 5 * S);
	link.b.peer = end_add_peer(&link.b, &link.a);
	end_is_quiet(&link, &link.b);
	link_end(&link);
}

static void test_early_initiation_is_checked_like_any_other(void **state)
{
	static const struct wr_key other_key = { { 9 } };
	struct wr_output output;
	struct link link;

	(void)state;
	link_start(&link);
	wr_peer_remove(link.b.peer);
	end_initiate(&link, &link.a, &output);
	output.datagram[100] ^= 1; /* its timestamp, which only a peer's is read */
	{
		struct wr_cookie_jar jar;

		wr_cookie_jar_init(&jar, &link.b.device->identity.public_key);
		wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, output.datagram, output.len);
	}
	assert_int_equal(end_input(&link, &link.b, &output, &output), WR_DROP_PEER);
	link.b.peer = end_add_peer(&link.b, &link.a);
	wr_peer_set_preshared_key(link.b.peer, &other_key);
	assert_true(end_poll(&link, &link.b, &output));
	assert_int_equal(output.kind, WR_OUTPUT_NONE);
	end_is_quiet(&link, &link.b);
	assert_null(atomic_load(&link.b.peer->next));
	link_end(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_is_taken_once_when_it_is_called),
		cmocka_unit_test(test_early_keeps_the_newest_of_a_key),
		cmocka_unit_test(test_early_is_forgotten_when_its_time_is_over),
		cmocka_unit_test(test_early_keeps_so_many_and_the_youngest),
		cmocka_unit_test(test_early_initiation_is_answered_when_the_peer_comes),
		cmocka_unit_test(test_early_initiation_is_no_use_when_another_one_follows),
		cmocka_unit_test(test_early_initiation_is_checked_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
