#include "link.h"
#include "unit.h"

static struct wr_key key_of(uint32_t number)
{
	struct wr_key key = { { 0xaa } };

	memcpy(key.bytes + 1, &number, sizeof(number));
	return key;
}

#define PEERS 300

static void test_device_finds_peers_like_a_list(void **state)
{
	struct unit_random random = unit_random_start("device");
	struct wr_peer *peers[PEERS] = { NULL };
	uint32_t count = 0;
	struct link link;

	(void)state;
	link_start(&link);
	wr_peer_remove(link.a.peer);
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t i = (uint32_t)unit_random_below(&random, PEERS);
		struct wr_key key = key_of(i);

		assert_ptr_equal(wr_device_find_peer(link.a.device, &key), peers[i]);
		if (peers[i]) {
			wr_peer_remove(peers[i]);
			peers[i] = NULL;
			count--;
		} else {
			peers[i] = wr_device_add_peer(link.a.device, &key);
			assert_non_null(peers[i]);
			count++;
		}
		assert_int_equal(link.a.device->peer_count, count);
		if (round % 100 == 0)
			link_advance(&link, 1);
	}
	link_end(&link);
}

static void test_device_keeps_the_order_of_peers(void **state)
{
	struct link link;
	uint32_t want = 0;

	(void)state;
	link_start(&link);
	wr_peer_remove(link.a.peer);
	for (uint32_t i = 0; i < PEERS; i++) {
		struct wr_key key = key_of(i);

		assert_non_null(wr_device_add_peer(link.a.device, &key));
	}
	for (uint32_t i = 0; i < PEERS; i += 3) {
		struct wr_key key = key_of(i);

		wr_peer_remove(wr_device_find_peer(link.a.device, &key));
	}
	for (struct wr_peer *peer = link.a.device->peer_first; peer; peer = peer->list_next) {
		struct wr_key key;

		want += want % 3 == 0;
		key = key_of(want++);
		assert_memory_equal(&peer->public_key, &key, sizeof(key));
	}
	link_end(&link);
}

static void test_device_new_key_ends_sessions_and_takes_effect(void **state)
{
	struct wr_key new_key = test_private_key(33);
	struct link link;
	struct wr_output initiation, output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	/* The key that it has already changes nothing. */
	assert_int_equal(wr_device_set_private_key(link.b.device, &link.b.private_key), 0);
	assert_non_null(end_session(&link, &link.b));

	assert_int_equal(wr_device_set_private_key(link.b.device, &new_key), 0);
	assert_null(end_session(&link, &link.b));
	assert_int_equal(link.b.port->indices.count, 0);
	assert_int_equal(wr_mac1_set_count(link.b.port->keys), 1);

	/* A does not know it yet; then it does. */
	link_advance(&link, 200 * S);
	end_initiate(&link, &link.a, &initiation);
	assert_int_equal(end_input(&link, &link.b, &initiation, &output), WR_DROP_MAC1);
	wr_peer_remove(link.a.peer);
	link.b.private_key = new_key;
	link.a.peer = end_add_peer(&link.a, &link.b);
	link_handshake(&link, &link.a);
	link_end(&link);
}

static void test_device_new_key_begins_an_attempt_anew(void **state)
{
	struct wr_key new_key = test_private_key(33);
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &output);
	assert_int_equal(wr_device_set_private_key(link.a.device, &new_key), 0);
	assert_int_equal(link.a.port->indices.count, 0);
	assert_true(end_poll(&link, &link.a, &output));
	assert_int_equal(output.len, WR_INITIATION_LEN);
	/* It is a new one, from the new key: B does not know that. */
	assert_int_equal(end_input(&link, &link.b, &output, &output), WR_DROP_PEER);
	link_end(&link);
}

static void test_device_key_of_a_peer_removes_the_peer(void **state)
{
	struct link link;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	assert_int_equal(wr_device_set_private_key(link.a.device, &link.b.private_key), 0);
	assert_int_equal(link.a.device->peer_count, 0);
	assert_int_equal(link.a.port->peer_count, 0);
	assert_int_equal(link.a.port->indices.count, 0);
	link_end(&link);
}

