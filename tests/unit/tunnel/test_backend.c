/* What a backend promises, whichever carries the packets. */
#include "tunnel/backend.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#include "ends.h"

/* --- The interface. --- */

static void test_backend_opens_an_interface_and_removes_it(void **state)
{
	char why[200] = "";

	(void)state;
	for (unsigned times = 0; times < 2; times++) {
		assert_int_equal(end_open(&first, "wg0", 0, why), 0);
		assert_string_equal(why, "");
		assert_int_equal(wr_backend_kind(first.backend), first.kind);
		assert_string_equal(wr_backend_name(first.backend),
				    first.kind == WR_BACKEND_KERNEL ? "kernel" : "engine");
		assert_int_not_equal(wr_backend_port(first.backend), 0);
		assert_int_not_equal(wr_backend_index(first.backend), 0);
		/* The kernel's has no threads of its own. */
		namespace_run("test $(ls /proc/$PPID/task | wc -l) %s 1",
			      first.kind == WR_BACKEND_KERNEL ? "=" : "-gt");
		namespace_run("/usr/sbin/ip -n first link show wg0 | grep -q 'mtu 1400'");
		namespace_run("! /usr/sbin/ip -n first link show wg0 | grep -q UP");
		assert_int_equal(end_set_up(&first, true), 0);
		namespace_run("/usr/sbin/ip -n first link show wg0 | grep -q UP");
		end_close(&first);
		namespace_run("! /usr/sbin/ip -n first link show wg0 2>/dev/null");
	}
}

static void test_backend_refuses_what_is_anothers(void **state)
{
	char why[200] = "";

	(void)state;
	namespace_run("/usr/sbin/ip -n first link add wg0 type veth peer name other");
	assert_int_equal(end_open(&first, "wg0", 0, why), -EEXIST);
	assert_non_null(strstr(why, "wg0"));
	namespace_run(
		"/usr/sbin/ip -n first link show wg0 >/dev/null && /usr/sbin/ip -n first link del wg0");
	assert_int_equal(end_open(&first, "", 0, why), -EINVAL);
	assert_int_equal(end_open(&first, "a-very-long-name-of-a-link", 0, why), -EINVAL);
	assert_int_equal(end_open(&first, "a/b", 0, why), -EINVAL);
}

static void test_backend_says_that_its_port_is_in_use(void **state)
{
	int fd = end_socket(&first, "0.0.0.0", 4567);
	char why[200] = "";

	(void)state;
	assert_int_equal(end_open(&first, "wg0", 4567, why), -EADDRINUSE);
	assert_non_null(strstr(why, "4567"));
	namespace_run("! /usr/sbin/ip -n first link show wg0 2>/dev/null");
	close(fd);
	assert_int_equal(end_open(&first, "wg0", 4567, why), 0);
	assert_int_equal(wr_backend_port(first.backend), 4567);
	end_close(&first);
}

static bool is_gone(void)
{
	return first.gone > 0;
}

static void test_backend_tells_once_that_the_interface_is_gone(void **state)
{
	char why[200];

	(void)state;
	assert_int_equal(end_open(&first, "wg0", 0, why), 0);
	namespace_run("/usr/sbin/ip -n first link del wg0");
	await(is_gone, "that it is gone");
	turn_for(50);
	assert_int_equal(first.gone, 1);
	assert_int_equal(end_set_up(&first, true), -ENODEV);
	assert_int_equal(wr_backend_wake(first.backend, &first.public_key), -ENODEV);
	/* One that came in its place stays. */
	namespace_run("/usr/sbin/ip -n first link add wg0 type veth peer name other");
	end_close(&first);
	namespace_run("/usr/sbin/ip -n first link del wg0");
	assert_int_equal(end_open(&first, "wg0", 0, why), 0);
	end_close(&first);
}

/* --- Handshakes and traffic. --- */

