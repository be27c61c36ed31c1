/* A peer that is managed: its traffic goes where it was set, and what comes from elsewhere is told.
 */
#include "link.h"
#include "unit.h"

static const struct wr_instant start = { 1000 * S };

static struct wr_instant ms_later(uint64_t ms)
{
	return (struct wr_instant){ start.ns + ms * MS };
}

static void manage(struct link *link)
{
	link_start(link);
	assert_int_equal(wr_peer_manage(link->a.peer), 0);
	assert_int_equal(wr_peer_manage(link->b.peer), 0);
}

static void test_managed_tells_the_first_at_once_and_then_seldom(void **state)
{
	struct wr_endpoint from = test_endpoint("192.0.2.7:7");
	struct wr_managed managed = { 0 };
	unsigned told = 0;

	(void)state;
	assert_true(wr_managed_tells(&managed, &from, start));
	assert_false(wr_managed_tells(&managed, &from, start));
	assert_false(wr_managed_tells(&managed, &from, ms_later(90)));
	assert_true(wr_managed_tells(&managed, &from, ms_later(100)));
	/* A packet each millisecond for ten seconds. */
	for (uint64_t ms = 1000; ms < 11000; ms++)
		told += wr_managed_tells(&managed, &from, ms_later(ms));
	assert_in_range(told, 100, 110);
}

static void test_managed_tells_of_another_address_beside_a_flood(void **state)
{
	struct wr_endpoint flood = test_endpoint("192.0.2.7:7"),
			   other = test_endpoint("192.0.2.7:8");
	struct wr_managed managed = { 0 };

	(void)state;
	for (uint64_t ms = 0; ms < 5000; ms++)
		(void)wr_managed_tells(&managed, &flood, ms_later(ms));
	assert_true(wr_managed_tells(&managed, &other, ms_later(5000)));
}

static void test_managed_bounds_what_many_addresses_cause(void **state)
{
	struct wr_endpoint from = test_endpoint("192.0.2.7:7");
	struct wr_managed managed = { 0 };
	unsigned told = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 10000; ms++) {
		from.port = (uint16_t)(ms % 60000 + 1);
		told += wr_managed_tells(&managed, &from, ms_later(ms));
	}
	assert_in_range(told, 200, 270);
}

static void test_managed_peer_stays_where_it_was_set(void **state)
{
	struct wr_endpoint away = test_endpoint("192.0.2.99:99"), seen;
	struct link link;

	(void)state;
	manage(&link);
	assert_true(wr_peer_hear(link.a.peer, &away, link.moment.now));
	assert_peer_is_at(link.a.peer, &link.b.address);
	assert_int_equal(link.a.peer->managed->last_received, link_now(&link));
	/* From there, but asked at another address of ours: answers leave from that. */
	seen = link.b.address;
	seen.local = test_endpoint("192.0.2.55:1").ip;
	assert_false(wr_peer_hear(link.a.peer, &seen, link.moment.now));
	assert_peer_is_at(link.a.peer, &seen);
	link_end(&link);
}

static void test_managed_peer_without_an_endpoint_gets_none(void **state)
{
	struct wr_endpoint away = test_endpoint("192.0.2.99:99"), known;
	struct link link;
	struct wr_peer *peer;

	(void)state;
	link_start(&link);
	peer = wr_device_add_peer(link.a.device, &(struct wr_key){ { 7 } });
	assert_non_null(peer);
	assert_int_equal(wr_peer_manage(peer), 0);
	assert_true(wr_peer_hear(peer, &away, link.moment.now));
	assert_int_equal(wr_peer_endpoint(peer, &known), 0);
	link_end(&link);
}

/* An initiation from elsewhere is answered there; nothing else goes there. */
static void test_managed_peer_is_answered_where_it_asked(void **state)
{
	struct wr_endpoint away = test_endpoint("192.0.2.99:99");
	struct wr_output initiation, response, output;
	struct link link;

	(void)state;
	manage(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input_from(&link, &link.b, &away, &initiation, false, &response),
			 WR_TAKEN);
	assert_int_equal(response.kind, WR_OUTPUT_DATAGRAM);
	assert_true(wr_endpoint_equal(&response.to, &away));
	assert_ptr_equal(response.heard, link.b.peer);
	assert_null(response.shook);
	assert_peer_is_at(link.b.peer, &link.a.address);
	/* The response comes from elsewhere too. */
	assert_int_equal(end_input_from(&link, &link.a, &away, &response, false, &output),
			 WR_TAKEN);
	assert_ptr_equal(output.heard, link.a.peer);
	assert_ptr_equal(output.shook, link.a.peer);
	assert_peer_is_at(link.a.peer, &link.b.address);
	link_end(&link);
}

static void test_managed_peer_is_not_told_of_where_it_is(void **state)
{
	struct wr_output initiation, response, output;
	struct link link;

	(void)state;
	manage(&link);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &response), WR_TAKEN);
	assert_null(response.heard);
	assert_int_equal(end_input(&link, &link.a, &response, &output), WR_TAKEN);
	assert_null(output.heard);
	/* The one that answered knows that it is through with the first packet. */
	link_packet(&link, &link.a, false, true);
	assert_true(end_poll(&link, &link.b, &output));
	assert_ptr_equal(output.shook, link.b.peer);
	link_end(&link);
}

/* What any other peer does. */
static void test_managed_not_it_follows(void **state)
{
	struct wr_endpoint away = test_endpoint("192.0.2.99:99");
	struct link link;

	(void)state;
	link_start(&link);
	assert_false(wr_peer_hear(link.a.peer, &away, link.moment.now));
	assert_peer_is_at(link.a.peer, &away);
	link_end(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_managed_tells_the_first_at_once_and_then_seldom),
		cmocka_unit_test(test_managed_tells_of_another_address_beside_a_flood),
		cmocka_unit_test(test_managed_bounds_what_many_addresses_cause),
		cmocka_unit_test(test_managed_peer_stays_where_it_was_set),
		cmocka_unit_test(test_managed_peer_without_an_endpoint_gets_none),
		cmocka_unit_test(test_managed_peer_is_answered_where_it_asked),
		cmocka_unit_test(test_managed_peer_is_not_told_of_where_it_is),
		cmocka_unit_test(test_managed_not_it_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