static void test_device_without_key_does_nothing(void **state)
{
	static const struct wr_key none;
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	link_handshake(&link, &link.a);
	assert_int_equal(wr_device_set_private_key(link.a.device, &none), 0);
	assert_int_equal(link.a.device->mac1_slot, WR_MAC1_NONE);
	assert_int_equal(wr_mac1_set_count(link.a.port->keys), 0);
	wr_peer_set_keepalive(link.a.peer, 25, link.moment.now);
	end_ask(&link.a);
	assert_false(end_wait(&link, &link.a, 1000 * S, &output));
	link_end(&link);
}

static void test_device_peer_of_low_order_is_given_up(void **state)
{
	struct wr_key low_order = { { 1 } };
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	wr_peer_remove(link.a.peer);
	link.a.peer = wr_device_add_peer(link.a.device, &low_order);
	wr_peer_set_endpoint(link.a.peer, &link.b.address);
	end_ask(&link.a);
	assert_true(end_wait(&link, &link.a, 100 * S, &output));
	assert_int_equal(output.kind, WR_OUTPUT_GIVE_UP);
	assert_int_equal(link.a.port->indices.count, 0);
	link_end(&link);
}

static void test_device_remove_leaves_nothing_behind(void **state)
{
	struct wr_prefix prefix;
	struct link link;

	(void)state;
	link_start(&link);
	assert_true(wr_prefix_parse("10.0.0.0/8", 10, &prefix));
	assert_int_equal(wr_peer_allow(link.a.peer, &prefix), 0);
	link_handshake(&link, &link.a);
	link_packet(&link, &link.b, true, true);
	end_ask(&link.a); /* it stands on the attention stack */
	wr_device_remove(link.a.device);
	assert_int_equal(link.a.port->indices.count, 0);
	assert_int_equal(link.a.port->timers.count, 0);
	assert_int_equal(link.a.port->peer_count, 0);
	assert_null(link.a.port->device_first);
	assert_int_equal(wr_mac1_set_count(link.a.port->keys), 0);
	end_is_quiet(&link, &link.a);
	link_end(&link);
}

static void test_device_removes_a_peer_that_waits_for_an_answer(void **state)
{
	struct link link;
	struct wr_output output;

	(void)state;
	link_start(&link);
	end_initiate(&link, &link.a, &output);
	assert_int_equal(link.a.port->indices.count, 1);
	wr_peer_remove(link.a.peer);
	assert_int_equal(link.a.port->indices.count, 0);
	assert_true(wr_is_never(wr_port_deadline(link.a.port)));
	link_end(&link);
}

/* A worker may still hold a removed peer, and even ask for it. */
static void test_port_forget_takes_removed_peers_off_the_stack(void **state)
{
	struct link link;
	struct wr_output output;
	struct wr_peer *stays, *goes;
	struct wr_key key = key_of(1);
	struct wr_retire_list retired;

	(void)state;
	link_start(&link);
	stays = link.a.peer;
	goes = wr_device_add_peer(link.a.device, &key);
	wr_peer_ask(goes, WR_ATTENTION_HANDSHAKE);
	wr_peer_ask(stays, WR_ATTENTION_HANDSHAKE);
	wr_peer_remove(goes);
	retired = wr_port_take_retired(link.a.port);
	assert_false(wr_peer_ask(goes, WR_ATTENTION_TIMERS));
	/* So may one set where it is; nothing comes of it. */
	wr_peer_set_endpoint(goes, &link.b.address);
	wr_port_forget(link.a.port);
	wr_retire_free_all(&retired);
	assert_true(end_poll(&link, &link.a, &output));
	assert_ptr_equal(output.peer, stays);
	end_is_quiet(&link, &link.a);
	link_end(&link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_finds_peers_like_a_list),
		cmocka_unit_test(test_device_keeps_the_order_of_peers),
		cmocka_unit_test(test_device_new_key_ends_sessions_and_takes_effect),
		cmocka_unit_test(test_device_new_key_begins_an_attempt_anew),
		cmocka_unit_test(test_device_key_of_a_peer_removes_the_peer),
		cmocka_unit_test(test_device_without_key_does_nothing),
		cmocka_unit_test(test_device_peer_of_low_order_is_given_up),
		cmocka_unit_test(test_device_remove_leaves_nothing_behind),
		cmocka_unit_test(test_device_removes_a_peer_that_waits_for_an_answer),
		cmocka_unit_test(test_port_forget_takes_removed_peers_off_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