static void test_backend_wakes_a_peer(void **state)
{
	struct wr_backend_sight sight;

	(void)state;
	ends_introduce();
	sight = end_see(&first, &second);
	assert_int_equal(sight.latest_handshake.ns, 0);
	assert_int_equal(sight.last_received.ns, 0);
	assert_int_equal(sight.allowed_count, 1);
	ends_shake_hands();
	assert_true(wr_key_equal(&first.peer, &second.public_key));
	assert_true(wr_key_equal(&second.peer, &first.public_key));
	sight = end_see(&first, &second);
	assert_int_not_equal(sight.latest_handshake.ns, 0);
	assert_int_not_equal(sight.last_received.ns, 0);
	assert_true(sight.rx_bytes >= 92 && sight.tx_bytes >= 148 + 32);
	assert_int_equal(wr_backend_wake(first.backend, &first.public_key), -ENOENT);
	assert_int_equal(wr_backend_look_one(first.backend, &second.public_key, &sight), 0);
	assert_true(sight.tx_bytes >= 148 + 32);
	assert_int_equal(wr_backend_look_one(first.backend, &first.public_key, &sight), -ENOENT);
}

static bool have_both_shaken(void)
{
	return first.shook && second.shook;
}

/* The one who is asked knows no address: it answers where the question came from. */
static void test_backend_answers_whoever_asks(void **state)
{
	struct wr_endpoint endpoint = endpoint_of(&second, SECOND_ADDRESS);
	struct wr_endpoint from = endpoint_of(&first, FIRST_ADDRESS);

	(void)state;
	end_add(&first, &second, (const char *[]){ SECOND_INSIDE "/32", NULL });
	end_add(&second, &first, (const char *[]){ FIRST_INSIDE "/32", NULL });
	assert_int_equal(wr_backend_set_endpoint(first.backend, &second.public_key, &endpoint), 0);
	ends_shake_hands();
	assert_true(second.heard > 0);
	assert_true(wr_endpoint_equal_remote(&second.from, &from));
	if (second.kind == WR_BACKEND_ENGINE)
		assert_int_equal(end_see(&second, &first).endpoint.ip.family, WR_FAMILY_NONE);
}

static void test_backend_carries_packets_of_allowed_addresses(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000),
	    to = end_socket(&second, SECOND_INSIDE, 7000);
	int stranger;

	(void)state;
	ends_introduce();
	send_to(from, SECOND_INSIDE, 7000); /* without a session: it waits for one */
	assert_true(receives(to, 3000));
	send_to(to, FIRST_INSIDE, 7000);
	assert_true(receives(from, 3000));
	namespace_run("/usr/sbin/ip -n first addr add 10.9.0.9/24 dev wg0");
	stranger = end_socket(&first, "10.9.0.9", 7000);
	send_to(stranger, SECOND_INSIDE, 7000);
	send_to(from, SECOND_INSIDE, 7000);
	assert_true(receives(to, 3000));
	assert_false(receives(to, 100));
	close(from);
	close(to);
	close(stranger);
}

static void test_backend_stops_and_goes_on_with_the_interface(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000),
	    to = end_socket(&second, SECOND_INSIDE, 7000);

	(void)state;
	ends_introduce();
	ends_shake_hands();
	assert_int_equal(end_set_up(&second, false), 0);
	send_to(from, SECOND_INSIDE, 7000);
	assert_false(receives(to, 200));
	assert_int_equal(end_set_up(&second, true), 0);
	second.shook = 0;
	assert_int_equal(wr_backend_wake(second.backend, &first.public_key), 0);
	ends_shake_hands();
	send_to(to, FIRST_INSIDE, 7000);
	assert_true(receives(from, 3000));
	close(from);
	close(to);
}

/* The other side may have lost it. */
static void test_backend_renews_a_session(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000);
	int to = end_socket(&second, SECOND_INSIDE, 7000);
	struct wr_backend_sight was, is;

	(void)state;
	assert_int_equal(wr_backend_renew(first.backend, &second.public_key), -ENOENT);
	ends_introduce();
	ends_shake_hands();
	was = end_see(&first, &second);
	first.shook = second.shook = 0;
	assert_int_equal(wr_backend_renew(first.backend, &second.public_key), 0);
	await(have_both_shaken, "another handshake");
	is = end_see(&first, &second);
	assert_true(is.latest_handshake.ns > was.latest_handshake.ns);
	assert_true(is.rx_bytes > was.rx_bytes && is.tx_bytes > was.tx_bytes);
	assert_int_equal(is.allowed_sum, was.allowed_sum);
	assert_true(wr_endpoint_equal_remote(&is.endpoint, &was.endpoint));
	assert_int_equal(is.keepalive, 0);
	send_to(from, SECOND_INSIDE, 7000);
	assert_true(receives(to, 3000));
	send_to(to, FIRST_INSIDE, 7000);
	assert_true(receives(from, 3000));
	close(from);
	close(to);
}

