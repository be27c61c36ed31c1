/* Initiations to several addresses at once, for as long as nobody knows where the peer is. */
#include "link.h"
#include "unit.h"

struct spread_scene {
	struct link link;
	struct wr_endpoint dead, alive;
};

static void scene_start(struct spread_scene *scene)
{
	struct wr_endpoint addresses[2];

	link_start(&scene->link);
	assert_int_equal(wr_peer_manage(scene->link.a.peer), 0);
	assert_int_equal(wr_peer_manage(scene->link.b.peer), 0);
	scene->dead = test_endpoint("192.0.2.77:7");
	scene->alive = scene->link.b.address;
	addresses[0] = scene->dead;
	addresses[1] = scene->alive;
	wr_peer_set_endpoint(scene->link.a.peer, &scene->dead);
	assert_int_equal(wr_peer_set_spread(scene->link.a.peer, addresses, 2), 0);
	assert_int_equal(wr_peer_set_spread(scene->link.b.peer, NULL, 0), 0);
}

static bool is_among(const struct wr_output *output, const struct wr_endpoint *endpoint)
{
	for (size_t i = 0; output->also && i < output->also->count; i++)
		if (wr_endpoint_equal_remote(&output->also->endpoints[i], endpoint))
			return true;
	return false;
}

static void test_spread_goes_everywhere_and_the_answer_decides(void **state)
{
	struct wr_output initiation, response, done;
	struct spread_scene scene;
	struct link *link = &scene.link;

	(void)state;
	scene_start(&scene);
	end_initiate(link, &link->a, &initiation);
	assert_true(wr_endpoint_equal_remote(&initiation.to, &scene.dead));
	assert_true(is_among(&initiation, &scene.alive));
	/* It comes twice; the copy is a replay. */
	assert_int_equal(end_input(link, &link->b, &initiation, &response), WR_TAKEN);
	assert_ptr_equal(response.heard, link->b.peer);
	assert_peer_is_at(link->b.peer, &link->a.address);
	assert_int_equal(end_input(link, &link->b, &initiation, &done), WR_DROP_REPLAY);
	assert_int_equal(end_input(link, &link->a, &response, &done), WR_TAKEN);
	assert_int_equal(done.kind, WR_OUTPUT_SESSION);
	assert_ptr_equal(done.heard, link->a.peer);
	assert_ptr_equal(done.shook, link->a.peer);
	assert_peer_is_at(link->a.peer, &scene.alive);
	link_end(link);
}

/* With a session it goes where it is set, and is renewed there. */
static void test_spread_is_for_want_of_a_session(void **state)
{
	struct wr_endpoint away = test_endpoint("192.0.2.99:99");
	struct wr_output initiation, response, done;
	struct spread_scene scene;
	struct link *link = &scene.link;

	(void)state;
	scene_start(&scene);
	link_handshake(link, &link->a);
	assert_null(wr_spread_of(link->a.peer, link->moment.now));
	assert_false(wr_spread_follow(link->a.peer, &away, link->moment.now));
	assert_peer_is_at(link->a.peer, &scene.alive);
	link_advance(link, 10 * S);
	wr_peer_renew(link->a.peer, link->moment.now);
	assert_true(end_poll(link, &link->a, &initiation));
	assert_int_equal(initiation.kind, WR_OUTPUT_DATAGRAM);
	assert_null(initiation.also);
	/* From elsewhere: told, and no more. */
	assert_int_equal(end_input_from(link, &link->b, &away, &initiation, false, &response),
			 WR_TAKEN);
	assert_ptr_equal(response.heard, link->b.peer);
	assert_peer_is_at(link->b.peer, &link->a.address);
	assert_int_equal(end_input(link, &link->a, &response, &done), WR_TAKEN);
	/* When it is worn out, all are tried again. */
	link_advance(link, 200 * S);
	assert_non_null(wr_spread_of(link->a.peer, link->moment.now));
	link_end(link);
}

