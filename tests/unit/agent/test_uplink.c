/* How the hub is reached: over UDP, over its other address, over the channel, and back. */
#include <string.h>

#include "agent/uplink.h"
#include "linux/clock.h"
#include "unit.h"

struct seen {
	struct wr_endpoint endpoint;
	bool is_over_channel;
	unsigned moves;
};

struct uplink_fixture {
	uv_loop_t loop;
	struct wr_uplink *uplink;
	struct seen seen;
	struct wr_instant now;
	struct wr_endpoint hub[2], stand_in;
};

static void on_moved(void *context, const struct wr_endpoint *endpoint, bool is_over_channel)
{
	struct seen *seen = context;

	seen->endpoint = *endpoint;
	seen->is_over_channel = is_over_channel;
	seen->moves++;
}

static struct wr_endpoint endpoint_of(const char *text)
{
	struct wr_endpoint endpoint = { .port = 0 };

	if (*text)
		assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

static int set_up(void **state)
{
	static struct uplink_fixture fixture;
	const struct wr_uplink_config config = { .moved = on_moved, .context = &fixture.seen };

	memset(&fixture, 0, sizeof(fixture));
	uv_loop_init(&fixture.loop);
	fixture.uplink = wr_uplink_new(&fixture.loop, &config);
	assert_non_null(fixture.uplink);
	fixture.now.ns = 1000000000000;
	fixture.hub[0] = endpoint_of("203.0.113.1:51820");
	fixture.hub[1] = endpoint_of("[2001:db8::1]:51820");
	fixture.stand_in = endpoint_of("127.0.0.1:40000");
	wr_uplink_set_stand_in(fixture.uplink, &fixture.stand_in);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct uplink_fixture *fixture = *state;

	fixture->uplink = wr_uplink_free(fixture->uplink);
	uv_run(&fixture->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	return 0;
}

static void pass(struct uplink_fixture *fixture, uint64_t seconds)
{
	fixture->now.ns += seconds * 1000000000;
}

/* `age`: seconds since the last handshake; 0: never. */
static void look(struct uplink_fixture *fixture, uint64_t age)
{
	struct wr_wall handshake = { 0 };

	if (age)
		handshake.ns = wr_clock_wall().ns - age * 1000000000;
	wr_uplink_look(fixture->uplink, handshake, fixture->now);
}

static void assert_at(const struct uplink_fixture *fixture, const struct wr_endpoint *endpoint)
{
	struct wr_endpoint at = wr_uplink_endpoint(fixture->uplink);

	assert_true(wr_endpoint_equal_remote(&at, endpoint));
	assert_true(wr_endpoint_equal_remote(&fixture->seen.endpoint, endpoint));
}

static void test_uplink_begins_with_udp(void **state)
{
	struct uplink_fixture *fixture = *state;

	wr_uplink_set_hub(fixture->uplink, fixture->hub, fixture->now);
	assert_at(fixture, &fixture->hub[0]);
	look(fixture, 1);
	assert_true(wr_uplink_is_connected(fixture->uplink));
	wr_uplink_set_hub(fixture->uplink, fixture->hub, fixture->now);
	assert_int_equal(fixture->seen.moves, 1);
}

static void test_uplink_tries_the_other_family_then_the_channel(void **state)
{
	struct uplink_fixture *fixture = *state;

	wr_uplink_set_channel(fixture->uplink, true, fixture->now);
	wr_uplink_set_hub(fixture->uplink, fixture->hub, fixture->now);
	pass(fixture, 5);
	look(fixture, 0);
	assert_at(fixture, &fixture->hub[0]);
	pass(fixture, 2);
	look(fixture, 0);
	assert_at(fixture, &fixture->hub[1]);
	pass(fixture, 7);
	look(fixture, 0);
	assert_at(fixture, &fixture->stand_in);
	assert_true(wr_uplink_is_over_channel(fixture->uplink));
	assert_true(fixture->seen.is_over_channel);
}

static void test_uplink_without_a_channel_goes_on_with_udp(void **state)
{
	struct uplink_fixture *fixture = *state;
	struct wr_endpoint one[2] = { fixture->hub[0], { .port = 0 } };

	wr_uplink_set_hub(fixture->uplink, one, fixture->now);
	for (int i = 0; i < 10; i++) {
		pass(fixture, 7);
		look(fixture, 0);
		assert_at(fixture, &fixture->hub[0]);
	}
	/* And takes it when it comes. */
	wr_uplink_set_channel(fixture->uplink, true, fixture->now);
	pass(fixture, 7);
	look(fixture, 0);
	assert_at(fixture, &fixture->stand_in);
	/* When it goes, so does the stand-in. */
	wr_uplink_set_channel(fixture->uplink, false, fixture->now);
	assert_at(fixture, &fixture->hub[0]);
}

static void test_uplink_believes_the_hub_that_hears_nothing(void **state)
{
	struct uplink_fixture *fixture = *state;
	struct wr_endpoint one[2] = { fixture->hub[0], { .port = 0 } };

	wr_uplink_set_channel(fixture->uplink, true, fixture->now);
	wr_uplink_set_hub(fixture->uplink, one, fixture->now);
	look(fixture, 1);
	wr_uplink_is_silent(fixture->uplink, fixture->now);
	assert_at(fixture, &fixture->hub[0]);
	wr_uplink_is_silent(fixture->uplink, fixture->now);
	assert_at(fixture, &fixture->stand_in);
}

static void test_uplink_notices_an_old_handshake(void **state)
{
	struct uplink_fixture *fixture = *state;
	struct wr_endpoint one[2] = { fixture->hub[0], { .port = 0 } };

	wr_uplink_set_channel(fixture->uplink, true, fixture->now);
	wr_uplink_set_hub(fixture->uplink, one, fixture->now);
	look(fixture, 120);
	assert_at(fixture, &fixture->hub[0]);
	pass(fixture, 20);
	look(fixture, 140);
	assert_false(wr_uplink_is_connected(fixture->uplink));
	assert_at(fixture, &fixture->stand_in);
}

static void test_uplink_tries_udp_anew_when_the_network_changed(void **state)
{
	struct uplink_fixture *fixture = *state;
	struct wr_endpoint one[2] = { fixture->hub[0], { .port = 0 } };

	wr_uplink_set_channel(fixture->uplink, true, fixture->now);
	wr_uplink_set_hub(fixture->uplink, one, fixture->now);
	pass(fixture, 7);
	look(fixture, 0);
	assert_at(fixture, &fixture->stand_in);
	wr_uplink_network_changed(fixture->uplink, fixture->now);
	assert_at(fixture, &fixture->hub[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_uplink_begins_with_udp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uplink_tries_the_other_family_then_the_channel,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uplink_without_a_channel_goes_on_with_udp,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uplink_believes_the_hub_that_hears_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uplink_notices_an_old_handshake, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_uplink_tries_udp_anew_when_the_network_changed,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