/* --- Where traffic goes. --- */

static bool has_heard(void)
{
	return first.heard > 0;
}

static uint64_t received_before;

/* Of that nothing is told, so it is looked at now and then. */
static bool has_second_received(void)
{
	turn_for(10);
	return end_see(&second, &first).rx_bytes > received_before;
}

/* The second end sends from its other address from now on: it answers from where it was asked. */
static void move_second(void)
{
	struct wr_endpoint other = endpoint_of(&second, SECOND_OTHER_ADDRESS);
	struct wr_endpoint usual = endpoint_of(&second, SECOND_ADDRESS);
	received_before = end_see(&second, &first).rx_bytes;
	if (wr_backend_can_probe(first.backend)) {
		assert_int_equal(wr_backend_probe(first.backend, &second.public_key, &other), 0);
	} else {
		assert_int_equal(wr_backend_set_endpoint(first.backend, &second.public_key, &other),
				 0);
		wr_backend_wake(first.backend, &second.public_key);
	}
	await(has_second_received, "what was sent to the other address");
	assert_int_equal(wr_backend_set_endpoint(first.backend, &second.public_key, &usual), 0);
	turn_for(50);
}

static void test_backend_hears_a_peer_elsewhere(void **state)
{
	struct wr_endpoint other = endpoint_of(&second, SECOND_OTHER_ADDRESS);
	struct wr_endpoint usual = endpoint_of(&second, SECOND_ADDRESS);
	int from = end_socket(&first, FIRST_INSIDE, 7000),
	    to = end_socket(&second, SECOND_INSIDE, 7000);
	struct wr_endpoint seen;

	(void)state;
	ends_introduce();
	ends_shake_hands();
	move_second();
	first.heard = 0;
	send_to(to, FIRST_INSIDE, 7000);
	assert_true(receives(from, 3000));
	await(has_heard, "that it was heard");
	assert_true(wr_endpoint_equal_remote(&first.from, &other));
	seen = end_see(&first, &second).endpoint;
	assert_true(wr_endpoint_equal_remote(&seen, wr_backend_can_probe(first.backend) ? &usual
											: &other));
	close(from);
	close(to);
}

static void test_backend_is_not_flooded_by_what_it_hears(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000),
	    to = end_socket(&second, SECOND_INSIDE, 7000);

	(void)state;
	ends_introduce();
	ends_shake_hands();
	move_second();
	first.heard = 0;
	for (unsigned i = 0; i < 1000; i++) {
		send_to(to, FIRST_INSIDE, 7000);
		if (i % 10 == 0)
			turn_for(5);
	}
	assert_true(receives(from, 3000));
	await(has_heard, "that it was heard");
	/* Half a second of it, and then some on a busy machine. */
	assert_true(first.heard < 60);
	close(from);
	close(to);
}

static void test_backend_probes_a_second_address(void **state)
{
	struct wr_endpoint other = endpoint_of(&second, SECOND_OTHER_ADDRESS);
	struct wr_endpoint before;

	(void)state;
	ends_introduce();
	if (!wr_backend_can_probe(first.backend)) {
		assert_int_equal(wr_backend_probe(first.backend, &second.public_key, &other),
				 -EOPNOTSUPP);
		return;
	}
	assert_int_equal(wr_backend_probe(first.backend, &second.public_key, &other), -ENOTCONN);
	ends_shake_hands();
	turn_for(50);
	before = end_see(&first, &second).endpoint;
	received_before = end_see(&second, &first).rx_bytes;
	assert_int_equal(wr_backend_probe(first.backend, &second.public_key, &other), 0);
	await(has_second_received, "the probe");
	assert_int_equal(end_see(&second, &first).rx_bytes, received_before + 32);
	other = end_see(&first, &second).endpoint;
	assert_true(wr_endpoint_equal(&other, &before));
	assert_int_equal(wr_backend_probe(first.backend, &first.public_key, &other), -ENOENT);
}