static void test_spread_hastens_what_waits(void **state)
{
	struct wr_endpoint more[3];
	struct wr_output output;
	struct spread_scene scene;
	struct link *link = &scene.link;
	uint64_t begun;

	(void)state;
	scene_start(&scene);
	end_initiate(link, &link->a, &output);
	begun = link_now(link);
	more[0] = scene.dead;
	more[1] = scene.alive;
	more[2] = test_endpoint("192.0.2.78:8");
	/* The same ones are no news. */
	assert_int_equal(wr_peer_set_spread(link->a.peer, more, 2), 0);
	end_is_quiet(link, &link->a);
	assert_int_equal(wr_peer_set_spread(link->a.peer, more, 3), 0);
	assert_true(end_wait(link, &link->a, S, &output));
	assert_int_equal(output.kind, WR_OUTPUT_DATAGRAM);
	assert_in_range(link_now(link) - begun, 1, 300 * MS);
	assert_true(is_among(&output, &more[2]));
	/* Then as ever. */
	begun = link_now(link);
	assert_true(end_wait(link, &link->a, 10 * S, &output));
	assert_in_range(link_now(link) - begun, 5 * S, 6 * S);
	/* Another endpoint is worth another one, too; but no flood of them. */
	wr_peer_set_endpoint(link->a.peer, &more[2]);
	assert_true(end_wait(link, &link->a, S, &output));
	begun = link_now(link);
	for (uint16_t i = 0; i < 100; i++) {
		more[2].port = (uint16_t)(100 + i);
		wr_peer_set_endpoint(link->a.peer, &more[2]);
	}
	assert_true(end_wait(link, &link->a, S, &output));
	assert_in_range(link_now(link) - begun, 200 * MS, 300 * MS);
	end_is_quiet(link, &link->a);
	link_end(link);
}

/* Each begins while the other's initiation is on its way. */
static void test_spread_both_begin_at_once(void **state)
{
	struct wr_output from_a, from_b, to_a, to_b, done;
	struct spread_scene scene;
	struct link *link = &scene.link;

	(void)state;
	scene_start(&scene);
	end_initiate(link, &link->a, &from_a);
	end_initiate(link, &link->b, &from_b);
	assert_int_equal(end_input(link, &link->b, &from_a, &to_a), WR_TAKEN);
	assert_int_equal(end_input(link, &link->a, &from_b, &to_b), WR_TAKEN);
	(void)!end_input(link, &link->a, &to_a, &done);
	(void)!end_input(link, &link->b, &to_b, &done);
	assert_non_null(wr_peer_session(link->a.peer, link->moment.now));
	assert_non_null(wr_peer_session(link->b.peer, link->moment.now));
	assert_peer_is_at(link->a.peer, &scene.alive);
	assert_peer_is_at(link->b.peer, &link->a.address);
	link_pump(link, 20 * S);
	link_end(link);
}

static void test_spread_is_bounded(void **state)
{
	struct wr_endpoint many[WR_SPREAD_MAX + 3];
	struct wr_output output;
	struct link link;

	(void)state;
	link_start(&link);
	assert_int_equal(wr_peer_manage(link.a.peer), 0);
	for (uint16_t i = 0; i < WR_ARRAY_LEN(many); i++) {
		many[i] = test_endpoint("192.0.2.77:7");
		many[i].port = (uint16_t)(i + 1);
	}
	assert_int_equal(wr_peer_set_spread(link.a.peer, many, WR_ARRAY_LEN(many)), 0);
	assert_int_equal(wr_peer_set_spread(link.a.peer, many, WR_SPREAD_MAX), 0);
	end_initiate(&link, &link.a, &output);
	assert_int_equal(output.also->count, WR_SPREAD_MAX);
	link_end(&link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread_goes_everywhere_and_the_answer_decides),
		cmocka_unit_test(test_spread_is_for_want_of_a_session),
		cmocka_unit_test(test_spread_hastens_what_waits),
		cmocka_unit_test(test_spread_both_begin_at_once),
		cmocka_unit_test(test_spread_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