/* --- Knocks. --- */

static bool is_first_knocked(void)
{
	return first.knocks > 0;
}

static bool is_second_knocked(void)
{
	return second.knocks > 0;
}

static void knock(struct end *from, const struct end *to, const char *address, const char *text)
{
	struct wr_bytes datagram = { (const uint8_t *)text, strlen(text) };
	struct wr_endpoint endpoint = endpoint_of(to, address);

	assert_int_equal(wr_backend_send(from->backend, datagram, &endpoint), 0);
}

/* And is answered, from the address that it came to. */
static void test_backend_passes_knocks_on(void **state)
{
	struct wr_bytes answer = { (const uint8_t *)"W, too", 6 };
	struct wr_endpoint from = endpoint_of(&second, SECOND_OTHER_ADDRESS);

	(void)state;
	if (first.kind == WR_BACKEND_KERNEL || second.kind == WR_BACKEND_KERNEL) {
		struct end *deaf = first.kind == WR_BACKEND_KERNEL ? &first : &second;

		assert_int_equal(wr_backend_send(deaf->backend, answer, &from), -EOPNOTSUPP);
		return;
	}
	knock(&first, &second, SECOND_OTHER_ADDRESS, "Who is there?");
	await(is_second_knocked, "the knock");
	assert_int_equal(second.knock_len, 13);
	assert_memory_equal(second.knock, "Who is there?", 13);
	assert_int_equal(second.from.port, wr_backend_port(first.backend));
	assert_int_equal(wr_backend_send(second.backend, answer, &second.from), 0);
	await(is_first_knocked, "the answer");
	assert_memory_equal(first.knock, "W, too", 6);
	assert_true(wr_endpoint_equal_remote(&first.from, &from));
}

static void test_backend_refuses_long_knocks(void **state)
{
	static const uint8_t bytes[WR_ENGINE_KNOCK_MAX_LEN + 1] = { 'W' };
	struct wr_endpoint to = endpoint_of(&second, SECOND_ADDRESS);

	(void)state;
	if (first.kind == WR_BACKEND_KERNEL)
		return;
	assert_int_equal(wr_backend_send(first.backend, (struct wr_bytes){ bytes, 257 }, &to),
			 -EMSGSIZE);
	assert_int_equal(wr_backend_send(first.backend, (struct wr_bytes){ bytes, 0 }, &to),
			 -EMSGSIZE);
	assert_int_equal(end_set_up(&first, false), 0);
	assert_int_equal(wr_backend_send(first.backend, (struct wr_bytes){ bytes, 1 }, &to),
			 -ENOTCONN);
	assert_int_equal(end_set_up(&first, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backend_opens_an_interface_and_removes_it),
		cmocka_unit_test(test_backend_refuses_what_is_anothers),
		cmocka_unit_test(test_backend_says_that_its_port_is_in_use),
		cmocka_unit_test(test_backend_tells_once_that_the_interface_is_gone),
		cmocka_unit_test_setup_teardown(test_backend_wakes_a_peer, ends_open, ends_close),
		cmocka_unit_test_setup_teardown(test_backend_answers_whoever_asks, ends_open,
						ends_close),
		cmocka_unit_test_setup_teardown(test_backend_carries_packets_of_allowed_addresses,
						ends_open, ends_close),
		cmocka_unit_test_setup_teardown(test_backend_stops_and_goes_on_with_the_interface,
						ends_open, ends_close),
		cmocka_unit_test_setup_teardown(test_backend_renews_a_session, ends_open,
						ends_close),
		cmocka_unit_test_setup_teardown(test_backend_hears_a_peer_elsewhere, ends_open,
						ends_close),
		cmocka_unit_test_setup_teardown(test_backend_is_not_flooded_by_what_it_hears,
						ends_open, ends_close),
		cmocka_unit_test_setup_teardown(test_backend_probes_a_second_address, ends_open,
						ends_close),
		cmocka_unit_test_setup_teardown(test_backend_passes_knocks_on, ends_open,
						ends_close),
		cmocka_unit_test_setup_teardown(test_backend_refuses_long_knocks, ends_open,
						ends_close),
	};

	return cmocka_run_group_tests(tests, ends_enter, ends_leave);
}
